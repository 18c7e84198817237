"""How long it takes until something happens: whole trainings, imports, help; each a new process."""

from benchmarks.frame import Contender, Settings, Table, Target, in_turn, median, ratio, times

EPOCHS = 5
WARM, COLD = "jaxnn train, programs kept by an earlier run", "jaxnn train, the very first run"
LECTURE = "the lecture's program in PyTorch"
JAX = "import jax"
HELP = "jaxnn --help"
NAMES = (
    "activations",
    "callbacks",
    "checkpoint",
    "data",
    "initializers",
    "interop",
    "layers",
    "losses",
    "metrics",
    "models",
    "optim",
    "plots",
    "train",
    "typing",
    "Dataset",
)
"""Public names of `jaxnn`, each of which is used alone."""


def contender(function, **options):
    """A whole process."""
    return Contender(f"benchmarks.contenders.commands:{function}", options)


def trainings(epochs, extra=()):
    """Whole trainings, reports and pictures of `jaxnn` included."""
    program = ["-m", "benchmarks.contenders.lecture_program", str(epochs)]
    return {
        WARM: contender("training", epochs=epochs, extra=extra),
        COLD: contender("training", epochs=epochs, extra=extra, warm=False),
        LECTURE: contender("python", arguments=program),
    }


def imports(names):
    """JAX alone, and the first use of each name."""
    uses = {f"jaxnn.{name}": ["-c", f"import jaxnn; jaxnn.{name}"] for name in names}
    programs = {JAX: ["-c", "import jax"], "import jaxnn": ["-c", "import jaxnn"], **uses}
    return {name: contender("python", arguments=program) for name, program in programs.items()}


def measure(settings: Settings):
    """Seconds of whole processes."""
    epochs, extra = (1, ["--hidden", "8"]) if settings.quick else (EPOCHS, [])
    helps = {
        HELP: contender("jaxnn", arguments=["--help"]),
        "jaxnn train --help": contender("jaxnn", arguments=["train", "--help"]),
    }
    names = NAMES[-2:] if settings.quick else NAMES
    return {
        "training": in_turn(trainings(epochs, extra), settings.rounds, warm_up=1),
        "imports": in_turn(imports(names), settings.rounds, warm_up=1),
        "help": in_turn(helps, settings.rounds, warm_up=1),
    }


def tables(measured) -> list[Table]:
    """A table for each kind of process."""
    return [
        times(f"{EPOCHS} epochs, the whole process", measured["training"], WARM, first=False),
        times("Import, and the first use of a name", measured["imports"], JAX, first=False),
        times("Help", measured["help"], HELP, first=False),
    ]


def targets(measured) -> list[Target]:
    """Target 3 of issue 6."""
    training, imported = measured["training"], measured["imports"]
    slowest = max((name for name in imported if name != JAX), key=lambda n: median(imported, n))
    warm, cold = (ratio(training, LECTURE, name) for name in (WARM, COLD))
    return [
        Target(f"{LECTURE}, to {WARM}", warm, "at least", 2.5),
        Target(f"{LECTURE}, to {COLD}", cold, "at least", 1.5),
        Target(f"{slowest}, the slowest, to {JAX}", ratio(imported, slowest, JAX), "at most", 1.15),
        Target(f"seconds of {HELP}", median(measured["help"], HELP), "at most", 0.3),
    ]


def figures(measured):
    """The trainings as bars."""
    from benchmarks.pictures import bars

    training = measured["training"]
    seconds = {name: median(training, name) for name in training}
    return {"benchmarks-start": bars(f"{EPOCHS} epochs, the whole process", seconds)}
