"""An epoch of the lecture's network on MNIST: 784-256-128-10, Adam at 1e-3, batches of 64.

Every contender shuffles the 60 000 images, takes 938 steps, the last one on the ragged 32, and ends
with the mean loss of the epoch. Timed are warm epochs; the first, which compiles, stands apart.
"""

from benchmarks.frame import (
    Contender,
    Settings,
    Table,
    Target,
    best,
    in_turn,
    medians,
    ratio,
    times,
)

FLOOR = "NumPy, the matrix products alone"
OURS = "jaxnn"
LECTURE = "PyTorch, as in the lecture"
FLAX = ("Flax NNX, Optax", "Flax NNX, Optax, functional loop")
PYTORCH = ("PyTorch, DataLoader over tensors", "PyTorch, tuned", "PyTorch, torch.compile")

CONTENDERS = {
    FLOOR: "numpy_products:epoch",
    OURS: "with_jaxnn:epoch",
    "plain JAX, lax.scan by hand": "plain_jax:scan",
    "plain JAX, jitted step": "plain_jax:loop",
    FLAX[0]: "flax_nnx:epoch",
    FLAX[1]: "flax_nnx:functional",
    "Flax linen, Optax": "flax_linen:epoch",
    "Equinox, Optax": "with_equinox:epoch",
    LECTURE: "pytorch:lecture",
    PYTORCH[0]: "pytorch:loader",
    PYTORCH[1]: "pytorch:tuned",
    PYTORCH[2]: "pytorch:compiled",
}
"""By the names of their rows: who, of `benchmarks.contenders`."""

REGULARISED = {
    "jaxnn": "with_jaxnn:epoch",
    FLAX[1]: "flax_nnx:functional",
    PYTORCH[1]: "pytorch:tuned",
}
"""Those that are measured with batch norm and dropout too."""

QUICK = {"examples": 3 * 64 + 32}
BATCH_NORM_AND_DROPOUT = {"batch_norm": True, "dropout": 0.2}


def entered(functions, options):
    """Contenders by their names, all with these options."""
    return {
        name: Contender(f"benchmarks.contenders.{function}", options)
        for name, function in functions.items()
    }


def measure(settings: Settings):
    """Seconds of an epoch, by contender, plain and with batch norm and dropout."""
    options = QUICK if settings.quick else {}
    regularised = options | BATCH_NORM_AND_DROPOUT
    return {
        "plain": in_turn(entered(CONTENDERS, options), settings.rounds),
        "regularised": in_turn(entered(REGULARISED, regularised), settings.rounds),
    }


def tables(measured) -> list[Table]:
    """The epoch, and the epoch with batch norm and dropout."""
    return [
        times("An epoch", measured["plain"], OURS),
        times("With batch norm and dropout", measured["regularised"], OURS),
    ]


def targets(measured) -> list[Target]:
    """Line 1 of what issue 6 asks for."""
    plain = measured["plain"]
    to = lambda other: ratio(plain, other, OURS)
    return [
        Target("an epoch, to the bare products", ratio(plain, OURS, FLOOR), "at most", 1.35),
        Target("the lecture's PyTorch program, to jaxnn", to(LECTURE), "at least", 4),
        Target("the best PyTorch loop, to jaxnn", to(best(plain, PYTORCH)), "at least", 2.5),
        Target("Flax NNX at its best, to jaxnn", to(best(plain, FLAX)), "at least", 1.7),
    ]


def figures(measured):
    """The times as bars."""
    from benchmarks.pictures import bars

    title = "An epoch of MNIST, batches of 64"
    return {"benchmarks-epoch": bars(title, medians(measured["plain"]))}
