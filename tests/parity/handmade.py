"""Reports made by hand, with something at every place where there can be something."""

from dataclasses import replace

import numpy as np

from torch_port.parity import report as types
from torch_port.parity.ladder import Judgement

EVIL = """<script>alert("1")</script><img src='http://x.org/a.png' onerror=alert(1)>&amp;"""


def difference(kind, path, verdict="semantic", step=None, **figures):
    figures = {"error32": 2e-5, "error64": 1.9e-5, "ratio": 6e10, "ulps": 300.0} | figures
    return types.Difference(
        kind, f"jax/{path}", f"torch.{path}", Judgement(verdict, **figures), step
    )


EPSILON = types.Cause(
    "normalization-epsilon",
    "the epsilon of a normalisation differs",
    "PyTorch has 1e-5, Flax 1e-6.",
    "JAX: epsilon=1e-05; or PyTorch: eps=1e-06",
    "with epsilon 1e-06 the difference in float64 falls from 1.9e-05 to rounding",
    "jax/norm",
    "torch.norm",
    {"torch": 1e-5, "jax": 1e-6},
)
GELU = types.Cause(
    "gelu-approximation",
    "GELU is approximated on one side only",
    "They differ by at most 4.7e-4.",
    'JAX: pass approximate=False to gelu; or PyTorch: pass approximate="tanh" to gelu',
    "with gelu by the tanh approximation the difference falls to rounding",
)
NORM, ACTIVATION, HEAD = (
    difference("layer", "norm"),
    difference("layer", "gelu"),
    difference("layer", "head", "rounding", error32=1e-7, error64=3e-17, ratio=0.4),
)


def report(*faults, **changes):
    others = (HEAD, difference("output", "output"), difference("parameter", "bias"))
    found = types.Report("semantic", (NORM, ACTIVATION, *others), faults=faults)
    return replace(found, **changes)


ONE, TWO = types.Fault(NORM, (EPSILON,)), types.Fault(ACTIVATION, (GELU,))


def everything():
    """A report with something at every place where there can be something."""
    steps = np.arange(1, 21)
    own = 1e-9 * steps**1.5
    trajectory = types.Trajectory(
        tuple(steps), *map(tuple, (1e-5 * steps, own, 2 * own, 2 / steps, 2.1 / steps))
    )
    settings = (
        types.Setting("norm", "epsilon", 1e-6, 1e-5, True),
        types.Setting("head", "use_bias", True, True, False),
        types.Setting("head", "initialiser", None, "uniform", True),
    )
    probed = types.Fault(NORM, (EPSILON,), ((GELU,),), "inputs above 3 part them")
    apart = Judgement("semantic", np.inf, np.inf, np.inf, np.inf, note="the shapes differ")
    found = report(probed, TWO, settings=settings, not_compared=("JAX drop",), notes=("a note",))
    differences = (*found.differences, replace(NORM, judgement=apart))
    return replace(found, differences=differences, trajectory=trajectory)


def evil(report, word=EVIL):
    """The report with a word wherever a word can stand."""
    place = replace(NORM, kind=word, jax_path=word, torch_path=word)
    place = replace(place, judgement=replace(NORM.judgement, ratio=np.inf, note=word))
    cause = replace(EPSILON, title=word, explanation=word, fix=word, evidence=word)
    cause = replace(cause, constants={word: word}, jax_path=word)
    faults = (types.Fault(place, (cause,), ((cause,),), word), types.Fault(place, evidence=word))
    settings = (types.Setting(word, word, word, word, True),)
    return replace(
        report, faults=faults, differences=(place, *report.differences), settings=settings,
        not_compared=(word,), notes=(word,),
    )  # fmt: skip
