"""SGD, RMSProp and Adam in plain NumPy on five points: a witness that knows neither framework.

The model is linear, p = X·w, and w = (−1, 3) fits the points exactly. Each program yields the
weights after every step. The points come in orders that the caller gives, a row for each epoch, so
that other programs can be given the same batches.

    python -m torch_port.numpy_optim
"""

from collections.abc import Iterator

import numpy as np

POINTS = np.array([[1.0, 2.0], [2.0, 3.0], [3.0, 4.0], [4.0, 5.0], [5.0, 6.0]])
TARGETS = np.array([5.0, 7.0, 9.0, 11.0, 13.0])


def loss(w: np.ndarray, points: np.ndarray = POINTS, targets: np.ndarray = TARGETS) -> float:
    """The mean squared error: J = Σᵢ (xᵢ·w − yᵢ)² / n.

    Example:
      >>> loss(np.array([-1.0, 3.0]))
      0.0
    """
    return float(np.mean((points @ w - targets) ** 2))


def gradient(
    w: np.ndarray, points: np.ndarray, targets: np.ndarray, factor: float = 2.0
) -> np.ndarray:
    """The gradient of `loss`: ∇J = 2·Xᵀ(X·w − y)/n.

    Args:
      w: weights, `(features,)`.
      points: X, `(n, features)`.
      targets: y, `(n,)`.
      factor: in place of the 2; the lecture prints 1, which halves its learning rate.

    Example:
      >>> gradient(np.zeros(2), POINTS, TARGETS).tolist()
      [-62.0, -80.0]
    """
    return factor * points.T @ (points @ w - targets) / len(targets)


def draw_orders(epochs: int = 100, seed: int = 0) -> np.ndarray:
    """The order of the points in each epoch, drawn at random: `(epochs, 5)` integers.

    Example:
      >>> draw_orders(epochs=1).tolist()
      [[2, 4, 3, 0, 1]]
    """
    rng = np.random.default_rng(seed)
    return np.stack([rng.permutation(len(POINTS)) for _ in range(epochs)])


def batches(orders: np.ndarray, batch_size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Points and targets of each step; the last batch of an epoch holds what is left.

    Example:
      >>> [len(targets) for _, targets in batches(np.array([[0, 1, 2, 3, 4]]), 2)]
      [2, 2, 1]
    """
    for order in orders:
        for start in range(0, len(order), batch_size):
            chosen = order[start : start + batch_size]
            yield POINTS[chosen], TARGETS[chosen]


def sgd(
    w: np.ndarray,
    orders: np.ndarray,
    *,
    learning_rate: float = 0.01,
    batch_size: int = 2,
    factor: float = 2.0,
) -> Iterator[np.ndarray]:
    """Stochastic gradient descent: w ← w − η·g.

    Args:
      w: the weights to start from, `(2,)`.
      orders: the order of the points in each epoch, `(epochs, 5)`.
      learning_rate: η.
      batch_size: points in a step.
      factor: as in `gradient`.

    Example:
      >>> next(sgd(np.zeros(2), draw_orders(), batch_size=5)).round(6).tolist()
      [0.62, 0.8]
    """
    for points, targets in batches(orders, batch_size):
        w = w - learning_rate * gradient(w, points, targets, factor)
        yield w


def rmsprop(
    w: np.ndarray,
    orders: np.ndarray,
    *,
    learning_rate: float = 0.01,
    batch_size: int = 5,
    decay: float = 0.9,
    eps: float = 1e-8,
    eps_in_sqrt: bool = True,
    factor: float = 2.0,
) -> Iterator[np.ndarray]:
    """RMSProp: v ← β·v + (1−β)·g², w ← w − η·g/√(v+ε).

    Args:
      w, orders, learning_rate, batch_size, factor: as in `sgd`.
      decay: β.
      eps: ε.
      eps_in_sqrt: False for w ← w − η·g/(√v+ε), which the lecture's program has, and PyTorch.

    Example:
      >>> next(rmsprop(np.zeros(2), draw_orders())).round(6).tolist()
      [0.031623, 0.031623]
    """
    v = np.zeros_like(w)
    for points, targets in batches(orders, batch_size):
        g = gradient(w, points, targets, factor)
        v = decay * v + (1 - decay) * g**2
        root = np.sqrt(v + eps) if eps_in_sqrt else np.sqrt(v) + eps
        w = w - learning_rate * g / root
        yield w


def adam(
    w: np.ndarray,
    orders: np.ndarray,
    *,
    learning_rate: float = 0.01,
    batch_size: int = 5,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    factor: float = 2.0,
) -> Iterator[np.ndarray]:
    """Adam: m ← β₁·m + (1−β₁)·g, v ← β₂·v + (1−β₂)·g², w ← w − η·m̂/(√v̂+ε).

    Both are freed of their bias, m̂ = m/(1−β₁ᵗ) and v̂ = v/(1−β₂ᵗ); in the lecture's formula, not in
    its program, the first power is a 2.

    Args:
      w, orders, learning_rate, batch_size, factor: as in `sgd`.
      b1: β₁.
      b2: β₂.
      eps: ε.

    Example:
      >>> next(adam(np.zeros(2), draw_orders())).round(6).tolist()
      [0.01, 0.01]
    """
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t, (points, targets) in enumerate(batches(orders, batch_size), start=1):
        g = gradient(w, points, targets, factor)
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        w = w - learning_rate * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)
        yield w


def main() -> None:
    """Prints the loss that each program reaches in 100 epochs, by the size of the gradient.

    Half of it is what the lecture prints: the adaptive programs do not notice. At a millionth, what
    RMSProp does hangs on the place of its ε.
    """
    start = np.random.default_rng(0).normal(size=2)
    factors = {"gradient": 2.0, "half of it": 1.0, "a millionth": 2e-6}
    print(f"{'loss after 100 epochs':<24}{'steps':>6}", *(f"{words:>14}" for words in factors))
    for name, program, settings in [
        ("SGD, batches of 2", sgd, {}),
        ("RMSProp, √(v+ε)", rmsprop, {}),
        ("RMSProp, √v+ε", rmsprop, {"eps_in_sqrt": False}),
        ("Adam", adam, {}),
    ]:
        paths = [[*program(start, draw_orders(), factor=f, **settings)] for f in factors.values()]
        print(f"{name:<24}{len(paths[0]):>6}", *(f"{loss(path[-1]):>14.4f}" for path in paths))


if __name__ == "__main__":
    main()
