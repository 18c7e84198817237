"""The ladder alone: numbers in, a verdict out."""

import numpy as np
import pytest

from torch_port.parity.ladder import Evidence, judge, judge_in_float32

RANDOM = np.random.default_rng(0)
Y = RANDOM.standard_normal(1000)


def rounded(y, precision, seed):
    """As a side computes it: with an error of about one unit of its precision."""
    unit = np.finfo(precision).eps
    noise = np.random.default_rng(seed).uniform(-1, 1, np.shape(y))
    return (y * (1 + unit * noise)).astype(precision)


def side(y, seed):
    return [rounded(y, p, seed + i) for i, p in enumerate(("float32", "float64", "float64"))]


def evidence(ours, theirs):
    return Evidence(*side(ours, 1), *side(theirs, 11))


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1.0, 1e3, 1e30])
def test_rounding_is_rounding_at_every_scale(scale):
    judgement = judge(evidence(scale * Y, scale * Y))
    assert judgement.verdict == "rounding"
    assert 0.1 < judgement.ratio < 2


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
@pytest.mark.parametrize("factor", [2.0, 1 + 1e-3, 1 + 1e-6, 1 + 1e-9])
def test_another_value_is_semantic_at_every_scale(scale, factor):
    judgement = judge(evidence(scale * Y, factor * scale * Y))
    assert judgement.verdict == "semantic"
    assert judgement.hidden == (factor < 1 + 1e-8)


def test_the_same_bits_are_equal():
    ours = side(Y, 1)
    assert judge(Evidence(*ours, *ours)).verdict == "equal"


def test_the_same_bits_in_float32_may_hide_another_meaning():
    ours = side(Y, 1)
    theirs = [ours[0], ours[1] * (1 + 1e-10), ours[2] * (1 + 1e-10)]
    judgement = judge(Evidence(*ours, *theirs))
    assert (judgement.verdict, judgement.hidden, judgement.ulps) == ("semantic", True, 0)


def test_exact_zeros_are_equal():
    zeros = [np.zeros(3)] * 6
    assert judge(Evidence(*zeros)).verdict == "equal"


def test_an_empty_array_is_equal():
    assert judge(Evidence(*[np.zeros((0, 3))] * 6)).verdict == "equal"


def test_other_shapes_are_semantic():
    judgement = judge(Evidence(*[np.zeros(3)] * 3, *[np.zeros((3, 1))] * 3))
    assert judgement.verdict == "semantic"
    assert "shapes are (3,) and (3, 1)" in judgement.note


def test_a_nan_on_one_side_is_semantic():
    other = np.array([1.0, np.nan])
    assert judge(Evidence(*[np.ones(2)] * 3, *[other] * 3)).verdict == "semantic"


def test_infinities_of_another_sign_are_semantic():
    infinite = np.array([np.inf])
    assert judge(Evidence(*[infinite] * 3, *[-infinite] * 3)).verdict == "semantic"


def test_nans_at_the_same_places_are_named():
    y = np.array([1.0, np.nan])
    judgement = judge(Evidence(*[y] * 6))
    assert judgement.verdict == "rounding"
    assert "not a number at the same places" in judgement.note


def test_overflow_in_float32_alone_is_named():
    y, over = np.array([1.0, 2.0]), np.array([1.0, np.inf])
    judgement = judge(Evidence(over, y, y, y, y, y))
    assert judgement.verdict == "rounding"
    assert "side of JAX" in judgement.note


def test_a_side_that_is_bad_in_float32_is_named():
    ours = side(Y, 1)
    ours[0] = (Y * (1 + 1e-2)).astype(np.float32)
    judgement = judge(Evidence(*ours, *side(Y, 11)))
    assert judgement.verdict == "rounding"
    assert "JAX is" in judgement.note
    assert "less accurate" in judgement.note


def test_a_small_error_by_chance_is_settled_by_the_second_witness():
    """A single number may be right to the last bit in float32 by chance."""
    y = np.float64(np.float32(1.1))
    cancelled = y + 1e-13
    near = Evidence(*[np.array([v]) for v in (y, y, y + 1e-13, y, cancelled, cancelled - 1e-13)])
    assert judge(near).verdict == "equal"
    far = near._replace(jax_moved=near.jax64, torch_moved=near.torch64)
    assert judge(far).verdict == "semantic"


def test_float32_decides_where_float64_cannot():
    for factor, verdict in ((1 + 3e-8, "rounding"), (1 + 1e-5, "semantic")):
        ours, theirs = side(Y, 1), side(Y * factor, 11)
        moved = [rounded(y[0], "float32", 5) for y in (ours, theirs)]
        found = Evidence(*ours, *theirs)
        assert judge(found).verdict == "semantic"
        assert judge_in_float32(found, *moved).verdict == verdict
