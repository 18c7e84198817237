"""Schedules at any step: within bounds, one way, exact at both ends, and past the last step."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxnn import optim
from tests.properties.draws import some

LAST = 2**31 - 1
rates = st.floats(1e-6, 1.0)
lengths = st.integers(1, 10_000)
steps = st.integers(0, 20_000) | st.just(LAST)


def values(schedule, *steps):
    return [float(schedule(step)) for step in steps]


def assert_between(value, low, high):
    assert low * (1 - 1e-12) <= value <= high * (1 + 1e-12)


@some
@given(value=st.floats(-1e30, 1e30), step=steps)
def test_a_constant_is_constant(value, step):
    assert optim.constant_schedule(value)(step) == value


@some
@given(start=rates, end=rates, length=lengths, begin=st.integers(0, 100), at=st.lists(steps))
def test_a_line_goes_one_way_from_its_start_to_its_end(start, end, length, begin, at):
    schedule = optim.linear_schedule(start, end, length, begin)
    first, last, forever = values(schedule, begin, begin + length, LAST)
    assert (first, last, forever) == (start, end, end)
    along = [start, *values(schedule, *sorted(at)), end]
    ordered = sorted(along, reverse=end < start)
    np.testing.assert_allclose(along, ordered, rtol=1e-14)


@some
@given(start=rates, factor=st.floats(0.01, 1.0), length=lengths, at=st.lists(steps, min_size=2))
def test_exponential_decay_falls_by_its_factor_in_each_length(start, factor, length, at):
    schedule = optim.exponential_decay(start, length, factor)
    assert values(schedule, 0) == [start]
    for sooner, later in pairwise(values(schedule, *sorted(at))):
        assert later <= sooner
    step = min(at)
    sooner, later = values(schedule, step, step + length) if step < LAST else (0.0, 0.0)
    assert later == pytest.approx(factor * sooner, rel=1e-10)


@some
@given(start=rates, factor=st.floats(0.01, 100.0), length=lengths, at=steps, end=rates)
def test_exponential_decay_stops_at_its_end(start, factor, length, at, end):
    bounded = optim.exponential_decay(start, length, factor, end_value=end)
    stepped = optim.exponential_decay(start, length, factor, staircase=True)
    [value] = values(bounded, at)
    assert value >= end if factor < 1 else value <= end
    whole = at // length * length
    assert values(stepped, at) == values(stepped, whole)


@some
@given(
    start=rates,
    length=lengths,
    alpha=st.floats(0, 1),
    exponent=st.sampled_from([0.5, 1.0, 2.0]),
    at=st.lists(steps, min_size=2),
)
def test_a_cosine_falls_from_its_start_to_its_share(start, length, alpha, exponent, at):
    schedule = optim.cosine_decay_schedule(start, length, alpha, exponent)
    first, last, forever = values(schedule, 0, length, LAST)
    assert first == pytest.approx(start, rel=1e-14)
    assert last == forever == pytest.approx(start * alpha, rel=1e-14, abs=1e-30)
    along = values(schedule, *sorted(at))
    for sooner, later in pairwise(along):
        assert later <= sooner * (1 + 1e-14)
    for value in along:
        assert_between(value, start * alpha, start)


@some
@given(
    start=rates, peak=rates, end=rates, warmup=st.integers(0, 100), rest=st.integers(1, 1000),
    at=steps,
)  # fmt: skip
def test_warm_up_passes_through_its_three_values(start, peak, end, warmup, rest, at):
    schedule = optim.warmup_cosine_decay_schedule(start, peak, warmup, warmup + rest, end)
    at_peak, at_end, forever, somewhere = values(schedule, warmup, warmup + rest, LAST, at)
    assert at_peak == pytest.approx(peak, rel=1e-14)
    assert at_end == forever == pytest.approx(end, rel=1e-13)
    if warmup:
        assert values(schedule, 0) == [start]
    assert_between(somewhere, min(start, peak, end), max(start, peak, end))


tables = st.dictionaries(st.integers(0, 1000), st.floats(0, 2), max_size=4)


@some
@given(start=rates, table=tables, at=steps)
def test_a_piecewise_constant_is_the_product_of_the_factors_passed(start, table, at):
    expected = start
    for boundary, factor in table.items():
        expected *= factor if boundary <= at else 1
    [value] = values(optim.piecewise_constant_schedule(start, table), at)
    assert value == pytest.approx(expected, rel=1e-14)


@some
@given(boundaries=st.lists(st.integers(0, 50), max_size=3).map(sorted), at=st.integers(0, 60))
def test_joined_schedules_follow_each_other_from_their_own_zero(boundaries, at):
    count = len(boundaries) + 1
    parts = [lambda step, i=i: jnp.asarray(1000.0 * i) + step for i in range(count)]
    joined = optim.join_schedules(parts, boundaries)
    part = sum(boundary <= at for boundary in boundaries)
    expected = 1000 * part + at - ([0, *boundaries][part])
    assert values(joined, at) == [expected]


SCHEDULES = {
    "constant_schedule": optim.constant_schedule(0.1),
    "linear_schedule": optim.linear_schedule(0.1, 0.01, 100, 3),
    "exponential_decay": optim.exponential_decay(0.1, 100, 0.5, end_value=1e-3),
    "cosine_decay_schedule": optim.cosine_decay_schedule(0.1, 100, 0.1, 2.0),
    "warmup_cosine_decay_schedule": optim.warmup_cosine_decay_schedule(0.0, 0.1, 10, 100),
    "piecewise_constant_schedule": optim.piecewise_constant_schedule(0.1, {10: 0.5, 100: 0.1}),
}
COMPILED = {name: jax.jit(schedule) for name, schedule in SCHEDULES.items()}


@pytest.mark.parametrize("name", SCHEDULES)
@some
@given(step=steps)
def test_a_traced_step_gives_what_a_number_gives(name, step):
    traced = COMPILED[name](jnp.int32(step))
    np.testing.assert_allclose(traced, SCHEDULES[name](step), rtol=1e-14, atol=1e-17)
