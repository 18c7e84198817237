"""What can be changed on the page, and within which limits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from jaxnn import checks
from jaxnn.cli import records
from jaxnn.cli.options import Activation, Initializer, ModelOptions, Optimizer

MOST_LAYERS = 4
WIDEST = 1024
LARGEST_BATCH = 1024
MOST_EPOCHS = 20
HIGHEST_DROPOUT = 0.9

CHOICES = {
    "activation": get_args(Activation),
    "initializer": get_args(Initializer),
    "optimizer": get_args(Optimizer),
}
"""The settings that have a name for a value, and the names."""


@dataclass(frozen=True)
class Settings(ModelOptions):
    """A network and its training; the learning rate stays what it is set to."""

    optimizer: Optimizer = "adam"
    learning_rate: float = 1e-3
    batch_size: int = 64
    epochs: int = 3


def read(content: bytes) -> Settings:
    """The settings that a page has sent as JSON; those that it leaves out have their defaults.

    Args:
      content: a JSON object in UTF-8.

    Raises:
      ValueError: on what is not JSON, or not settings within the limits.

    Example:
      >>> read(b'{"hidden": [32], "optimizer": "sgd"}').hidden
      (32,)
      >>> read(b'{"hidden": [0]}')
      Traceback (most recent call last):
          ...
      ValueError: hidden must be a number in [1, 1024], got 0
    """
    values = records.parse_json(content, Path("settings"))
    values = records.require_type(values, dict[str, Any], "settings")
    settings = records.make_options(Settings, values, "settings")
    _require_within_limits(settings)
    return settings


def _require_within_limits(settings: Settings) -> None:
    if len(settings.hidden) > MOST_LAYERS:
        raise ValueError(f"hidden must be at most {MOST_LAYERS} widths, got {len(settings.hidden)}")
    for width in settings.hidden:
        checks.require_in(f"[1, {WIDEST}]", width, "hidden")
    checks.require_in(f"[0, {HIGHEST_DROPOUT}]", settings.dropout, "dropout")
    checks.require_in("(0, 1000]", settings.learning_rate, "learning_rate")
    checks.require_in(f"[1, {LARGEST_BATCH}]", settings.batch_size, "batch_size")
    checks.require_in(f"[1, {MOST_EPOCHS}]", settings.epochs, "epochs")
    if settings.batch_norm and settings.batch_size == 1:
        raise ValueError("batch_size must be at least 2 with batch_norm, got 1")
