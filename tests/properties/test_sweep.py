"""Grids of any names and values: their members, in order, and which of them share a program."""

import math

from hypothesis import given
from hypothesis import strategies as st

from jaxnn.sweep.grid import read_grid
from tests.properties.draws import some

values = st.lists(
    st.floats(-1e3, 1e3) | st.integers(-5, 5) | st.sampled_from(["relu", "tanh"]),
    min_size=1,
    max_size=3,
)
grids = st.dictionaries(st.sampled_from(["rate", "width", "seeds", "decay"]), values, min_size=1)


def make(**hyperparameters):
    raise AssertionError("a grid is read without making anything")


def members(grid):
    return read_grid(grid, make, batch_size=2, epochs=1)


@some
@given(grid=grids)
def test_a_product_has_a_member_for_every_combination(grid):
    found = members(grid)
    assert len(found) == math.prod(map(len, grid.values()))
    assert [member.number for member in found] == [*range(len(found))]
    assert [member.row for member in members([member.row for member in found])] == [
        member.row for member in found
    ]
    for name, column in grid.items():
        assert {repr(member.row[name]) for member in found} == {*map(repr, column)}


@some
@given(grid=grids)
def test_members_of_a_group_differ_in_traced_floats_alone(grid):
    groups = {}
    for member in members(grid):
        groups.setdefault(member.group, []).append(member)
        assert member.floats.keys().isdisjoint(dict(member.others))
        assert all(isinstance(value, float) and value for value in member.floats.values())
        assert {**member.floats, **dict(member.others)} == member.row
    for together in groups.values():
        assert all(member.others == together[0].others for member in together)
        assert all(member.floats.keys() == together[0].floats.keys() for member in together)
