"""Prediction: 10 000 images in batches of 1 000, and the time that one image takes.

Every contender is given uint8 images as a NumPy array and ends with its logits as one.
"""

from benchmarks.epoch import entered
from benchmarks.frame import Settings, Table, Target, in_turn, medians, times

OURS = "jaxnn, predict"
CONTENDERS = {
    "NumPy": "numpy_products:prediction",
    OURS: "with_jaxnn:prediction",
    "jaxnn, jitted apply": "with_jaxnn:jitted_prediction",
    "Flax NNX": "flax_nnx:prediction",
    "PyTorch, inference_mode": "pytorch:prediction",
}
MANY = {"images": 10_000, "batch_size": 1000, "calls": 5}
ONE = {"images": 1, "batch_size": 1, "calls": 500}


def measure(settings: Settings):
    """Seconds of all calls, for many images and for one."""
    many = {"images": 20, "batch_size": 10, "calls": 1} if settings.quick else MANY
    one = ONE | {"calls": 2} if settings.quick else ONE
    return {
        name: {
            "calls": options["calls"],
            "times": in_turn(entered(CONTENDERS, options), settings.rounds),
        }
        for name, options in {"many": many, "one": one}.items()
    }


def tables(measured) -> list[Table]:
    """Many images, and one."""
    titles = {"many": "10 000 images, batches of 1 000", "one": "One image"}
    return [
        times(title, found["times"], OURS, runs=found["calls"], first=False)
        for name, title in titles.items()
        for found in [measured[name]]
    ]


def targets(measured) -> list[Target]:
    """None: issue 6 asks for these to be shown."""
    return []


def figures(measured):
    """The latency as bars."""
    from benchmarks.pictures import bars

    one = measured["one"]
    seconds = {name: s / one["calls"] for name, s in medians(one["times"]).items()}
    return {"benchmarks-latency": bars("The prediction of one image", seconds)}
