"""Every public function, every parameter that can be wrong: one line that says what and where."""

import inspect
import re

import numpy as np
import pytest

import jaxnn
from jaxnn import checkpoint
from tests.test_twins import passed_on
from tests.wrong_use.arguments import CHECKPOINTS, PARAMS, RIGHT, WRONG, Wrong
from tests.wrong_use.exemptions import FREE, RECORDS, REPORTED_BY, TAKES_ANYTHING, WITHOUT_ROWS

LIMITS = r"[\[(]\S+, \S+[\])]|at least|above|whole|function"
"""What a number that is refused must be, other than a number."""

ANYTHING = set().union(*TAKES_ANYTHING.values())


def public() -> dict[str, object]:
    """What modules define and pass on, by module and name: functions, classes and methods."""
    found = {}
    for module_name in jaxnn.__all__:
        module = getattr(jaxnn, module_name)
        for name in getattr(module, "__all__", dir(module)) if inspect.ismodule(module) else []:
            value = getattr(module, name)
            own = getattr(value, "__module__", "").startswith(module.__name__)
            if not name.startswith("_") and (own or name in passed_on(module)):
                found |= {f"{module_name}.{name}": value} | methods(f"{module_name}.{name}", value)
    is_code = lambda value: inspect.isroutine(value) or inspect.isclass(value)
    protocol = lambda value: getattr(value, "_is_protocol", False)
    return {name: value for name, value in found.items() if is_code(value) and not protocol(value)}


def methods(place: str, value) -> dict[str, object]:
    """Those that a class writes itself."""
    written = vars(value).items() if inspect.isclass(value) else ()
    return {f"{place}.{name}": method for name, method in written if not name.startswith("_")}


def parameters(function: str) -> list[str]:
    """The names of a public function's parameters that can be wrong."""
    names = inspect.signature(PUBLIC[function]).parameters
    return [name for name in names if name != "self" and f"{function} {name}" not in FREE]


def wrong_values(function: str, name: str) -> tuple | list:
    own = WRONG.get(f"{function} {name}")
    return WRONG.get(name, ()) if own is None and name not in ANYTHING else own or ()


def rows() -> list:
    """A row for each wrong value of each parameter of each function."""
    return [
        pytest.param(function, name, value, id=f"{function}-{name}-{number}")
        for function in RIGHT
        for name in parameters(function)
        for number, value in enumerate(wrong_values(function, name))
    ]


PUBLIC = public()
ROWS = rows()
WITH_ROWS = {row.values[0] for row in ROWS}


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    """A folder for all that is written, with a checkpoint."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("wrong_use"))
        checkpoint.save(CHECKPOINTS, PARAMS, step=1, config={}, loss=0.5)
        yield


def test_there_are_many_rows():
    assert len(ROWS) >= 400


@pytest.mark.parametrize("function", PUBLIC)
def test_what_is_public_has_rows_for_every_parameter_that_can_be_wrong(function):
    if function in WITHOUT_ROWS or function in RECORDS or not parameters(function):
        return
    assert function in RIGHT, "add right arguments, or say why there are none"
    for name in parameters(function):
        has_row = name in ANYTHING or wrong_values(function, name)
        assert has_row, f"add wrong values of {name}, or say why there are none"
    assert function in WITH_ROWS, "add a row, or say why there is none"


def test_no_exemption_is_out_of_date():
    without = {*WITHOUT_ROWS, *RECORDS}
    assert without <= PUBLIC.keys() - WITH_ROWS
    assert all(inspect.signature(PUBLIC[function]).parameters for function in without)
    named = {f"{f} {name}" for f in PUBLIC for name in inspect.signature(PUBLIC[f]).parameters}
    assert named >= FREE.keys()
    assert {name.partition(" ")[2] for name in named} >= ANYTHING
    assert WRONG.keys() <= named | {name.partition(" ")[2] for name in named}


@pytest.mark.parametrize("function", RIGHT)
def test_the_right_arguments_are_right(function):
    PUBLIC[function](**RIGHT[function])


def shown(value, right, name) -> set[str]:
    """How a message may show what came: the value, its shape or dtype, or what of it is wrong."""
    if isinstance(value, Wrong):
        return {value.shown}
    if hasattr(value, "images"):
        return {f"{value.images.shape[0]} and {value.labels.shape[0]}"}
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        other = set(np.ravel(value).tolist()) - set(np.ravel(right).tolist())
        counted = {f"{len(value)} {name}"} if value.shape else set()
        return {
            str(value.shape),
            str(value.dtype),
            *map(str, other),
            *map(str, map(float, other)),
        } | counted
    if isinstance(value, dict | list | tuple):
        parts = map(repr, [*value, *(value.values() if isinstance(value, dict) else ())])
        return {repr(value), str(len(value)), *parts, *([] if value else ["[]", "empty", "none"])}
    return {repr(value), getattr(value, "__name__", repr(value))}


def has_word(words: str, text: str) -> bool:
    """True if the text has the words, and not as a part of longer words or numbers."""
    return re.search(rf"(?<![\w.-]){re.escape(words)}(?!\w|\.\d)", text) is not None


@pytest.mark.parametrize(("function", "name", "value"), ROWS)
def test_the_message_says_what_was_expected_what_came_and_where(function, name, value):
    right = RIGHT[function]
    given = value.value if isinstance(value, Wrong) else value
    with pytest.raises((ValueError, TypeError)) as caught:
        PUBLIC[function](**(right | {name: given}))
    place, _, said = str(caught.value).partition(": ")
    module, _, own = function.partition(".")
    handed = REPORTED_BY.get(f"{function} {name}") or REPORTED_BY.get(function) or (None, None)
    assert place in ([handed[0]] if handed[0] else [own.rpartition(".")[2], function, module]), (
        "where"
    )
    assert has_word(handed[1] or name, said), "of which parameter"
    parts = re.fullmatch(r"(.*\b(must|expected|at least)\b.*\w.*), got (.+)", said, re.DOTALL)
    assert parts is not None, "what was expected, and what came"
    assert not isinstance(given, int | float) or re.search(LIMITS, parts[1]), "of which range"
    assert any(has_word(one, parts[3]) for one in shown(value, right.get(name), name)), "what came"
    assert len(said) < 300, "short"
