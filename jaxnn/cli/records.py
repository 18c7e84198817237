"""The JSON files of a run folder, which anybody may have written: read, and told what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypedDict, get_type_hints

from jaxnn.cli import UsageError
from jaxnn.cli.options import ModelOptions, OptimizerOptions, TrainOptions


class DataDescription(TypedDict):
    """What config.json says of the data."""

    train: int
    validation: int
    test: int
    image_shape: list[int]
    class_names: list[str]
    sha256: str


def read_json(path: Path) -> Any:
    """A JSON file of a run folder."""
    if not path.is_file():
        raise FileNotFoundError(f"{path.parent} is not a run folder: it has no {path.name}")
    return parse_json(path.read_bytes(), path)


def parse_json(content: bytes, path: Path) -> Any:
    """What JSON in UTF-8 says; the path is for messages."""
    try:
        return json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON: {error}") from None


def read_config(path: Path) -> tuple[dict[str, Any], TrainOptions]:
    """A run's config.json, and the options in it."""
    config = read_json(path)
    return config, options_of(config, path)


def options_of(config: Any, path: Path) -> TrainOptions:
    """The options in a run's configuration, once all of it is what a run writes."""
    place = f"{path} is not a run's configuration"
    config = require_type(config, dict[str, Any], place)
    data = require_type(config.get("data"), DataDescription, f"{place}: data")
    _require_moderate([data["train"], *data["image_shape"]], f"{place}: data")
    values = dict(require_type(config.get("options"), dict[str, Any], f"{place}: options"))
    for name, kind in {"model": ModelOptions, "optimization": OptimizerOptions}.items():
        part = require_type(values.get(name), dict[str, Any], f"{place}: {name}")
        values[name] = make_options(kind, part, f"{place}: {name}")
    return make_options(TrainOptions, values, f"{place}: options")


def make_options(kind: Any, values: Mapping[str, Any], place: str) -> Any:
    """An instance of a class of options, each value of the type that its field has."""
    types = get_type_hints(kind)
    if unknown := values.keys() - types.keys():
        raise UsageError(f"{place}: unknown options {sorted(unknown)}")
    options = {}
    for name, value in values.items():
        if isinstance(value, list):
            value = tuple(value)  # JSON has lists alone
        if isinstance(value, str) and types[name] == Path | None:
            value = Path(value)
        options[name] = require_type(value, types[name], f"{place}: {name}")
        _require_moderate(value if isinstance(value, tuple) else [value], f"{place}: {name}")
    return kind(**options)


def _require_moderate(values: Iterable[Any], place: str) -> None:
    """Raises a `UsageError` if a number is not finite, or too large to be computed with."""
    for value in values:
        if isinstance(value, int | float) and not abs(value) < 2**31:
            raise UsageError(f"{place}: numbers must be below 2³¹, got {str(value)[:20]}")


def require_type(value: Any, kind: Any, place: str) -> Any:
    """Raises a `UsageError` unless a value from JSON is of a type, in all its parts."""
    from typeguard import CollectionCheckStrategy, TypeCheckError, check_type

    all_items = CollectionCheckStrategy.ALL_ITEMS
    try:
        return check_type(value, kind, collection_check_strategy=all_items)
    except TypeCheckError as error:
        raise UsageError(f"{place}: {error}") from None


def read_results(folder: Path) -> dict[str, Any]:
    """What a run's results.json says; `step`, which names a checkpoint, is a whole number."""
    path = folder / "results.json"
    results = require_type(read_json(path), dict[str, Any], f"{path} is not a run's results")
    require_type(results.get("accuracy"), float, f"{path} is not a run's results: accuracy")
    step = require_type(results.get("step"), int, f"{path} is not a run's results: step")
    if step < 0:
        raise UsageError(f"{path} is not a run's results: step is {step}")
    return results


def read_history(folder: Path) -> list[dict[str, Any]]:
    """The rows of a run's history."""
    path = folder / "history.jsonl"
    if not path.is_file():
        raise FileNotFoundError(f"{folder} is not a run folder: it has no {path.name}")
    return parse_history(path.read_bytes(), path)


def parse_history(content: bytes, path: Path) -> list[dict[str, Any]]:
    """The rows of a history, a line each; the path is for messages."""
    rows = [parse_json(line, path) for line in content.splitlines()]
    return require_type(rows, list[dict[str, float | int]], f"{path} is not a history")
