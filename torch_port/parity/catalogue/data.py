"""Differences between what two trainings are fed; batches are compared, nothing is tried."""

from torch_port.parity.catalogue.entry import Entry

ENTRIES = (
    Entry(
        "last-batch",
        "the last batch, which is smaller, is kept or dropped",
        "PyTorch's DataLoader keeps it unless drop_last=True; loaders for JAX often drop it, so "
        "that every batch has one shape.",
        "give JAX {torch} batches an epoch",
        "give PyTorch {jax} batches an epoch: drop_last",
        "PyTorch documentation, torch.utils.data.DataLoader; differences.md, last-batch",
        "data",
        lambda: (),
    ),
    Entry(
        "batch-order",
        "the same examples come in another order",
        "The frameworks' random numbers differ, so a shuffle with the same seed is another.",
        "shuffle once with NumPy and give both sides the same order",
        "shuffle once with NumPy and give both sides the same order",
        "differences.md, batch-order",
        "data",
        lambda: (),
    ),
)
