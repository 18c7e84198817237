"""A sweep of 16 trainings of 100 steps: learning rates times seeds; and one of 256.

Every contender draws the parameters, trains all runs for an epoch on 6 400 images, batches of 64,
and ends with the mean of their losses. Timed are warm sweeps.
"""

from benchmarks.epoch import entered
from benchmarks.frame import Settings, Table, Target, in_turn, median, medians, ratio, times

OURS = "jaxnn.sweep"
NAIVE = "jax.vmap of the step"
ONE_AFTER_ANOTHER = "PyTorch, one after another"
CONTENDERS = {
    OURS: "sweeps:jaxnn_sweep",
    NAIVE: "sweeps:naive_vmap",
    ONE_AFTER_ANOTHER: "pytorch_sweeps:one_after_another",
    "PyTorch, torch.func and vmap": "pytorch_sweeps:stacked",
}


def measure(settings: Settings):
    """Seconds of the sweep of 16, by contender, and of our sweep of 256."""
    runs, examples = (4, 128) if settings.quick else (16, 6_400)
    ours = {OURS: CONTENDERS[OURS]}
    return {
        "runs": runs,
        "few": in_turn(entered(CONTENDERS, {"runs": runs, "examples": examples}), settings.rounds),
        "many": in_turn(
            entered(ours, {"runs": 16 * runs, "examples": examples}), min(settings.rounds, 3), 1
        ),
    }


def tables(measured) -> list[Table]:
    """The sweep of 16, and of 256 the time of one run."""
    runs = measured["runs"]
    return [
        times(f"A sweep of {runs}, 100 steps each", measured["few"], OURS),
        times(f"A sweep of {16 * runs}", measured["many"], OURS),
    ]


def targets(measured) -> list[Target]:
    """Line 2 of what issue 6 asks for."""
    few = measured["few"]
    growth = median(measured["many"], OURS) / median(few, OURS)
    return [
        Target("naive vmap, to jaxnn.sweep", ratio(few, NAIVE, OURS), "at least", 2),
        Target(
            "PyTorch one after another, to jaxnn.sweep",
            ratio(few, ONE_AFTER_ANOTHER, OURS),
            "at least",
            2.2,
        ),
        Target("256 runs, to 16 runs", growth, "at most", 16),
    ]


def figures(measured):
    """The times of the sweep of 16 as bars."""
    from benchmarks.pictures import bars

    title = f"A sweep of {measured['runs']}, 100 steps each"
    return {"benchmarks-sweep": bars(title, medians(measured["few"]))}
