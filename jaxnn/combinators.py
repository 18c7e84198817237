"""Combinators: layers made of layers, and what can be asked of the tree that they form.

A network is a tree of layers as its parameters are a tree of arrays. `map_layers` rebuilds it with
every leaf changed, which is all that `intermediates` and `summary` need.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxnn.checks import LayerError
from jaxnn.typing import Key, Layer, Params, State


def serial(*layers: Layer) -> Layer:
    """One layer after the other: y = layer_n(… layer_1(x)).

    Args:
      *layers: the children; child i draws from `fold_in(key, i)`.

    Returns:
      A layer whose params and state are tuples with one entry a child.

    Example:
      >>> from jaxnn.layers import dense, dropout
      >>> model = serial(dense(4, 3), dropout(0.5), dense(3, 2))
      >>> params, state = model.init(jax.random.key(0))
      >>> model.apply(params, state, jnp.ones((5, 4)))[0].shape
      (5, 2)
    """

    def apply(params, state, x, *, key=None, train=False):
        states = []
        for i, layer in enumerate(layers):
            x, new_state = _apply_child(i, layer, params[i], state[i], x, key, train)
            states.append(new_state)
        return x, tuple(states)

    return Layer("serial", partial(_init_children, layers), apply, layers, rebuild=serial)


def residual(layer: Layer) -> Layer:
    """A layer and a path around it: y = x + layer(x).

    Args:
      layer: from a shape to the same shape.

    Returns:
      A layer whose params and state are tuples of one entry.

    Raises:
      ValueError: when applied, if the layer changes shape or dtype.

    Reference:
      He et al., Deep Residual Learning for Image Recognition (2016), equation 1.

    Example:
      >>> from jaxnn.layers import dense
      >>> model = residual(dense(3, 3))
      >>> model.apply(*model.init(jax.random.key(0)), jnp.ones((5, 3)))[0].shape
      (5, 3)
    """

    def apply(params, state, x, *, key=None, train=False):
        y, new_state = _apply_child(0, layer, params[0], state[0], x, key, train)
        if (y.shape, y.dtype) != (x.shape, x.dtype):
            raise LayerError(
                "residual",
                f"its layer must keep {x.dtype} of shape {x.shape}, gave {y.dtype} of {y.shape}",
            )
        return x + y, (new_state,)

    return Layer("residual", partial(_init_children, (layer,)), apply, (layer,), rebuild=residual)


def branches(*layers: Layer, combine: Callable[[list[jax.Array]], jax.Array]) -> Layer:
    """Layers side by side on the same input: y = combine([layer_1(x), …, layer_n(x)]).

    Args:
      *layers: the children; child i draws from `fold_in(key, i)`.
      combine: from the list of their outputs to one array, such as `sum` or a concatenation.

    Returns:
      A layer whose params and state are tuples with one entry a child.

    Raises:
      ValueError: without layers.

    Example:
      >>> from jaxnn.layers import dense
      >>> model = branches(dense(3, 2), dense(3, 2), combine=sum)
      >>> model.apply(*model.init(jax.random.key(0)), jnp.ones((5, 3)))[0].shape
      (5, 2)
    """
    if not layers:
        raise ValueError("branches: expected at least one layer, got none")

    def apply(params, state, x, *, key=None, train=False):
        outputs, states = zip(
            *(
                _apply_child(i, layer, params[i], state[i], x, key, train)
                for i, layer in enumerate(layers)
            ),
            strict=True,
        )
        return combine(list(outputs)), states

    init, rebuild = partial(_init_children, layers), partial(branches, combine=combine)
    return Layer("branches", init, apply, layers, {"combine": combine}, rebuild)


def map_layers(function: Callable[[str, Layer], Layer], model: Layer, path: str = "") -> Layer:
    """Rebuilds a network with `function(path, leaf)` in the place of every leaf.

    Args:
      function: from the path of a leaf layer, such as `"3/batch_norm"`, and the leaf to a layer.
      model: a leaf or a combinator.
      path: what stands before the paths.

    Returns:
      A network of the same structure.

    Example:
      >>> from jaxnn.layers import dense, dropout, serial
      >>> without_dropout = lambda path, leaf: serial() if leaf.name == "dropout" else leaf
      >>> map_layers(without_dropout, serial(dense(4, 3), dropout(0.5)))
      serial(dense(4, 3), serial())
    """
    if model.rebuild is None:
        return function(path + model.name, model)
    children = enumerate(model.layers)
    return model.rebuild(*(map_layers(function, child, f"{path}{i}/") for i, child in children))


def intermediates(
    model: Layer,
    params: Params,
    state: State,
    x: jax.Array,
    *,
    key: Key | None = None,
    train: bool = False,
) -> dict[str, jax.Array]:
    """The output of every leaf layer, in the order in which they are computed.

    Args:
      model: a layer.
      params: its parameters.
      state: its state.
      x: its input, with the arguments of `apply`.
      key: a random key, where the model draws.
      train: whether the model is trained.

    Returns:
      A dictionary from the path of each leaf, such as `"3/batch_norm"`, to its output.

    Example:
      >>> from jaxnn.layers import dense, dropout, serial
      >>> model = serial(dense(4, 3), dropout(0.5))
      >>> list(intermediates(model, *model.init(jax.random.key(0)), jnp.ones((5, 4))))
      ['0/dense', '1/dropout']
    """
    outputs = {}

    def recording(path, leaf):
        def apply(params, state, x, *, key=None, train=False):
            outputs[path], state = leaf.apply(params, state, x, key=key, train=train)
            return outputs[path], state

        return replace(leaf, apply=apply)

    map_layers(recording, model).apply(params, state, x, key=key, train=train)
    return outputs


class LayerSummary(NamedTuple):
    """One leaf layer in a `summary`: its path, the shapes of its parameters, their number."""

    path: str
    shapes: dict[str, tuple[int, ...]]
    parameters: int


class Summary(tuple[LayerSummary, ...]):
    """The leaf layers of a network as a table; `str` draws it."""

    @property
    def parameters(self) -> int:
        """How many numbers training changes."""
        return sum(row.parameters for row in self)

    def __str__(self) -> str:
        rows = [
            (path, "  ".join(f"{name} {shape}" for name, shape in shapes.items()), f"{count:,}")
            for path, shapes, count in self
        ]
        rows = [("layer", "shapes", "parameters"), *rows, ("total", "", f"{self.parameters:,}")]
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        lines = [f"{a:{widths[0]}}  {b:{widths[1]}}  {c:>{widths[2]}}" for a, b, c in rows]
        return "\n".join(lines)


def summary(model: Layer) -> Summary:
    """A table of the leaf layers of a network: path, shapes of the parameters, their number.

    Args:
      model: a layer; nothing is computed.

    Returns:
      A tuple of rows `(path, shapes, parameters)` that prints as a table.

    Example:
      >>> from jaxnn.layers import dense, dropout, serial
      >>> print(summary(serial(dense(784, 10), dropout(0.5))))
      layer      shapes                       parameters
      0/dense    kernel (784, 10)  bias (10,)      7,850
      1/dropout                                        0
      total                                        7,850
    """
    rows = []

    def measure(path, leaf):
        params, _ = jax.eval_shape(leaf.init, jax.random.key(0))
        shapes = {name: array.shape for name, array in reversed(params.items())}  # kernel, bias
        rows.append(LayerSummary(path, shapes, sum(x.size for x in params.values())))
        return leaf

    map_layers(measure, model)
    return Summary(rows)


def _init_children(layers, key, dtype=jnp.float32):
    pairs = [layer.init(jax.random.fold_in(key, i), dtype) for i, layer in enumerate(layers)]
    return tuple(params for params, _ in pairs), tuple(state for _, state in pairs)


def _apply_child(i, layer, params, state, x, key, train):
    child_key = None if key is None else jax.random.fold_in(key, i)
    with _inside(i):
        return layer.apply(params, state, x, key=child_key, train=train)


@contextmanager
def _inside(i: int) -> Iterator[None]:
    """Puts the child's number before the path of an error: `dense` becomes `3/dense`."""
    try:
        yield
    except LayerError as error:
        raise LayerError(f"{i}/{error.path}", error.message) from None
