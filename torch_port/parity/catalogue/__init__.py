"""The known differences of meaning, each with a hypothesis that proves it."""

from torch_port.parity.catalogue import (
    activations,
    attention,
    convolutions,
    data,
    dropout,
    embeddings,
    inputs,
    labels,
    layout,
    losses,
    normalization,
    optimizers,
    recurrent,
    settings,
)
from torch_port.parity.catalogue.entry import Entry

PROGRAM_ENTRIES: tuple[Entry, ...] = (
    *layout.ENTRIES,
    *convolutions.ENTRIES,
    *recurrent.ENTRIES,
    *embeddings.ENTRIES,
    *normalization.ENTRIES,
    *dropout.ENTRIES,
    *activations.ENTRIES,
    *labels.ENTRIES,
    *losses.ENTRIES,
    *attention.ENTRIES,
    *inputs.ENTRIES,
)
"""What a model or a loss may do otherwise, the simplest explanation first."""

OPTIMIZER_ENTRIES: tuple[Entry, ...] = optimizers.ENTRIES
"""What an optimiser may do otherwise, likewise."""

CATALOGUE: tuple[Entry, ...] = (
    *PROGRAM_ENTRIES,
    *OPTIMIZER_ENTRIES,
    *data.ENTRIES,
    *settings.ENTRIES,
)
"""All entries."""
