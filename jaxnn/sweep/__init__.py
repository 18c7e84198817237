"""Many trainings, one for each row of a grid of hyperparameters, with all cores and devices."""

from jaxnn.sweep.result import SweepResult
from jaxnn.sweep.training import fit

__all__ = ["SweepResult", "fit"]
