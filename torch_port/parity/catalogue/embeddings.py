"""Embeddings: the row of the padding word."""

from collections.abc import Iterator

from torch_port.parity.catalogue.changes import another
from torch_port.parity.catalogue.entry import Entry
from torch_port.parity.diagnosis.hypotheses import Context, Hypothesis
from torch_port.parity.sides.torch_calls import Call


def _padding_trained(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name != "embedding":
        return
    own = call["padding_idx"]
    if own is not None and own >= 0:
        yield another(call, "a padding row that is trained", of=(own, "none"), padding_idx=None)
    else:
        for row in (0, 1, call["weight"].shape[0] - 1):
            yield another(call, f"row {row} not trained", of=("none", row), padding_idx=row)


ENTRIES = (
    Entry(
        "embedding-padding",
        "the padding row is trained on one side only",
        "torch.nn.Embedding(padding_idx=i) gives row i no gradient; Flax's Embed has no such "
        "thing. The outputs agree, and after some steps that row does not. Met in the BERT of "
        "transformers.",
        "set the gradient of that row to 0 (PyTorch's padding_idx: {torch})",
        "padding_idx as JAX has it: {jax}",
        "PyTorch documentation, torch.nn.Embedding; Flax documentation, flax.linen.Embed",
        "program",
        _padding_trained,
    ),
)
