"""What a float32 result of `jaxnn` may differ from its twin's by, and the measurement behind it.

In units of float32's ε = 2⁻²³ times the largest number of the quantity (all gradients of a step
together, and what they are made of): a sum whose terms cancel is off by what its terms are rounded
by. Both sides round, each in its own order. Measured over the whole table by

    python -m tests.agreement.measure

with jax 0.10.2 and torch 2.13.0 on two x86 cores. Allowed is the power of two next above twice the
largest difference that was measured: other processors add up in another order.
"""

from typing import NamedTuple


class Tolerance(NamedTuple):
    """The largest difference that was measured, where, and what is allowed."""

    measured: float
    at: str
    allowed: float


FLOAT32 = {
    "activation output": Tolerance(2.04, "gelu, in whose tail PyTorch's 1 + erf cancels", 8),
    "activation gradient": Tolerance(0.52, "silu", 2),
    "loss output": Tolerance(1.16, "cross_entropy of distributions", 4),
    "loss gradient": Tolerance(1.06, "binary_cross_entropy", 4),
    "layer output": Tolerance(2.52, "a nested network in evaluation", 8),
    "layer gradient": Tolerance(7.67, "a nested network, a kernel before layer norm", 16),
    "running statistics": Tolerance(0.79, "mlp with batch norm", 2),
    "metric": Tolerance(1.01, "the loss of a training step", 4),
    "update": Tolerance(6.12, "scale_by_stddev, whose variance cancels", 16),
    "optimiser state": Tolerance(3.98, "scale_by_rms, the twelfth step", 8),
    "path": Tolerance(5.16, "adamw, the twelfth step", 16),
    "moments": Tolerance(5.90, "a second moment in the fourth step of a training", 16),
    "schedule": Tolerance(0.0, "all", 1),
    "data": Tolerance(0.0, "all", 0),
}
