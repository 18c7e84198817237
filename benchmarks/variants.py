"""What was tried to make an epoch faster, each beside the epoch as it is."""

from benchmarks.frame import Contender, Settings, Table, Target, in_turn, times

AS_IT_IS = "as it is"

VARIANTS = {
    AS_IT_IS: {},
    "XLA: products by Eigen, not YNNPACK": {
        "flags": [["xla_cpu_experimental_ynn_fusion_type", ""]]
    },
    "XLA: a product on one thread": {"flags": [["xla_cpu_multi_thread_eigen", False]]},
    "XLA: vectors of 512 bits": {"flags": [["xla_cpu_prefer_vector_width", 512]]},
    "the batches gathered before the epoch": {"gather": "before the epoch"},
    "each batch gathered during the step before": {"gather": "a step ahead"},
    "two steps in one turn of the loop": {"unroll": 2},
    "the first product cut in two by rows": {"cut": "rows"},
    "the first product cut in two by columns": {"cut": "columns"},
    "the first product cut in two by batch": {"cut": "batch"},
    "the gradient of the first kernel cut in two": {"cut": "gradient"},
    "no gathering: one batch again and again": {"gather": "once"},
    "SGD instead of Adam": {"optimizer": "sgd"},
}
"""The last two compute something else: they show what gathering and Adam cost."""


def measure(settings: Settings):
    """Seconds of an epoch by variant."""
    options = {"examples": 3 * 64} if settings.quick else {}
    function = "benchmarks.contenders.variants:variant"
    entered = {name: Contender(function, options | changed) for name, changed in VARIANTS.items()}
    return in_turn(entered, settings.rounds)


def tables(measured) -> list[Table]:
    """All of them beside the epoch as it is."""
    return [times("What was tried", measured, AS_IT_IS, first=False)]


def targets(measured) -> list[Target]:
    """Nothing is asked of them."""
    return []


def figures(measured):
    """The table says it all."""
    return {}
