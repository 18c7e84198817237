"""Back-propagation by hand is the chain rule, layer by layer: in PyTorch.

Shows: the same gradient by hand, beside what autograd derives, and gradient descent along that.

Look for: `backward` writes each gradient beside its parameter; with JAX it is a function's result.

Found: autograd differs from the gradient by hand by 4e-16 to 1e-15 of its largest entry. The 100
losses at η = 0.1 agree with those of `05_backpropagation.py` to 5e-15.
"""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
import tyro
from gallery import print_table, save_findings

import jaxnn
from torch_port import convert, data, losses, models

REGIMES = {"too small": 0.003, "right": 0.1, "too large": 3.0}


def main(small: bool = False, out: Path = Path("gallery")) -> dict[str, Any]:
    """Compares gradients, and descends along them at three learning rates, in float64.

    Args:
      small: on fewer images, for fewer steps.
      out: the folder for the findings.
    """
    count, steps = (64, 10) if small else (256, 100)
    train_set, _ = data.load("mnist")
    images, labels = train_set.images[:count], train_set.labels[:count]
    with jax.enable_x64(True):
        start = jaxnn.models.simple_nn().init(jax.random.key(0), jnp.float64)
        params = convert.to_torch(*start)
    model = models.SimpleNN().double()

    def loss():
        return losses.mean(losses.softmax_cross_entropy(model(images), labels))

    def derived(params):
        model.load_state_dict(params)
        model.zero_grad()
        J = loss()
        J.backward()
        gradient = {name: parameter.grad for name, parameter in model.named_parameters()}
        return J.item(), gradient

    by_hand = lambda params: loss_and_gradient(params, images, labels)
    agreement = compare(by_hand(params), derived(params))
    regimes = {name: descend(params, derived, rate, steps) for name, rate in REGIMES.items()}
    hand_made = descend(params, by_hand, REGIMES["right"], steps)
    findings = {
        "loss": agreement["loss"],
        "approximately_relative_differences": agreement["differences"],
        "approximately_hand_made_descent": relative(hand_made, regimes["right"]),
        "losses_too_small": regimes["too small"],
        "losses_right": regimes["right"],
        "approximately_losses_too_large": regimes["too large"],
    }
    report(findings)
    return save_findings(__file__, out, findings)


def loss_and_gradient(params: Any, images: Any, labels: Any) -> tuple[float, Any]:
    """The mean cross-entropy J of a 784-256-128-10 network with ReLU, and ∇J, by hand."""
    (W1, b1), (W2, b2), (W3, b3) = weights_and_biases(params)
    n = len(images)
    y = np.eye(10)[np.asarray(labels)]

    x = (np.asarray(images).reshape(n, 784) / 255 - 0.5) / 0.5
    z1 = x @ W1 + b1
    h1 = np.maximum(z1, 0)
    z2 = h1 @ W2 + b2
    h2 = np.maximum(z2, 0)
    z3 = h2 @ W3 + b3
    z3 = z3 - z3.max(1, keepdims=True)
    p = np.exp(z3) / np.exp(z3).sum(1, keepdims=True)
    J = -(y * np.log(p)).sum() / n

    delta3 = (p - y) / n
    dW3, db3 = h2.T @ delta3, delta3.sum(0)
    delta2 = delta3 @ W3.T * (z2 > 0)
    dW2, db2 = h1.T @ delta2, delta2.sum(0)
    delta1 = delta2 @ W2.T * (z1 > 0)
    dW1, db1 = x.T @ delta1, delta1.sum(0)
    gradient = {"2.weight": dW1.T, "2.bias": db1, "4.weight": dW2.T, "4.bias": db2}
    gradient |= {"6.weight": dW3.T, "6.bias": db3}
    return J, {name: torch.from_numpy(array) for name, array in gradient.items()}


def weights_and_biases(params: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Those of the dense layers, in order."""
    return [(params[f"{i}.weight"].numpy().T, params[f"{i}.bias"].numpy()) for i in (2, 4, 6)]


def relative(values: Any, like: Any) -> float:
    """The largest difference, by the largest value."""
    return float(np.abs(np.subtract(values, like)).max() / np.abs(like).max())


def compare(by_hand: tuple[float, Any], derived: tuple[Any, Any]) -> dict[str, Any]:
    """The loss, and the relative differences: of the loss, then of each kernel and bias."""
    pairs = [(by_hand[0], derived[0])]
    for ours, theirs in zip(*map(weights_and_biases, (by_hand[1], derived[1])), strict=True):
        pairs += zip(ours, theirs, strict=True)
    return {"loss": float(derived[0]), "differences": [relative(*pair) for pair in pairs]}


def descend(params: Any, loss_and_gradient: Any, rate: float, steps: int) -> list[float]:
    """The losses of gradient descent, θ ← θ − η∇J."""
    params = {name: tensor.clone() for name, tensor in params.items()}
    optimizer, path = torch.optim.SGD(params.values(), rate), []
    for _ in range(steps):
        J, gradient = loss_and_gradient(params)
        for name, array in gradient.items():
            params[name].grad = array
        optimizer.step()
        path.append(float(J))
    return path


def report(findings: dict[str, Any]) -> None:
    """Prints the differences, and the three regimes."""
    names = ["J", *(f"∂J/∂{letter}{number}" for number in "₁₂₃" for letter in "Wb")]
    differences = findings["approximately_relative_differences"]
    cells = [f"{difference:.1e}" for difference in differences]
    print_table(["by hand − derived", "relative"], zip(names, cells, strict=True))
    print(f"descent by hand    {findings['approximately_hand_made_descent']:.1e}\n")
    rows = []
    for name, rate in REGIMES.items():
        key = f"losses_{name.replace(' ', '_')}"
        path = findings.get(key) or findings[f"approximately_{key}"]
        rows.append([name, rate, *(f"{loss:.3g}" for loss in (path[0], max(path), path[-1]))])
    print_table(["regime", "η", "first loss", "highest", "last"], rows)


if __name__ == "__main__":
    tyro.cli(main)
