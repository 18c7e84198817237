"""What a sweep found."""

from __future__ import annotations

from typing import Any


def value_in_words(value: Any) -> str:
    """A hyperparameter or a figure of a table, in few characters.

    >>> [value_in_words(value) for value in (0.00123456, (256, 128), max, 3, None)]
    ['0.001235', '256x128', 'max', '3', 'None']
    """
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (tuple, list)):
        return "x".join(map(value_in_words, value))
    return getattr(value, "__name__", None) or str(value)
