"""All ports, of programs and of optimisers."""

from tests.parity.ports import (
    classifiers,
    convolutional,
    normed,
    optimizers,
    perceptrons,
    recurrent,
    regressions,
    sequences,
)

PORTS = (
    *perceptrons.PORTS,
    *normed.PORTS,
    *convolutional.PORTS,
    *sequences.PORTS,
    *recurrent.PORTS,
    *classifiers.PORTS,
    *regressions.PORTS,
    *optimizers.PORTS,
)
