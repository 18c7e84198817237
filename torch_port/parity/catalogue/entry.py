"""What the catalogue holds: one object for each known difference of meaning."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from torch_port.parity.report import Cause

About = Literal["program", "optimizer", "data", "settings"]
"""Where a difference lives: in what a model or loss computes, in the updates, in what both are fed,
or in what can only be read off: initial values and flags of precision."""


@dataclass(frozen=True)
class Entry:
    """A known difference between a PyTorch program and a JAX program.

    Attributes:
      id: as in `differences.md` of the design: `"normalization-epsilon"`.
      title: the difference in a few words.
      explanation: what either side does by default, and how it shows.
      jax_fix: what to change on the JAX side, `{torch}` and `{jax}` standing for the constants.
      torch_fix: what to change on the PyTorch side instead.
      source: where it is documented, or where people met it.
      about: where it lives.
      hypotheses: from what is known of the PyTorch side to changes of it, any of which may make the
        difference vanish; the type of both depends on `about`.
    """

    id: str
    title: str
    explanation: str
    jax_fix: str
    torch_fix: str
    source: str
    about: About
    hypotheses: Callable[..., Iterable[Any]]

    def cause(self, words: Mapping[str, Any], evidence: str, **known: Any) -> Cause:
        """The difference as a cause.

        Args:
          words: the constants of both sides, for the fixes.
          evidence: what was put in, and what it did.
          **known: what else is known of the cause.
        """
        fixes = self.jax_fix.format(**words), self.torch_fix.format(**words)
        fix = "JAX: {}; or PyTorch: {}".format(*fixes)
        return Cause(self.id, self.title, self.explanation, fix, evidence, **known)
