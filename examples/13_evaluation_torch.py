"""In training mode one image has many answers, in evaluation mode one: in PyTorch.

Shows: the measurements of `13_evaluation.py` on the same trained network, whose parameters and
running statistics are carried across.

Look for: `module.train()` and `module.eval()`, which change the module, where jaxnn has an
argument; and the gradient, which PyTorch prepares in both modes unless `no_grad` says otherwise.

Found: the logits in evaluation mode, and what other company and a forward pass change in training
mode, are those of jaxnn to float32. In evaluation mode alone the output still remembers how it was
computed; under `no_grad` it does not.
"""

import importlib
from pathlib import Path
from typing import Any

import torch
import tyro
from gallery import print_table, save_findings

from torch_port import convert, data, models


def trained(images: int) -> torch.nn.Module:
    """The network of `13_evaluation.py`, carried across."""
    params, state = importlib.import_module("13_evaluation").trained(images)
    module = models.ImageClassifier((28, 28), (64,), 10, batch_norm=True, dropout=0.3)
    module.load_state_dict(convert.to_torch(params, state))
    return module


def main(small: bool = False, out: Path = Path("gallery")) -> dict[str, Any]:
    """Measures what differs between the two modes.

    Args:
      small: on fewer images.
      out: the folder for the findings.
    """
    module = trained(1280 if small else 12800)
    _, test_set = data.load("mnist")
    images = torch.as_tensor(test_set.images[:64])
    findings: dict[str, Any] = {}
    rows = []
    for name, measure in MEASURED.items():
        found = {}
        for mode in ("training", "evaluation"):
            torch.manual_seed(1)
            found[mode] = measure(carried(module).train(mode == "training"), images).item()
        rows.append([name.replace("_", " "), *(f"{value:.4f}" for value in found.values())])
        kind = "torch_" if name in RANDOM else ""
        findings |= {f"{kind}{mode}_{name}": value for mode, value in found.items()}
    print_table(["", "training mode", "evaluation mode"], rows)
    logits = module.eval()(images)
    findings["logits_in_evaluation"] = logits[0].tolist()
    with torch.no_grad():
        findings["remembers"] = [logits.requires_grad, module(images).requires_grad]
    print("\nthe output remembers how it was computed: {}, under no_grad {}".format(
        *("yes" if remembers else "no" for remembers in findings["remembers"])
    ))  # fmt: skip
    return save_findings(__file__, out, findings)


def carried(module: torch.nn.Module) -> torch.nn.Module:
    """A copy, so that no measurement sees the running statistics of another."""
    copy = models.ImageClassifier((28, 28), (64,), 10, batch_norm=True, dropout=0.3)
    copy.load_state_dict(module.state_dict())
    return copy


def silenced(module: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Of the hidden values that ReLU leaves, the share that is 0 after dropout."""
    seen: dict[str, torch.Tensor] = {}
    for layer in module.modules():
        if isinstance(layer, torch.nn.Dropout):
            layer.register_forward_hook(lambda _, given, made: seen.update(x=given[0], y=made))
    module(images)
    return ((seen["x"] > 0) & (seen["y"] == 0)).sum() / (seen["x"] > 0).sum()


def chance(module: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    """How far two calls part."""
    return (module(images) - module(images)).abs().max()


def company(module: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    """How far the logits of an image part, of a network without dropout, in other company."""
    for layer in module.modules():
        if isinstance(layer, torch.nn.Dropout):
            layer.p = 0.0
    return (module(images)[0] - module(images[:32])[0]).abs().max()


def memory(module: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    """How far a call moves the running statistics."""
    before = [buffer.clone() for buffer in module.buffers()]
    module(images)
    pairs = zip(module.buffers(), before, strict=True)
    moves = [(new - old).abs().max() for new, old in pairs if new.dtype == torch.float32]
    return torch.stack(moves).max()


MEASURED = {
    "share_silenced_by_dropout": silenced,
    "two_calls_differ_by": chance,
    "other_company_changes_logits_by": company,
    "running_statistics_move_by": memory,
}
RANDOM = {"share_silenced_by_dropout", "two_calls_differ_by"}
"""These depend on masks, which the two frameworks draw from different generators."""


if __name__ == "__main__":
    tyro.cli(main)
