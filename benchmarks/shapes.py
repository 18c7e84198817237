"""Steps of other shapes: larger batches, and widths from 32 to 4 096.

The network has two hidden layers; of the wide ones only some steps are timed. Shown is the time of
one step, with shuffling, gathering and running loss, as in `benchmarks.epoch`.
"""

from typing import NamedTuple

from benchmarks.epoch import FLAX, FLOOR, OURS, PYTORCH, entered
from benchmarks.frame import Settings, Table, Target, duration, in_turn, median

CONTENDERS = {
    FLOOR: "numpy_products:epoch",
    OURS: "with_jaxnn:epoch",
    FLAX[1]: "flax_nnx:functional",
    PYTORCH[1]: "pytorch:tuned",
}


class Shape(NamedTuple):
    """A network, a batch, and how many steps are timed."""

    hidden: tuple[int, int]
    batch_size: int
    steps: int

    @property
    def options(self):
        """What a contender is given."""
        return {
            "hidden": self.hidden,
            "batch_size": self.batch_size,
            "examples": self.batch_size * self.steps,
        }


BATCHES = {str(size): Shape((256, 128), size, 60_000 // size) for size in (64, 256, 1024)}
STEPS = {32: 400, 128: 400, 512: 100, 1024: 50, 2048: 20, 4096: 8}
WIDTHS = {str(width): Shape((width, width), 64, steps) for width, steps in STEPS.items()}
QUICK_BATCHES = {"16": Shape((32, 16), 16, 2)}
QUICK_WIDTHS = {str(width): Shape((width, width), 8, 2) for width in (8, 16)}


def measure(settings: Settings):
    """Of each shape the steps that were timed, and the contenders' seconds."""
    groups = {
        "batches": QUICK_BATCHES if settings.quick else BATCHES,
        "widths": QUICK_WIDTHS if settings.quick else WIDTHS,
    }
    return {
        group: {
            name: {
                "steps": shape.steps,
                "times": in_turn(entered(CONTENDERS, shape.options), settings.rounds),
            }
            for name, shape in shapes.items()
        }
        for group, shapes in groups.items()
    }


def step_times(shape) -> dict[str, float]:
    """The median time of one step, by contender."""
    times = shape["times"]
    return {name: median(times, name) / shape["steps"] for name in times}


def table(title: str, column: str, shapes) -> Table:
    """A row for every shape, a column for every contender, and jaxnn beside the floor."""
    rows = []
    for name, shape in shapes.items():
        found = step_times(shape)
        ratio = f"{found[OURS] / found[FLOOR]:.2f}"
        rows.append([name, *[duration(found[other]) for other in CONTENDERS], ratio])
    return Table(title, [column, *CONTENDERS, "jaxnn to the products"], rows)


def tables(measured) -> list[Table]:
    """Batches, and widths."""
    return [
        table("A step of 784-256-128-10 by batch size", "batch", measured["batches"]),
        table("A step of 784-width-width-10, batches of 64", "width", measured["widths"]),
    ]


def targets(measured) -> list[Target]:
    """None: issue 6 asks for these to be shown."""
    return []


def figures(measured):
    """The time of a step over the width."""
    from benchmarks.pictures import lines

    widths = measured["widths"]
    curves = {
        name: {int(width): step_times(shape)[name] for width, shape in widths.items()}
        for name in sorted(CONTENDERS, key=lambda name: name != OURS)  # ours is the dark line
    }
    title = "A step of 784-width-width-10, batches of 64"
    return {"benchmarks-widths": lines(title, curves, "width of both hidden layers")}
