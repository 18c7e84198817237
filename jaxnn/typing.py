"""The contracts that everything in `jaxnn` rests on: layer, optimiser, loss, data set.

A **layer** is a value with two pure functions:

    init(key, dtype=float32)                         -> (params, state)
    apply(params, state, x, *, key=None, train=False) -> (y, state)

`params` are what an optimiser changes (`kernel`, `bias`, `scale`), `state` is what training keeps
beside them (running `mean`, `var`, `count`); both are pytrees of arrays, `{}` where there is none.
A combinator holds its children in `layers`, and its params and state are tuples with one entry a
child. `rebuild(*children)` gives the same combinator over other children.

An **optimiser** is a pair of pure functions, as in Optax:

    init(params)                       -> opt_state
    update(grads, opt_state, params)   -> (updates, opt_state)

and the new parameters are `params + updates`.

A **loss** maps outputs and labels of a batch to one number per example:

    loss(outputs, labels) -> values, of shape (batch,)

A **data set** is two arrays of equal length, images and labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    import jax
    import numpy as np

    Array: TypeAlias = jax.Array
    ArrayLike: TypeAlias = jax.Array | np.ndarray
else:
    Array = ArrayLike = Any  # reading data and drawing figures need no JAX

Params: TypeAlias = Any
"""A pytree of arrays that an optimiser changes."""

State: TypeAlias = Any
"""A pytree of arrays that a layer keeps beside its parameters: running statistics."""

OptState: TypeAlias = Any
"""A pytree of arrays that an optimiser keeps between steps: moments and counts."""

Key: TypeAlias = Array
"""A JAX random key, as `jax.random.key(0)` makes one; never used twice."""

Loss: TypeAlias = Callable[[Array, Array], Array]
"""`loss(outputs, labels) -> values`, one number per example, of shape `(batch,)`."""

Schedule: TypeAlias = Callable[[Any], Any]
"""`schedule(step) -> learning rate`, the first step being 0."""


class Initializer(Protocol):
    """`initializer(key, shape, dtype) -> array`, as JAX's own initialisers."""

    def __call__(self, key: Key, shape: tuple[int, ...], dtype: Any = ..., /) -> Array: ...


class InitFunction(Protocol):
    """`init(key, dtype=float32) -> (params, state)`."""

    def __call__(self, key: Key, dtype: Any = ..., /) -> tuple[Params, State]: ...


class ApplyFunction(Protocol):
    """`apply(params, state, x, *, key=None, train=False) -> (y, state)`."""

    def __call__(
        self,
        params: Params,
        state: State,
        x: Any,
        /,
        *,
        key: Key | None = None,
        train: bool = False,
    ) -> tuple[Any, State]: ...


@dataclass(frozen=True, eq=False, repr=False)
class Layer:
    """A layer: a name, two pure functions, and for a combinator its children.

    Attributes:
      name: `"dense"`, `"batch_norm"`, ...: for messages, traces and summaries.
      init: `(key, dtype=float32) -> (params, state)`.
      apply: `(params, state, x, *, key=None, train=False) -> (y, state)`.
      layers: the children of a combinator, in order; empty for a leaf.
      settings: the arguments that the layer was made with, by name.
      rebuild: of a combinator, `(*children) -> Layer`: the same over other children.

    Example:
      >>> from jaxnn import layers
      >>> layers.serial(layers.dense(4, 3), layers.dropout(0.5))
      serial(dense(4, 3), dropout(0.5))
    """

    name: str
    init: InitFunction
    apply: ApplyFunction
    layers: tuple[Layer, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    rebuild: Callable[..., Layer] | None = None

    def __repr__(self) -> str:
        children = [repr(layer) for layer in self.layers]
        settings = [
            getattr(value, "__name__", None) or str(value) for value in self.settings.values()
        ]
        return f"{self.name}({', '.join(children + settings)})"


class GradientTransformation(NamedTuple):
    """An optimiser, or a part of one: two pure functions over pytrees, as in Optax.

    Attributes:
      init: `params -> opt_state`.
      update: `(grads, opt_state, params=None) -> (updates, opt_state)`.
    """

    init: Callable[..., OptState]
    update: Callable[..., tuple[Any, OptState]]


class Dataset(NamedTuple):
    """Images, or inputs of any shape, and their labels: two arrays with examples first.

    Attributes:
      images: uint8 images `(n, height, width)`, or float inputs `(n, ...)`; in memory, or on disk
        as `jaxnn.streaming` opens them.
      labels: integer classes `(n,)`, or float targets `(n, ...)`.
    """

    images: Any
    labels: Any

    @property
    def size(self) -> int:
        """The number of examples (`len` of a tuple of two is 2)."""
        return self.labels.shape[0]

    def split(self, fraction: float, key: Key) -> tuple[Dataset, Dataset]:
        """Draws examples without replacement: `train, validation = train.split(0.1, key)`.

        Args:
          fraction: the second set's share of the n examples.
          key: for the draw.

        Returns:
          `(rest, drawn)`: `drawn` holds `round(fraction · n)` examples, `rest` the others, each in
          the original order. Images that stay on disk stay there.

        Raises:
          ValueError: the fraction is outside (0, 1), or leaves one of the two empty.

        Example:
          >>> import jax
          >>> import numpy as np
          >>> dataset = Dataset(np.zeros((10, 28, 28), np.uint8), np.arange(10))
          >>> rest, drawn = dataset.split(0.3, jax.random.key(0))
          >>> rest.size, drawn.size
          (7, 3)
        """
        import jax
        import numpy as np

        from jaxnn.checks import require_in
        from jaxnn.storage import select

        require_in("(0, 1)", fraction, "split: fraction")
        count = round(fraction * self.size)
        if count in (0, self.size):
            raise ValueError(
                f"split: a fraction of {fraction} of {self.size} examples leaves one part empty"
            )
        drawn = np.zeros(self.size, bool)
        drawn[np.asarray(jax.random.permutation(key, self.size))[:count]] = True
        parts = (np.flatnonzero(~drawn), np.flatnonzero(drawn))
        rest, held_out = (Dataset(select(self.images, i), self.labels[i]) for i in parts)
        return rest, held_out
