"""The optimisers: chains of transformations that end with the learning rate.

`learning_rate` is a number, an array (also a traced one), or a schedule `step -> rate`.
"""

from typing import Any

from jax.typing import ArrayLike, DTypeLike

from jaxnn.optim.combine import chain, identity
from jaxnn.optim.moments import scale_by_adam, scale_by_amsgrad
from jaxnn.optim.rms import scale_by_rms, scale_by_rss, scale_by_stddev
from jaxnn.optim.transforms import (
    ScalarOrSchedule,
    add_decayed_weights,
    scale_by_learning_rate,
    trace,
)
from jaxnn.typing import GradientTransformation


def sgd(
    learning_rate: ScalarOrSchedule,
    momentum: ArrayLike | None = None,
    nesterov: bool = False,
    accumulator_dtype: DTypeLike | None = None,
) -> GradientTransformation:
    """Stochastic gradient descent: u = −η·g, or with momentum m ← g + μ·m, u = −η·m.

    Args:
      learning_rate: η.
      momentum: μ, in [0, 1]; none unless given.
      nesterov: whether u = −η·(g + μ·m).
      accumulator_dtype: dtype of m; the parameters' unless given.

    Returns:
      The optimiser.

    Raises:
      TypeError: if `learning_rate` is no number, array or schedule.
      ValueError: if `momentum` is outside its range.

    Robbins, Monro, "A stochastic approximation method" (1951). Momentum is that of `trace`.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jaxnn import optim
      >>> optimizer, x = optim.sgd(0.1, momentum=0.5), jnp.array([1.0, -2.0])
      >>> state = optimizer.init(x)
      >>> for _ in range(50):
      ...     updates, state = optimizer.update(jax.grad(lambda x: jnp.sum(x**2))(x), state)
      ...     x = optim.apply_updates(x, updates)
      >>> bool(jnp.all(jnp.abs(x) < 1e-6))
      True
    """
    accumulate = identity() if momentum is None else trace(momentum, nesterov, accumulator_dtype)
    return chain(accumulate, scale_by_learning_rate(learning_rate))


def rmsprop(
    learning_rate: ScalarOrSchedule,
    decay: ArrayLike = 0.9,
    eps: ArrayLike = 1e-8,
    initial_scale: ArrayLike = 0.0,
    eps_in_sqrt: bool = True,
    centered: bool = False,
    momentum: ArrayLike | None = None,
    nesterov: bool = False,
    bias_correction: bool = False,
) -> GradientTransformation:
    """RMSProp: v ← β·v + (1−β)·g², u = −η·g/√(v+ε).

    Args:
      learning_rate: η.
      decay: β, in [0, 1].
      eps: ε, at least 0.
      initial_scale: v before the first step, at least 0.
      eps_in_sqrt: whether ε stands inside the root; outside in PyTorch.
      centered: whether the mean of gradients is subtracted, as in `scale_by_stddev`.
      momentum: μ of a `trace` of the updates, learning rate included; none unless given.
      nesterov: whether that momentum has Nesterov's form.
      bias_correction: whether v is divided by 1−βᵗ.

    Returns:
      The optimiser.

    Raises:
      TypeError: if `learning_rate` is no number, array or schedule.
      ValueError: if a number is outside its range.

    Tieleman, Hinton, "Lecture 6.5: RMSProp" (2012).

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxnn import optim
      >>> optimizer = optim.rmsprop(0.1, decay=0.75)
      >>> optimizer.update(jnp.array([1.0, -4.0]), optimizer.init(jnp.zeros(2)))[0]
      Array([-0.2,  0.2], dtype=float32)
    """
    scale_by_size = scale_by_stddev if centered else scale_by_rms
    return chain(
        scale_by_size(decay, eps, initial_scale, eps_in_sqrt, bias_correction),
        scale_by_learning_rate(learning_rate),
        identity() if momentum is None else trace(momentum, nesterov),
    )


def adagrad(
    learning_rate: ScalarOrSchedule,
    initial_accumulator_value: ArrayLike = 0.1,
    eps: ArrayLike = 1e-7,
) -> GradientTransformation:
    """Adagrad: s ← s + g², u = −η·g/√(s+ε).

    Args:
      learning_rate: η.
      initial_accumulator_value: s before the first step, at least 0.
      eps: ε, at least 0.

    Returns:
      The optimiser.

    Raises:
      TypeError, ValueError: as `rmsprop`.

    Duchi, Hazan, Singer, "Adaptive subgradient methods" (2011).

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxnn import optim
      >>> optimizer = optim.adagrad(0.1, initial_accumulator_value=0.0)
      >>> optimizer.update(jnp.array([1.0, -4.0]), optimizer.init(jnp.zeros(2)))[0]
      Array([-0.1,  0.1], dtype=float32)
    """
    return chain(
        scale_by_rss(initial_accumulator_value, eps), scale_by_learning_rate(learning_rate)
    )


def adam(
    learning_rate: ScalarOrSchedule,
    b1: ArrayLike = 0.9,
    b2: ArrayLike = 0.999,
    eps: ArrayLike = 1e-8,
    eps_root: ArrayLike = 0.0,
    mu_dtype: DTypeLike | None = None,
    *,
    nesterov: bool = False,
) -> GradientTransformation:
    """Adam: u = −η·m̂/(√(v̂+ε_root)+ε), the moments as in `scale_by_adam`.

    Args:
      learning_rate: η.
      b1: β₁, in [0, 1).
      b2: β₂, in [0, 1).
      eps: ε, outside the root, at least 0.
      eps_root: ε_root, inside the root, at least 0.
      mu_dtype: dtype of m; the parameters' unless given.
      nesterov: whether to use Nesterov's form, as `nadam` does.

    Returns:
      The optimiser.

    Raises:
      TypeError: if `learning_rate` is no number, array or schedule.
      ValueError: if a number is outside its range.

    Kingma, Ba, "Adam: a method for stochastic optimization" (2015).

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxnn import optim
      >>> optimizer = optim.adam(0.1)
      >>> optimizer.update(jnp.array([1.0, -4.0]), optimizer.init(jnp.zeros(2)))[0]
      Array([-0.1,  0.1], dtype=float32)
    """
    return chain(
        scale_by_adam(b1, b2, eps, eps_root, mu_dtype, nesterov=nesterov),
        scale_by_learning_rate(learning_rate),
    )


def adamw(
    learning_rate: ScalarOrSchedule,
    b1: ArrayLike = 0.9,
    b2: ArrayLike = 0.999,
    eps: ArrayLike = 1e-8,
    eps_root: ArrayLike = 0.0,
    mu_dtype: DTypeLike | None = None,
    weight_decay: ScalarOrSchedule = 1e-4,
    mask: Any = None,
    *,
    nesterov: bool = False,
) -> GradientTransformation:
    """Adam with decoupled weight decay: u = −η·(m̂/(√(v̂+ε_root)+ε) + λ·θ).

    Args:
      learning_rate: η.
      b1, b2, eps, eps_root, mu_dtype: as in `adam`.
      weight_decay: λ, a number, an array, or a schedule `step -> λ`.
      mask: which parameters decay, as in `masked`; all of them unless given.
      nesterov: whether to use Nesterov's form.

    Returns:
      The optimiser, whose `update` needs the parameters.

    Raises:
      TypeError, ValueError: as `adam`; and from `update`, without parameters.

    Loshchilov, Hutter, "Decoupled weight decay regularization" (2019).

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxnn import optim
      >>> optimizer = optim.adamw(0.1, weight_decay=0.5)
      >>> params = jnp.array([2.0, 0.0])
      >>> optimizer.update(jnp.array([1.0, -4.0]), optimizer.init(params), params)[0]
      Array([-0.2,  0.1], dtype=float32)
    """
    return chain(
        scale_by_adam(b1, b2, eps, eps_root, mu_dtype, nesterov=nesterov),
        add_decayed_weights(weight_decay, mask),
        scale_by_learning_rate(learning_rate),
    )


def amsgrad(
    learning_rate: ScalarOrSchedule,
    b1: ArrayLike = 0.9,
    b2: ArrayLike = 0.999,
    eps: ArrayLike = 1e-8,
    eps_root: ArrayLike = 0.0,
    mu_dtype: DTypeLike | None = None,
    bias_correction_mu: bool = True,
    bias_correction_nu: bool = True,
) -> GradientTransformation:
    """AMSGrad: Adam over the largest second moment so far, u = −η·m̂/(√(v_max+ε_root)+ε).

    Args:
      learning_rate: η.
      b1, b2, eps, eps_root, mu_dtype: as in `adam`.
      bias_correction_mu: whether m is divided by 1−β₁ᵗ.
      bias_correction_nu: whether v is divided by 1−β₂ᵗ.

    Returns:
      The optimiser.

    Raises:
      TypeError, ValueError: as `adam`.

    Reddi, Kale, Kumar, "On the convergence of Adam and beyond" (2018).

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxnn import optim
      >>> optimizer = optim.amsgrad(0.1)
      >>> optimizer.update(jnp.array([1.0, -4.0]), optimizer.init(jnp.zeros(2)))[0]
      Array([-0.1,  0.1], dtype=float32)
    """
    return chain(
        scale_by_amsgrad(b1, b2, eps, eps_root, mu_dtype, bias_correction_mu, bias_correction_nu),
        scale_by_learning_rate(learning_rate),
    )


def nadam(
    learning_rate: ScalarOrSchedule,
    b1: ArrayLike = 0.9,
    b2: ArrayLike = 0.999,
    eps: ArrayLike = 1e-8,
    eps_root: ArrayLike = 0.0,
    mu_dtype: DTypeLike | None = None,
    *,
    nesterov: bool = True,
) -> GradientTransformation:
    """Adam with Nesterov's momentum: m̂ = β₁·m/(1−β₁ᵗ⁺¹) + (1−β₁)·g/(1−β₁ᵗ), else as `adam`.

    Args:
      learning_rate: η.
      b1, b2, eps, eps_root, mu_dtype: as in `adam`.
      nesterov: False gives `adam`.

    Returns:
      The optimiser.

    Raises:
      TypeError, ValueError: as `adam`.

    Dozat, "Incorporating Nesterov momentum into Adam" (2016).

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxnn import optim
      >>> optimizer = optim.nadam(0.1)
      >>> updates, state = optimizer.update(jnp.array([1.0, -4.0]), optimizer.init(jnp.zeros(2)))
      >>> [round(float(u), 4) for u in updates]
      [-0.1474, 0.1474]
    """
    return adam(learning_rate, b1, b2, eps, eps_root, mu_dtype, nesterov=nesterov)
