"""What a float32 result of `jaxnn` may differ from its twin's by, and the measurement behind it.

In units of float32's ε = 2⁻²³ times the largest number of the quantity (all gradients of a step
together): a sum whose terms cancel is off by what its terms are rounded by. Both sides round, each
in its own order, so that the difference is up to twice an error. Measured over the whole table by

    python -m tests.agreement.measure
"""

FLOAT32 = {
    "activation output": 4,
}
