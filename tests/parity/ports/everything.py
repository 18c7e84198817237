"""All ports, of programs and of optimisers."""

from tests.parity.ports import (
    activations,
    adaptive,
    attention,
    batch_normed,
    classifiers,
    convolutional,
    dropped,
    gated,
    momentum,
    normed,
    perceptrons,
    recurrent,
    regressions,
)

PORTS = (
    *perceptrons.PORTS,
    *activations.PORTS,
    *batch_normed.PORTS,
    *normed.PORTS,
    *dropped.PORTS,
    *convolutional.PORTS,
    *attention.PORTS,
    *gated.PORTS,
    *recurrent.PORTS,
    *classifiers.PORTS,
    *regressions.PORTS,
    *momentum.PORTS,
    *adaptive.PORTS,
)
