"""The twin's public functions: each wrong use of `jaxnn`'s, answered in the same words."""

import pytest

from tests.wrong_use.table import Table, unwrapped
from tests.wrong_use.test_signatures import TABLE as OURS
from tests.wrong_use.torch_arguments import PUBLIC, RIGHT, WRONG, in_torch, parameters_of, twin_of
from tests.wrong_use.torch_exemptions import (
    FREE,
    IN_USE,
    OTHER_WORDS,
    RECORDS,
    REPORTED_BY,
    TAKES_ANYTHING,
    WITHOUT_ROWS,
)

TABLE = Table(
    public=PUBLIC,
    right=RIGHT,
    wrong=WRONG,
    anything=set().union(*TAKES_ANYTHING.values()),
    free=FREE,
    without={*WITHOUT_ROWS, *RECORDS, *IN_USE},
    reported_by=REPORTED_BY,
)


@pytest.mark.parametrize("function", TABLE.public)
def test_what_is_public_has_rows_for_every_parameter_that_can_be_wrong(function):
    TABLE.require_rows(function)


def test_no_exemption_is_out_of_date():
    TABLE.require_no_exemption_out_of_date()


@pytest.mark.parametrize("function", TABLE.right)
def test_the_right_arguments_are_right(function):
    TABLE.public[function](**TABLE.right[function])


@pytest.mark.parametrize(("function", "name", "value"), TABLE.rows())
def test_the_message_says_what_was_expected_what_came_and_where(function, name, value):
    TABLE.require_said(function, name, value)


def in_both_tables() -> list:
    """The rows of `jaxnn` for what both take."""
    return [
        pytest.param(function, name, value, id=f"{twin}-{name}-{number}")
        for function in OURS.right
        if (twin := twin_of(function))
        for name in OURS.parameters(function)
        if name in parameters_of(twin)
        for number, value in enumerate(OURS.wrong_values(function, name))
    ]


BOTH = in_both_tables()


def test_there_are_many_rows():
    assert len(TABLE.rows()) >= 400
    assert len(BOTH) >= 300


@pytest.mark.parametrize(("function", "name", "value"), BOTH)
def test_both_twins_refuse_it_in_the_same_words(function, name, value):
    twin = twin_of(function)
    kind, ours = OURS.message(function, name, value)
    with pytest.raises((ValueError, TypeError)) as theirs:
        TABLE.public[twin](**{**TABLE.right[twin], name: unwrapped(in_torch(value))})
    same_words = str(theirs.value).replace("torch.", "").replace("tensor", "array") == ours
    assert same_words == (f"{twin} {name}" not in OTHER_WORDS)
    assert issubclass(kind, theirs.type)
