"""The known differences of meaning, each with a hypothesis that proves it."""

from torch_port.parity.catalogue import (
    activations,
    attention,
    inputs,
    layout,
    losses,
    normalization,
)
from torch_port.parity.catalogue.entry import Entry

PROGRAM_ENTRIES: tuple[Entry, ...] = (
    *layout.ENTRIES,
    *normalization.ENTRIES,
    *activations.ENTRIES,
    *losses.ENTRIES,
    *attention.ENTRIES,
    *inputs.ENTRIES,
)
"""What a model or a loss may do otherwise, the simplest explanation first."""

CATALOGUE: tuple[Entry, ...] = PROGRAM_ENTRIES
"""All entries."""
