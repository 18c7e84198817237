"""The lecture's network takes some 250 of 10,000 test images for another digit: in PyTorch.

Shows: the test of `15_testing.py` in PyTorch, of the same trained network, carried across.

Look for: the same confusion matrix, to the image.

Found: accuracy and confusion matrix are those of jaxnn, the logits too, to float32.
"""

import importlib
from pathlib import Path
from typing import Any

import torch
import tyro
from gallery import print_table, save_findings

from torch_port import activations, convert, data, metrics, models, train


def trained(images: int) -> torch.nn.Module:
    """The network of `15_testing.py`, carried across."""
    params, state = importlib.import_module("15_testing").trained(images)
    module = models.SimpleNN()
    module.load_state_dict(convert.to_torch(params, state))
    return module


def main(small: bool = False, out: Path = Path("gallery")) -> dict[str, Any]:
    """Tests the network on the test images.

    Args:
      small: trained on fewer images.
      out: the folder for the findings.
    """
    model = trained(1280 if small else 60000)
    _, test_set = data.load("mnist")
    labels = torch.as_tensor(test_set.labels)
    logits = torch.as_tensor(train.predict(model, test_set.images, batch_size=1000))
    matrix = metrics.confusion_matrix(logits, labels).sum.int()
    probabilities = activations.softmax(logits)
    right, sure = probabilities.argmax(-1) == labels, probabilities.max(-1).values >= 0.99
    findings = {
        "accuracy": right.double().mean().item(),
        "confusion_matrix": matrix.tolist(),
        "wrong_though_sure": (~right)[sure].double().mean().item(),
        "first_logits": logits[0].tolist(),
    }
    rows = [[name, f"{findings[name]:.4f}"] for name in ("accuracy", "wrong_though_sure")]
    print_table(["", "of the test images"], rows)
    return save_findings(__file__, out, findings)


if __name__ == "__main__":
    tyro.cli(main)
