"""An epoch of the lecture's network on MNIST: 784-256-128-10, Adam at 1e-3, batches of 64."""

from benchmarks.frame import Contender, Settings, Table, Target, in_turn, median, ratio, times

FLOOR = "NumPy, the matrix products alone"
CONTENDERS = {
    FLOOR: "numpy_products:epoch",
    "jaxnn": "with_jaxnn:epoch",
}
QUICK = {"examples": 3 * 64 + 32}


def contenders(options):
    """Those of the table, each with these options."""
    return {
        name: Contender(f"benchmarks.contenders.{function}", options)
        for name, function in CONTENDERS.items()
    }


def measure(settings: Settings):
    """Seconds of an epoch, by contender."""
    return in_turn(contenders(QUICK if settings.quick else {}), settings.rounds)


def tables(measured) -> list[Table]:
    """One table."""
    return [times("An epoch", measured, "jaxnn")]


def targets(measured) -> list[Target]:
    """Target 1 of issue 6."""
    return [
        Target("an epoch, to the bare products", ratio(measured, "jaxnn", FLOOR), "at most", 1.35)
    ]


def figures(measured):
    """The times as bars."""
    from benchmarks.pictures import bars

    seconds = {name: median(measured, name) for name in measured if "seconds" in measured[name]}
    return {"benchmarks-epoch": bars("An epoch", seconds)}
