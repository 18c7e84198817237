"""Parameters and gradients that show what data of unit scale hide.

The place of ε shows at tiny gradients, a bound at large ones, momentum and decay where the gradient
is exactly 0; and what an average forgets shows when the scale changes from step to step.
"""

import numpy as np

SHAPES = {"first": {"bias": (5,), "kernel": (3, 5)}, "second": {"bias": (3,), "kernel": (5, 3)}}
"""Of the parameters of two layers."""

SCALES = (1.0, 1e-3, 0.0, 1e-6)
"""Of a whole gradient, another at each step and for each parameter."""

WITHIN = (1.0, 1.0, 1e-3, 1e-6)
"""Of single elements: an element that never has a large gradient shows ε in every step."""

SMALL, SMALL_EACH = 1e-3, 4
"""Some steps have small gradients alone, which no bound cuts."""

LARGE, LARGE_FIRST, LARGE_EACH = 100.0, 6, 6
"""Some steps have large gradients, which bounds cut. Not the first: they hide all that is small."""


def some_params(seed: int = 0) -> dict[str, dict[str, np.ndarray]]:
    """The parameters of two small layers."""
    draw = np.random.default_rng([seed, 3])
    return {
        layer: {
            name: 0.3 * draw.standard_normal(shape, np.float32) for name, shape in shapes.items()
        }
        for layer, shapes in SHAPES.items()
    }


def some_gradients(
    shapes: list[tuple[int, ...]], steps: int, seed: int = 0
) -> list[list[np.ndarray]]:
    """Gradients of each step for parameters of these shapes.

    Args:
      shapes: of the parameters.
      steps: how many.
      seed: of the draw.

    Example:
      >>> [float(np.abs(g[0]).max() > 0.1) for g in some_gradients([(50,)], 4)]
      [1.0, 0.0, 0.0, 0.0]
    """
    draw = np.random.default_rng([seed, 4])
    within = [_within(shape, draw) for shape in shapes]
    return [
        [
            (_scale(t, i) * scale * draw.standard_normal(scale.shape)).astype(np.float32)
            for i, scale in enumerate(within)
        ]
        for t in range(steps)
    ]


def _within(shape: tuple[int, ...], draw: np.random.Generator) -> np.ndarray:
    """Scales of single elements, 1 among them."""
    scales = draw.permutation(np.resize(WITHIN, int(np.prod(shape))))
    scales[:1] = 1.0
    return scales.reshape(shape)


def _scale(step: int, leaf: int) -> float:
    if step >= LARGE_FIRST and step % LARGE_EACH == 0:
        return LARGE
    small = SMALL if step % SMALL_EACH == SMALL_EACH - 1 else 1.0
    return small * SCALES[(step + leaf + step // len(SCALES)) % len(SCALES)]
