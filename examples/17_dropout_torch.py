"""Dropout's masks as an ensemble: in PyTorch, of the network that jaxnn has trained.

Shows: the answers of `17_dropout.py` about a digit that is turned, in evaluation mode and over
masks.

Look for: an ensemble is `module.train()` and a loop; the masks come from a global generator.

Found: in evaluation mode the probabilities are those of jaxnn to float32; the spread over masks is
the same within chance.
"""

import importlib
from pathlib import Path
from typing import Any

import torch
import tyro
from gallery import print_table, save_findings

from torch_port import activations, convert, models

ANGLES = list(range(0, 181, 15))


def network(rate: float) -> torch.nn.Module:
    """Two hidden layers of 128 neurons."""
    return models.ImageClassifier((28, 28), (128, 128), 10, dropout=rate)


def main(small: bool = False, out: Path = Path("gallery")) -> dict[str, Any]:
    """Asks the ensemble about a turned digit.

    Args:
      small: trained on fewer images, with fewer masks.
      out: the folder for the findings.
    """
    theirs = importlib.import_module("17_dropout")
    params, state = theirs.trained(200 if small else 1000, 2 if small else 20)
    module = network(0.5)
    module.load_state_dict(convert.to_torch(params, state))
    turned = torch.as_tensor(theirs.turned_digit())
    once = activations.softmax(module.eval()(turned))
    answers = ensemble(module, turned, 20 if small else 200)
    uncertain = answers.std(dim=0, correction=0).mean(dim=-1)
    print_table(
        ["degrees", "spread"],
        [[a, f"{s:.3f}"] for a, s in zip(ANGLES, uncertain.tolist(), strict=True)],
    )
    findings = {
        "turned_in_evaluation": once.tolist(),
        "torch_spread_of_ensemble": uncertain.tolist(),
    }
    return save_findings(__file__, out, findings)


@torch.no_grad()
def ensemble(module: torch.nn.Module, images: torch.Tensor, masks: int) -> torch.Tensor:
    """Probabilities `(masks, images, classes)`: each mask is a network of its own."""
    torch.manual_seed(1)
    return torch.stack([activations.softmax(module.train()(images)) for _ in range(masks)])


if __name__ == "__main__":
    tyro.cli(main)
