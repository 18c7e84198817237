"""What a comparison found: for people in ten lines, for programs in JSON, for tests as an error."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jaxnn.files import write_atomically
from torch_port.parity.ladder import Judgement, Verdict


@dataclass(frozen=True)
class Difference:
    """One quantity that was compared.

    Attributes:
      kind: `"parameter"` (of one side only), `"layer"`, `"statistic"`, `"output"`,
        `"parameter gradient"` or `"input gradient"`; of a training also `"batch"` and `"update"`.
      jax_path: where on the JAX side; empty where it has none.
      torch_path: where on the PyTorch side.
      judgement: the verdict on it and its figures.
      step: of a training or an optimiser, counted from 1; None elsewhere.
    """

    kind: str
    jax_path: str
    torch_path: str
    judgement: Judgement
    step: int | None = None

    @property
    def verdict(self) -> Verdict:
        """`"equal"`, `"rounding"` or `"semantic"`."""
        return self.judgement.verdict

    def __str__(self) -> str:
        return f"{self.kind} {self.jax_path or '(none)'} | {self.torch_path or '(none)'}"


@dataclass(frozen=True)
class Cause:
    """A named difference of meaning, proved by putting it in.

    Attributes:
      id: of the entry in the catalogue.
      title: the difference in a few words.
      explanation: what either side does.
      fix: the change to either side that removes it, with its constants.
      evidence: what was put in, and what it did to the difference.
      jax_path: where on the JAX side.
      torch_path: where on the PyTorch side.
      constants: the recovered ones by side, `{"torch": 1e-5, "jax": 1e-6}`; empty where there is
        none.
      step: of a training or an optimiser, counted from 1; None elsewhere.
    """

    id: str
    title: str
    explanation: str
    fix: str
    evidence: str
    jax_path: str = ""
    torch_path: str = ""
    constants: Mapping[str, Any] = field(default_factory=dict)
    step: int | None = None

    def reproduction(self) -> str | None:
        """A script of some twenty lines that shows the difference with PyTorch and JAX alone.

        Returns:
          Its source text with the recovered constants; None where there is no such script.
        """
        from torch_port.parity.reports import scripts

        return scripts.script(self.id, self.constants)


@dataclass(frozen=True)
class Fault:
    """One place where the two sides part although they were given the same values.

    Attributes:
      difference: the place and its figures.
      causes: what together makes it vanish; empty where nothing in the catalogue does.
      alternatives: other explanations that make it vanish as well.
      evidence: where there is no cause, how the two differ; where there are alternatives, the probe
        that would part them.
    """

    difference: Difference
    causes: tuple[Cause, ...] = ()
    alternatives: tuple[tuple[Cause, ...], ...] = ()
    evidence: str = ""


@dataclass(frozen=True)
class Setting:
    """One setting as it can be read off both sides before anything is run.

    Attributes:
      place: the layer or the optimiser on both sides.
      name: of the setting.
      jax: its value there, None where it has none.
      torch: its value there.
      differs: whether the two are known to mean something else.
    """

    place: str
    name: str
    jax: Any
    torch: Any
    differs: bool


@dataclass(frozen=True)
class Trajectory:
    """How far two trainings part that run freely from one start, and how far each by itself.

    Distances are those of all parameters after a step, relative to their size, in float32. Two
    right trainings part about as fast as one parts from its own copy that was moved at the start.

    Attributes:
      steps: counted from 1.
      between: the distance of the two sides.
      jax_own: of the JAX side from its copy, whose parameters were moved by one unit in the last
        place.
      torch_own: likewise of the PyTorch side.
      losses_jax: the loss of each step.
      losses_torch: likewise.
    """

    steps: tuple[int, ...]
    between: tuple[float, ...]
    jax_own: tuple[float, ...]
    torch_own: tuple[float, ...]
    losses_jax: tuple[float, ...]
    losses_torch: tuple[float, ...]


@dataclass(frozen=True)
class Report:
    """What a comparison found; `print` shows it.

    Attributes:
      verdict: `"equal"` to the last bit in float32, apart by `"rounding"`, or `"semantic"`: the two
        compute different functions.
      differences: all that was compared, in the order of computation.
      not_compared: what has no partner, or could not be put beside it.
      notes: what the verdict rests on, where that is not float64 alone.
      faults: all places where the sides part though they were given the same values, with causes.
      settings: what could be read off before running.
      trajectory: of a training, both sides running freely; None elsewhere.
    """

    verdict: Verdict
    differences: tuple[Difference, ...]
    not_compared: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    settings: tuple[Setting, ...] = ()
    trajectory: Trajectory | None = None

    @property
    def causes(self) -> tuple[Cause, ...]:
        """What was named, best first: each fault's causes in order, then their alternatives."""
        named = [cause for fault in self.faults for cause in fault.causes]
        named += [c for fault in self.faults for other in fault.alternatives for c in other]
        return tuple({cause.id: cause for cause in reversed(named)}[id] for id in _ids(named))

    @property
    def first(self) -> Difference | None:
        """The first difference of meaning in the order of computation."""
        if self.verdict != "semantic":
            return None
        return next(d for d in self.differences if d.verdict == "semantic")

    def raise_for_difference(self) -> None:
        """Raises if the two sides do not compute the same.

        Raises:
          AssertionError: the verdict is `"semantic"`; the message is the report.
        """
        if self.verdict == "semantic":
            raise AssertionError(str(self))

    def show(self) -> None:
        """Prints the report in at most ten lines, in colour where the terminal has any."""
        from torch_port.parity.reports import terminal

        terminal.show(self)

    def to_html(self, path: str | Path) -> None:
        """Writes the report as one page that needs nothing but itself.

        Args:
          path: of the file; it appears complete or not at all.
        """
        from torch_port.parity.reports import page

        write_atomically(Path(path), page.page(self))

    def to_json(self, path: str | Path) -> None:
        """Writes all that was found as JSON; `torch_port.parity.reports.data` lists the keys.

        Args:
          path: of the file; what is not finite is written as null.
        """
        from torch_port.parity.reports import data

        write_atomically(Path(path), json.dumps(data.data(self), indent=2, allow_nan=False))

    def write_reproductions(self, folder: str | Path) -> list[Path]:
        """Writes, for each cause that has one, the script that shows it without this project.

        Args:
          folder: made if there is none; the files have the names of the causes.

        Returns:
          The paths of what was written.
        """
        written = []
        for cause in self.causes:
            if (script := cause.reproduction()) is not None:
                written.append(Path(folder) / f"{cause.id.replace('-', '_')}.py")
                write_atomically(written[-1], script)
        return written

    def __str__(self) -> str:
        from torch_port.parity.reports import terminal

        return terminal.text(self)


def _ids(causes: list[Cause]) -> list[str]:
    """Each id once, in order."""
    return [*dict.fromkeys(cause.id for cause in causes)]
