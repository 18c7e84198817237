"""All ports of programs."""

from tests.parity.ports import (
    classifiers,
    convolutional,
    normed,
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
)
