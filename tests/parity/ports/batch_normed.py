"""Batch norm: constants, running statistics, modes."""

import jax.numpy as jnp
from flax import linen, nnx
from torch import nn
from torch.nn import functional

from jaxnn import activations, layers
from tests.parity.ports.port import Pair, Port, constants, wrong
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


PORTS = (BATCH_NORM, BATCH_NORM_EVALUATION, JAXNN_NORM)
