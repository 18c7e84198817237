"""What the tables of both packages have in common: who is public, the rows, how a message reads."""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.test_twins import passed_on

LIMITS = r"[\[(]\S+, \S+[\])]|at least|above|whole|function"
"""What a number that is refused must be, other than a number."""


class Wrong(NamedTuple):
    """A wrong value whose message cannot show it whole, and what it shows instead."""

    value: Any
    shown: str


def unwrapped(value: Any) -> Any:
    return value.value if isinstance(value, Wrong) else value


class Table(NamedTuple):
    """The wrong uses of a package.

    Attributes:
      public: its functions, classes and methods, by module and name.
      right: arguments with which each works.
      wrong: wrong values of each parameter, by its name, or by the function's and its own.
      anything: parameters that need no row, wherever they are.
      free: those that need none in one function, by the function's name and their own.
      without: functions that have parameters and no rows.
      reported_by: where a message comes from a function that the argument is handed to, and the
        name that it has there.
    """

    public: Mapping[str, Callable]
    right: Mapping[str, Mapping[str, Any]]
    wrong: Mapping[str, list]
    anything: set[str]
    free: Mapping[str, str]
    without: set[str]
    reported_by: Mapping[str, tuple[str | None, str | None]]

    def parameters(self, function: str) -> list[str]:
        """The names of a public function's parameters that can be wrong."""
        names = inspect.signature(self.public[function]).parameters
        return [name for name in names if name != "self" and f"{function} {name}" not in self.free]

    def wrong_values(self, function: str, name: str) -> list:
        own = self.wrong.get(f"{function} {name}")
        return self.wrong.get(name, []) if own is None and name not in self.anything else own or []

    def rows(self) -> list:
        """A row for each wrong value of each parameter of each function."""
        return [
            pytest.param(function, name, value, id=f"{function}-{name}-{number}")
            for function in self.right
            for name in self.parameters(function)
            for number, value in enumerate(self.wrong_values(function, name))
        ]

    def message(self, function: str, name: str, value: Any) -> tuple[type[Exception], str]:
        """What a user sees who gives one argument the value, and the others right ones."""
        with pytest.raises((ValueError, TypeError)) as caught:
            self.public[function](**{**self.right[function], name: unwrapped(value)})
        return caught.type, str(caught.value)

    def require_rows(self, function: str) -> None:
        """Fails unless every parameter that can be wrong has a row, or the function none."""
        if function in self.without or not self.parameters(function):
            return
        assert function in self.right, "add right arguments, or say why there are none"
        for name in self.parameters(function):
            has_row = name in self.anything or self.wrong_values(function, name)
            assert has_row, f"add wrong values of {name}, or say why there are none"
        assert any(self.wrong_values(function, name) for name in self.parameters(function)), (
            "add a row, or say why there is none"
        )

    def require_no_exemption_out_of_date(self) -> None:
        """Fails if something that is named here is not there, or has rows all the same."""
        parameters_of = lambda f: inspect.signature(self.public[f]).parameters
        assert self.without <= self.public.keys() - {row.values[0] for row in self.rows()}
        assert all(parameters_of(function) for function in self.without)
        named = {f"{f} {name}" for f in self.public for name in parameters_of(f)}
        assert named >= self.free.keys()
        assert {name.partition(" ")[2] for name in named} >= self.anything
        assert self.wrong.keys() <= named | {name.partition(" ")[2] for name in named}

    def require_said(self, function: str, name: str, value: Any) -> None:
        """Fails unless the message says what was expected, what came and where."""
        _, message = self.message(function, name, value)
        place, _, said = message.partition(": ")
        module, _, own = function.partition(".")
        handed = self.reported_by.get(f"{function} {name}") or self.reported_by.get(function)
        where, parameter = handed or (None, None)
        places = [where] if where else [own.rpartition(".")[2], function, module]
        assert place in places, "where"
        assert has_word(parameter or name, said), "of which parameter"
        parts = re.fullmatch(r"(.*\b(must|expected|at least)\b.*\w.*), got (.+)", said, re.DOTALL)
        assert parts is not None, "what was expected, and what came"
        given = unwrapped(value)
        assert not isinstance(given, int | float) or re.search(LIMITS, parts[1]), "of which range"
        words = shown(value, self.right[function].get(name), name)
        assert any(has_word(one, parts[3]) for one in words), "what came"
        assert len(said) < 300, "short"


def public(modules: Iterable) -> dict[str, Callable]:
    """What modules define and pass on, by module and name: functions, classes and methods."""
    found = {}
    for module in filter(inspect.ismodule, modules):
        place = module.__name__.rpartition(".")[2]
        for name in getattr(module, "__all__", dir(module)):
            value = getattr(module, name)
            own = getattr(value, "__module__", "").startswith(module.__name__)
            if not name.startswith("_") and (own or name in passed_on(module)):
                found |= {f"{place}.{name}": value} | methods(module, f"{place}.{name}", value)
    is_code = lambda value: inspect.isroutine(value) or inspect.isclass(value)
    protocol = lambda value: getattr(value, "_is_protocol", False)
    return {name: value for name, value in found.items() if is_code(value) and not protocol(value)}


def methods(module, place: str, value) -> dict[str, object]:
    """Those that a class of the module's package writes itself."""
    package = module.__name__.partition(".")[0]
    is_own = inspect.isclass(value) and value.__module__.startswith(package)
    written = vars(value).items() if is_own else ()
    return {f"{place}.{name}": method for name, method in written if not name.startswith("_")}


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
            str(tuple(value.shape)),
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
