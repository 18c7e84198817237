"""The twin's public functions: each wrong use of `jaxnn`'s, answered in the same words."""

import pytest

from tests.wrong_use.table import unwrapped
from tests.wrong_use.tables import JAXNN, TORCH_PORT
from tests.wrong_use.torch_arguments import in_torch, parameters_of, twin_of
from tests.wrong_use.torch_exemptions import OTHER_WORDS


def in_both_tables() -> list:
    """The rows of `jaxnn` for what both take."""
    return [
        pytest.param(function, name, value, id=f"{twin}-{name}-{number}")
        for function in JAXNN.right
        if (twin := twin_of(function))
        for name in JAXNN.parameters(function)
        if name in parameters_of(twin)
        for number, value in enumerate(JAXNN.wrong_values(function, name))
    ]


BOTH = in_both_tables()


def test_there_are_many_rows_in_both():
    assert len(BOTH) >= 300


@pytest.mark.parametrize(("function", "name", "value"), BOTH)
def test_both_twins_refuse_it_in_the_same_words(function, name, value):
    twin = twin_of(function)
    kind, ours = JAXNN.message(function, name, value)
    with pytest.raises((ValueError, TypeError)) as theirs:
        TORCH_PORT.public[twin](**{**TORCH_PORT.right[twin], name: unwrapped(in_torch(value))})
    same_words = str(theirs.value).replace("torch.", "").replace("tensor", "array") == ours
    assert same_words == (f"{twin} {name}" not in OTHER_WORDS)
    assert issubclass(kind, theirs.type)
