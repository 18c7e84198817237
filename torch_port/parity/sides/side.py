"""What a side is: a pure function from values and a precision to everything that it computes.

Values pass as NumPy arrays under the side's own names and in its own layout, so that the rest of
the engine sees no framework.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

Precision = Literal["float32", "float64"]


class Name(NamedTuple):
    """Of a parameter or statistic: the path of its layer, and what it is called there."""

    layer: str
    short: str
    separator: str = "/"

    def __str__(self) -> str:
        return f"{self.layer}{self.separator}{self.short}" if self.layer else self.short


Arrays = Mapping[Name, Any]


class Values(NamedTuple):
    """What a side computes from.

    Attributes:
      params: by name.
      state: running statistics, by name.
      inputs: the arguments of the model.
    """

    params: Arrays
    state: Arrays
    inputs: Sequence[Any]


class Run(NamedTuple):
    """What a side has computed.

    Attributes:
      layers: the output of every layer by path, in the order of computation.
      outputs: of the whole, in order.
      statistics: the state afterwards, by name.
      cotangents: the gradients of Σ cotangent · output by the output of every layer, by path.
      params_gradients: of the same sum, by name of the parameter.
      inputs_gradients: likewise, by the input's number; inputs of integers have none.
    """

    layers: dict[str, np.ndarray]
    outputs: list[np.ndarray]
    statistics: dict[Name, np.ndarray]
    cotangents: dict[str, np.ndarray]
    params_gradients: dict[Name, np.ndarray]
    inputs_gradients: dict[int, np.ndarray]


@dataclass(frozen=True)
class Side:
    """A program of one framework.

    Attributes:
      framework: `"JAX"` or `"PyTorch"`.
      values: the parameters and the state that it came with, in float32, in order of use.
      kinds: what each layer is, `"dense"` or `"batchnorm1d"`, by path in order of use.
      run: from values and a precision to what is computed from them.
      float32_inside: from values to what stays in float32 where all should be float64, in words.
      ordered: whether the order of the parameters is that of their use.
      kind: what the whole is, where it is one layer.
      outputs: the shapes of the outputs by name: a key, or the number of a place.
      repeats: from values, whether the side computes the same when it is run again.
    """

    framework: str
    values: Values
    kinds: Mapping[str, str]
    run: Callable[[Values, Precision], Run]
    float32_inside: Callable[[Values], list[str]]
    ordered: bool = True
    kind: str = ""
    outputs: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    repeats: Callable[[Values], bool] = lambda values: True


@dataclass
class Tape:
    """Follows one run: layers write their outputs on it, dropout reads its masks from it.

    The i-th dropout of either side gets the same uniform numbers, and so the same mask. What
    `answer` makes of an output is what the program goes on with.
    """

    seed: int
    answer: Callable[[str, Any], Any] = lambda place, output: output
    outputs: dict[str, Any] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    masks: int = 0
    failed: str = ""

    def enter(self, path: str) -> None:
        """Notes that a layer is used, be it where its output cannot be followed."""
        if path not in self.order:
            self.order.append(path)

    def record(self, path: str, kind: str, output: Any) -> Any:
        """Notes an output; a layer that is called again has `#2` behind its path."""
        self.enter(path)
        self.calls[path] = self.calls.get(path, 0) + 1
        place = path if self.calls[path] == 1 else f"{path}#{self.calls[path]}"
        self.outputs[place], self.kinds[place] = output, kind
        return self.answer(place, output)

    @contextmanager
    def within(self, path: str) -> Iterator[None]:
        """Notes that a layer is used, and if it raises, that it did."""
        self.enter(path)
        try:
            yield
        except Exception:
            self.failed = self.failed or path
            raise

    def mask(self, shape: Sequence[int], rate: float) -> np.ndarray:
        """The next mask, True for "keep"."""
        draws = np.random.default_rng([self.seed, self.masks]).random(shape, np.float32)
        self.masks += 1
        return draws >= np.float32(rate)


class Output(NamedTuple):
    """One output of PyTorch's: its place there, and whether it is JAX's with channels first."""

    place: int
    turned: bool


@contextmanager
def blamed(framework: str, layer: Callable[[], str]) -> Iterator[None]:
    """While the context lasts, what a side raises is raised again with its name.

    Raises:
      ValueError: from the exception of the side.
    """
    try:
        yield
    except Exception as error:
        if str(error).startswith("compare:"):
            raise
        where = f" in its layer {layer()!r}" if layer() else ""
        first = next(iter(str(error).strip().splitlines()), "")
        raise ValueError(
            f"compare: the {framework} side raised {type(error).__name__}{where}: {first}"
        ) from error


def cotangent(seed: int, place: int, shape: Sequence[int]) -> np.ndarray:
    """The fixed random weights of an output in the sum whose gradients are compared.

    Of a single number the gradients themselves are compared.
    """
    if not shape:
        return np.ones((), np.float32)
    generator = np.random.default_rng([seed, place, 1])
    return generator.standard_normal(shape, np.float32)


def is_floating(array: Any) -> bool:
    return np.issubdtype(np.asarray(array).dtype, np.floating)


def cast(array: np.ndarray, precision: Precision) -> np.ndarray:
    """An array of floats in a precision; one of integers or booleans as it is."""
    return array.astype(precision) if is_floating(array) else array
