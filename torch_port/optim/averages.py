"""Averages over the steps taken."""

import torch
from torch import Tensor


def debias_factor(decay: float, count: int) -> float:
    """1/(1−decayᵗ), in Python's float64: float32 would lose four digits of seven at 0.999."""
    return 1 / (1 - decay**count)


def average(old: Tensor, new: Tensor, decay: float) -> Tensor:
    """decay·old + (1−decay)·new: `torch.lerp`, which counts from the nearer of the two."""
    return torch.lerp(old, new, 1 - decay)


def squared_norm(x: Tensor) -> Tensor:
    """|x|² of each element, in the dtype of x."""
    return x * x.conj()
