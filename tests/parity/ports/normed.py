"""Normalisation, dropout and standardisation, with the constants and axes that ports get wrong."""

import jax
import jax.numpy as jnp
import numpy as np
import torch
from flax import linen, nnx
from torch import nn
from torch.nn import functional

from jaxnn import activations, layers
from tests.parity.ports.port import Mutant, Pair, Port, constants, wrong
from tests.parity.right_pairs import lively, normal


class BatchNorm(linen.Module):
    """Batch norm as PyTorch has it, by hand: Flax's keeps the biased variance."""

    momentum: float = 0.9
    epsilon: float = 1e-5
    correction: int = 1
    root: object = lambda variance, epsilon: jnp.sqrt(variance + epsilon)

    @linen.compact
    def __call__(self, x, use_running_average):
        size, zeros, ones = (x.shape[-1],), linen.initializers.zeros, linen.initializers.ones
        scale, bias = self.param("scale", ones, size), self.param("bias", zeros, size)
        running_mean = self.variable("batch_stats", "mean", jnp.zeros, size)
        running_var = self.variable("batch_stats", "var", jnp.ones, size)
        mean, variance = running_mean.value, running_var.value
        if not use_running_average:
            mean, variance = jnp.mean(x, 0), jnp.var(x, 0)
        if not use_running_average and not self.is_initializing():
            unbiased = jnp.var(x, 0, ddof=self.correction)
            m = self.momentum
            running_mean.value = m * running_mean.value + (1 - m) * mean
            running_var.value = m * running_var.value + (1 - m) * unbiased
        return (x - mean) / self.root(variance, self.epsilon) * scale + bias


def epsilon_outside(variance, epsilon):
    return jnp.sqrt(variance) + epsilon


class LinenBatchNormNet(linen.Module):
    norm: object = BatchNorm
    settings: tuple = ()
    use_running_average: bool = False
    activation: object = linen.relu
    use_bias: bool = True

    @linen.compact
    def __call__(self, x, train):
        x = linen.Dense(6, use_bias=self.use_bias)(x)
        norm = self.norm(**dict(self.settings), name="norm")
        x = self.activation(norm(x, self.use_running_average or not train))
        return linen.Dense(3)(x)


class BatchNormNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(5, 6)
        self.bn = nn.BatchNorm1d(6)
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        return self.head(functional.relu(self.bn(self.fc(x))))


def batch_norm_in_training_in_linen(
    *, seed=0, scale=1.0, momentum=0.9, epsilon=1e-5, correction=1, **settings
) -> Pair:
    given = {"momentum": momentum, "epsilon": epsilon}
    if settings.get("norm", BatchNorm) is BatchNorm:
        given |= {"correction": correction}
        if outside := settings.pop("root", None):
            given |= {"root": outside}
    ours = LinenBatchNormNet(settings=tuple(given.items()), **settings)
    x = normal(8, 5, scale=scale, seed=seed)
    return ours, lively(BatchNormNet()), x, {"train": True, "seed": seed}


BATCH_NORM = Port(
    batch_norm_in_training_in_linen,
    (
        *constants(
            "batch-norm-momentum", "statistic norm/mean", "momentum", 0.1, 0.99, 0.95, 0.999, 0.8,
            recovered=lambda m: 1 - m,
        ),
        *wrong("batch-norm-running-variance", "statistic norm/var", "correction", 0),
        *wrong("batch-norm-running-variance", "statistic norm/var", "norm", linen.BatchNorm),
        *constants("normalization-epsilon", "layer norm", "epsilon", 1e-3, 1e-6, 3e-6, 1e-8, 1e-2),
        *wrong("normalization-epsilon", "layer norm", "root", epsilon_outside),
        *wrong("batch-norm-mode", "layer norm", "use_running_average", True),
        *wrong("activation-different", "layer Dense_1", "activation", linen.gelu, linen.tanh),
        *wrong("activation-missing", "layer Dense_1", "activation", lambda x: x),
        *wrong("bias-missing", "layer Dense_0", "use_bias", False),
    ),
)  # fmt: skip


class NnxBatchNormNet(nnx.Module):
    def __init__(self, epsilon, of_the_batch, use_bias, use_scale, rngs):
        self.conv = nnx.Linear(5, 6, rngs=rngs)
        self.norm = nnx.BatchNorm(
            6, epsilon=epsilon, use_bias=use_bias, use_scale=use_scale, rngs=rngs
        )
        self.of_the_batch = of_the_batch
        self.head = nnx.Linear(6, 3, rngs=rngs)

    def __call__(self, x):
        x = self.norm(self.conv(x), use_running_average=not self.of_the_batch)
        return self.head(nnx.relu(x))


def batch_norm_in_evaluation_in_nnx(
    *, seed=0, scale=1.0, epsilon=1e-5, of_the_batch=False, use_bias=True, use_scale=True
) -> Pair:
    ours = NnxBatchNormNet(epsilon, of_the_batch, use_bias, use_scale, nnx.Rngs(seed))
    return ours, lively(BatchNormNet()), normal(8, 5, scale=scale, seed=seed), {"seed": seed}


BATCH_NORM_EVALUATION = Port(
    batch_norm_in_evaluation_in_nnx,
    (
        *constants("normalization-epsilon", "layer norm", "epsilon", 1e-3, 1e-6, 3e-6, 1.1e-5),
        *wrong("batch-norm-mode", "layer norm", "of_the_batch", True),
        *wrong("bias-missing", "layer norm", "use_bias", False),
        *wrong("scale-missing", "layer norm", "use_scale", False),
    ),
)


def batch_norm_and_dropout_in_jaxnn(
    *, seed=0, scale=1.0, momentum=0.1, epsilon=1e-5, rate=0.2, scaled=True, drops=True
) -> Pair:
    def rescaled(x):
        return x * (1 - rate)

    drop = [layers.dropout(rate)] if drops else []
    if not scaled:
        drop += [layers.activation(rescaled)]
    ours = layers.serial(
        layers.dense(5, 6),
        layers.batch_norm(6, momentum=momentum, epsilon=epsilon),
        layers.activation(activations.silu),
        *drop,
        layers.dense(6, 3),
    )
    theirs = nn.Sequential(
        nn.Linear(5, 6), nn.BatchNorm1d(6), nn.SiLU(), nn.Dropout(0.2), nn.Linear(6, 3)
    )
    x = normal(16, 5, scale=scale, seed=seed)
    return ours, lively(theirs), x, {"train": True, "seed": seed}


JAXNN_NORM = Port(
    batch_norm_and_dropout_in_jaxnn,
    (
        *constants("batch-norm-momentum", "statistic 1/batch_norm/mean", "momentum", 0.9, 0.01),
        *constants("normalization-epsilon", "layer 1/batch_norm", "epsilon", 1e-3, 1e-6, 2e-5),
        *wrong("dropout-rate-complement", "layer 3/dropout", "rate", 0.8),
        *wrong("dropout-rate", "layer 3/dropout", "rate", 0.5, 0.25),
        # the rescaling is a layer of its own, which PyTorch has not: it shows behind the next
        *wrong("dropout-scaling", "layer 5/dense", "scaled", False),
        *wrong("dropout-mode", "layer 3/dense", "drops", False),
    ),
)


class ResidualNet(nn.Module):
    """Pre-norm residual blocks over tokens."""

    def __init__(self, depth=2):
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(6) for _ in range(depth))
        self.mixes = nn.ModuleList(nn.Linear(6, 6) for _ in range(depth))

    def forward(self, x):
        for norm, mix in zip(self.norms, self.mixes, strict=True):
            x = x + functional.gelu(mix(norm(x)))
        return x


class NnxResidualNet(nnx.Module):
    def __init__(self, epsilons, axes, use_bias, use_scale, activation, rngs):
        norm = lambda epsilon, axes, bias, scale: nnx.LayerNorm(
            6, epsilon=epsilon, reduction_axes=axes, use_bias=bias, use_scale=scale, rngs=rngs
        )
        norms = map(norm, epsilons, axes, use_bias, use_scale)
        self.norms = nnx.List([*norms])
        self.mixes = nnx.List([nnx.Linear(6, 6, rngs=rngs) for _ in epsilons])
        self.activation = activation

    def __call__(self, x):
        for norm, mix in zip(self.norms, self.mixes, strict=True):
            x = x + self.activation(mix(norm(x)))
        return x


def exact_gelu(x):
    return jax.nn.gelu(x, approximate=False)


def layer_norm_residuals_in_nnx(
    *, seed=0, scale=1.0, epsilons=(1e-5, 1e-5), axes=(-1, -1), use_bias=(True, True),
    use_scale=(True, True), activation=exact_gelu,
) -> Pair:  # fmt: skip
    ours = NnxResidualNet(epsilons, axes, use_bias, use_scale, activation, nnx.Rngs(seed))
    x = normal(4, 5, 6, scale=scale, seed=seed)
    return ours, lively(ResidualNet()), x, {"seed": seed}


def epsilon_in(place, position, *epsilons):
    pair = lambda epsilon: (epsilon, 1e-5) if position == 0 else (1e-5, epsilon)
    return tuple(
        Mutant({"epsilons": pair(e)}, "normalization-epsilon", place, constant=e) for e in epsilons
    )


LAYER_NORM = Port(
    layer_norm_residuals_in_nnx,
    (
        *epsilon_in("layer norms/0", 0, 1e-6, 3e-6, 1e-3, 1e-12, 1.0001e-5),
        *epsilon_in("layer norms/1", 1, 1e-6, 1e-8, 5e-6, 1e-2),
        *wrong("normalization-axis", "layer norms/0", "axes", ((0,), -1), ((1,), -1)),
        *wrong("normalization-axis", "layer norms/1", "axes", (-1, (1, 2)), (-1, (0, 1))),
        *wrong("bias-missing", "layer norms/0", "use_bias", (False, True)),
        *wrong("bias-missing", "layer norms/1", "use_bias", (True, False)),
        *wrong("scale-missing", "layer norms/1", "use_scale", (True, False)),
        *wrong("gelu-approximation", "layer norms/1", "activation", nnx.gelu),
        *wrong("activation-different", "layer norms/1", "activation", nnx.relu, nnx.silu),
    ),
)


class LinenDropoutNet(linen.Module):
    rate: float = 0.3
    deterministic: bool | None = None
    kept: float = 1.0
    activation: object = linen.relu
    last_bias: bool = True

    @linen.compact
    def __call__(self, x, train):
        x = self.activation(linen.Dense(12)(x))
        fixed = self.deterministic
        x = linen.Dropout(self.rate, deterministic=not train if fixed is None else fixed)(x)
        return linen.Dense(3, use_bias=self.last_bias)(x * self.kept)


class DropoutNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(5, 12)
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(12, 3)

    def forward(self, x):
        return self.head(self.drop(torch.relu(self.hidden(x))))


def dropout_in_training_in_linen(*, seed=0, scale=1.0, **settings) -> Pair:
    x = normal(8, 5, scale=scale, seed=seed)
    return LinenDropoutNet(**settings), DropoutNet(), x, {"train": True, "seed": seed}


DROPOUT = Port(
    dropout_in_training_in_linen,
    (
        *wrong("dropout-rate-complement", "layer Dropout_0", "rate", 0.7),
        *wrong("dropout-rate", "layer Dropout_0", "rate", 0.5, 0.1, 0.35),
        *wrong("dropout-mode", "layer Dropout_0", "deterministic", True),
        *wrong("dropout-scaling", "layer Dense_1", "kept", 0.7),
        *wrong("activation-different", "layer Dropout_0", "activation", linen.elu, linen.gelu),
        *wrong("activation-missing", "layer Dropout_0", "activation", lambda x: x),
        *wrong("bias-missing", "layer Dense_1", "last_bias", False),
    ),
)


def dropout_in_evaluation_in_linen(*, seed=0, scale=1.0, **settings) -> Pair:
    x = normal(8, 5, scale=scale, seed=seed)
    return LinenDropoutNet(**settings), DropoutNet(), x, {"train": False, "seed": seed}


DROPOUT_EVALUATION = Port(
    dropout_in_evaluation_in_linen,
    (
        *wrong("dropout-mode", "layer Dropout_0", "deterministic", False),
        *wrong("dropout-scaling", "layer Dense_1", "kept", 0.7),
        *wrong("activation-different", "layer Dropout_0", "activation", linen.silu),
    ),
)


class StandardisedNet(nn.Module):
    """Features standardised over the batch by hand, then each example over its features."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 6)
        self.head = nn.Linear(6, 2)

    def forward(self, x):
        x = (x - x.mean(dim=0)) / (x.std(dim=0) + 1e-3)
        x = torch.tanh(self.fc(x))
        variance = x.var(dim=-1, keepdim=True)
        x = (x - x.mean(dim=-1, keepdim=True)) / torch.sqrt(variance + 1e-5)
        return self.head(x)


def standardisation_of_functions(
    *, seed=0, scale=1.0, ddof_std=1, ddof_var=1, small=1e-3, epsilon=1e-5, activation=jnp.tanh
) -> Pair:
    def ours(params, x):
        x = (x - jnp.mean(x, 0)) / (jnp.std(x, 0, ddof=ddof_std) + small)
        x = activation(x @ params["fc"]["w"] + params["fc"]["b"])
        variance = jnp.var(x, -1, ddof=ddof_var, keepdims=True)
        x = (x - jnp.mean(x, -1, keepdims=True)) / jnp.sqrt(variance + epsilon)
        return x @ params["head"]["w"] + params["head"]["b"]

    params = {
        "fc": {"w": normal(6, 6, seed=seed + 1), "b": normal(6, seed=seed + 2)},
        "head": {"w": normal(6, 2, seed=seed + 3), "b": normal(2, seed=seed + 4)},
    }
    x = normal(8, 6, scale=scale, seed=seed) + np.float32(3 * scale)
    return ours, StandardisedNet(), x, {"params": params, "seed": seed}


STANDARDISED = Port(
    standardisation_of_functions,
    (
        *wrong("variance-correction", "output output", "ddof_std", 0, module=""),
        *wrong("variance-correction", "output output", "ddof_var", 0, module=""),
        *constants(
            "normalization-epsilon", "output output", "small", 1e-5, 1e-6, 1e-8, 1e-2, module=""
        ),
        *constants(
            "normalization-epsilon", "output output", "epsilon", 1e-6, 1e-3, 3e-6, 1e-8, module=""
        ),
        *wrong(
            "activation-different", "output output", "activation", jax.nn.relu, jax.nn.gelu,
            module="",
        ),
    ),
)  # fmt: skip

PORTS = (
    BATCH_NORM,
    BATCH_NORM_EVALUATION,
    JAXNN_NORM,
    LAYER_NORM,
    DROPOUT,
    DROPOUT_EVALUATION,
    STANDARDISED,
)
