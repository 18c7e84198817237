"""Programs that end in a loss over real numbers or distributions."""

import jax
import jax.numpy as jnp
import optax
import torch
from flax import linen, nnx
from torch import nn
from torch.nn import functional

from tests.parity.ports.functions import identity
from tests.parity.ports.port import Pair, Port, constants, wrong
from tests.parity.right_pairs import normal

OUTPUT = "output output"


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(8, 3)
        self.decoder = nn.Linear(3, 8)

    def forward(self, x):
        reconstruction = torch.sigmoid(self.decoder(functional.relu(self.encoder(x))))
        return functional.mse_loss(reconstruction, x)


class LinenAutoencoder(linen.Module):
    loss: object = optax.squared_error
    reduction: object = jnp.mean
    code: object = linen.relu
    last: object = linen.sigmoid
    has_bias: bool = True

    @linen.compact
    def __call__(self, x):
        code = self.code(linen.Dense(3, use_bias=self.has_bias)(x))
        reconstruction = self.last(linen.Dense(8)(code))
        return self.reduction(self.loss(reconstruction, x))


def sum_over_pixels(losses):
    return jnp.mean(jnp.sum(losses, axis=-1))


def per_example(losses):
    return jnp.mean(losses, axis=-1)


def autoencoder_in_linen(*, seed=0, scale=1.0, **settings) -> Pair:
    x = normal(6, 8, scale=scale, seed=seed)
    return LinenAutoencoder(**settings), Autoencoder(), x, {"seed": seed}


AUTOENCODER = Port(
    autoencoder_in_linen,
    (
        *wrong("loss-reduction", OUTPUT, "reduction", jnp.sum, sum_over_pixels, per_example),
        *wrong("loss-constant-factor", OUTPUT, "loss", optax.l2_loss),
        *wrong("activation-different", "layer Dense_1", "code", linen.gelu, linen.softplus),
        *wrong("activation-different", OUTPUT, "last", linen.tanh),
        *wrong("activation-missing", OUTPUT, "last", identity),
        *wrong("activation-missing", "layer Dense_1", "code", identity),
        *wrong("bias-missing", "layer Dense_0", "has_bias", False),
    ),
)


class Regressor(nn.Module):
    def __init__(self, loss):
        super().__init__()
        self.fc1 = nn.Linear(5, 6)
        self.fc2 = nn.Linear(6, 1)
        self.loss = loss

    def forward(self, x, targets):
        return self.loss(self.fc2(functional.elu(self.fc1(x))).squeeze(-1), targets)


class NnxRegressor(nnx.Module):
    def __init__(self, loss, alpha, has_bias, rngs):
        self.fc1 = nnx.Linear(5, 6, rngs=rngs)
        self.fc2 = nnx.Linear(6, 1, use_bias=has_bias, rngs=rngs)
        self.loss, self.alpha = loss, alpha

    def __call__(self, x, targets):
        predictions = self.fc2(nnx.elu(self.fc1(x), self.alpha))
        return self.loss(jnp.squeeze(predictions, -1), targets)


def regression(seed, scale, loss, theirs, alpha, has_bias):
    ours = NnxRegressor(loss, alpha, has_bias, nnx.Rngs(seed))
    inputs = normal(8, 5, scale=scale, seed=seed), normal(8, scale=2 * scale, seed=[seed, 1])
    return ours, Regressor(theirs), inputs, {"seed": seed}


def huber_in_nnx(
    *, seed=0, scale=1.0, delta=0.5, divided=False, reduction=jnp.mean, alpha=1.0, has_bias=True
) -> Pair:
    def loss(predictions, targets):
        losses = optax.huber_loss(predictions, targets, delta=delta)
        return reduction(losses / delta if divided else losses)

    theirs = nn.HuberLoss(delta=0.5)
    return regression(seed, scale, loss, theirs, alpha, has_bias)


HUBER = Port(
    huber_in_nnx,
    (
        *wrong("huber-scaling", OUTPUT, "divided", True),
        *constants("huber-scaling", OUTPUT, "delta", 1.0, 0.1, 0.55),
        *wrong("loss-reduction", OUTPUT, "reduction", jnp.sum, identity),
        *constants("elu-alpha", "layer fc2", "alpha", 0.5, 1.2),
        *wrong("bias-missing", "layer fc2", "has_bias", False),
    ),
)


def smooth_l1_in_nnx(
    *, seed=0, scale=1.0, beta=0.3, divided=True, reduction=jnp.mean, factor=1.0, alpha=1.0
) -> Pair:
    def loss(predictions, targets):
        losses = optax.huber_loss(predictions, targets, delta=beta)
        return factor * reduction(losses / beta if divided else losses)

    return regression(seed, scale, loss, nn.SmoothL1Loss(beta=0.3), alpha, True)


SMOOTH_L1 = Port(
    smooth_l1_in_nnx,
    (
        *wrong("huber-scaling", OUTPUT, "divided", False),
        *constants("huber-scaling", OUTPUT, "beta", 1.0, 0.1),
        *wrong("loss-reduction", OUTPUT, "reduction", jnp.sum),
        *wrong("loss-constant-factor", OUTPUT, "factor", 0.5),
        *constants("elu-alpha", "layer fc2", "alpha", 0.9),
    ),
)


class Student(nn.Module):
    """Learns a teacher's probabilities at a temperature."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(6, 4)

    def forward(self, x, teacher):
        logs = functional.log_softmax(self.head(x) / 2.0, dim=-1)
        return functional.kl_div(logs, functional.softmax(teacher / 2.0, -1), reduction="batchmean")


def student_first(logs, targets):
    """KL(student ‖ teacher) where PyTorch has KL(teacher ‖ student)."""
    return jnp.sum(jnp.exp(logs) * (logs - jnp.log(targets)), axis=-1)


def teacher_first(logs, targets):
    return jnp.sum(targets * (jnp.log(targets) - logs), axis=-1)


def distillation_of_functions(
    *, seed=0, scale=1.0, divergence=teacher_first, reduction=jnp.mean, axis=-1, temperature=2.0,
    factor=1.0, has_bias=True,
) -> Pair:  # fmt: skip
    def ours(params, x, teacher):
        logits = x @ params["head"]["w"]
        logits = logits + params["head"]["b"] if has_bias else logits
        logs = jax.nn.log_softmax(logits / temperature, axis=axis)
        return factor * reduction(divergence(logs, jax.nn.softmax(teacher / 2.0, axis=-1)))

    head = {"w": normal(6, 4, scale=0.4, seed=[seed, 1]), "b": normal(4, seed=[seed, 2])}
    inputs = normal(5, 6, scale=scale, seed=seed), normal(5, 4, seed=[seed, 3])
    return ours, Student(), inputs, {"params": {"head": head}, "seed": seed}


def mean_over_classes(losses):
    """What PyTorch's default reduction does."""
    return jnp.mean(losses) / 4


DISTILLATION = Port(
    distillation_of_functions,
    (
        *wrong("kl-arguments", OUTPUT, "divergence", student_first, module=""),
        *wrong(
            "loss-reduction", OUTPUT, "reduction", mean_over_classes, jnp.sum, module="",
            also=("kl-arguments",), reason="differences.md has batchmean under kl-arguments too",
        ),
        *wrong("softmax-axis", OUTPUT, "axis", 0, module=""),
        *wrong("loss-constant-factor", OUTPUT, "factor", 2.0, 0.5, module=""),
        *wrong("bias-missing", OUTPUT, "has_bias", False, module="head"),
        *constants("attention-scale", OUTPUT, "temperature", 1.0, 4.0, module=""),
    ),
)  # fmt: skip


class Vae(nn.Module):
    """Its mean and log variance, the sample with given noise, and both terms of the loss."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(6, 5)
        self.mean = nn.Linear(5, 2)
        self.log_variance = nn.Linear(5, 2)
        self.decoder = nn.Linear(2, 6)

    def forward(self, x, noise):
        h = torch.tanh(self.encoder(x))
        mean, log_variance = self.mean(h), self.log_variance(h)
        z = mean + torch.exp(0.5 * log_variance) * noise
        reconstruction = functional.mse_loss(self.decoder(z), x, reduction="sum") / len(x)
        divergence = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
        return reconstruction + divergence / len(x)


class LinenVae(linen.Module):
    activation: object = jnp.tanh
    order: tuple = ("mean", "log_variance")
    loss: object = optax.squared_error
    reduction: object = sum_over_pixels
    has_bias: bool = True

    def setup(self):
        self.encoder, self.decoder = linen.Dense(5), linen.Dense(6, use_bias=self.has_bias)
        self.mean, self.log_variance = linen.Dense(2), linen.Dense(2)

    def __call__(self, x, noise):
        h = self.activation(self.encoder(x))
        mean, log_variance = (getattr(self, name)(h) for name in self.order)
        z = mean + jnp.exp(0.5 * log_variance) * noise
        reconstruction = self.reduction(self.loss(self.decoder(z), x))
        divergence = -0.5 * jnp.sum(1 + log_variance - mean**2 - jnp.exp(log_variance))
        return reconstruction + divergence / len(x)


def variational_autoencoder_in_linen(*, seed=0, scale=1.0, **settings) -> Pair:
    inputs = normal(4, 6, scale=scale, seed=seed), normal(4, 2, seed=[seed, 1])
    return LinenVae(**settings), Vae(), inputs, {"seed": seed}


VAE = Port(
    variational_autoencoder_in_linen,
    (
        *wrong("loss-constant-factor", OUTPUT, "loss", optax.l2_loss),
        *wrong("loss-reduction", OUTPUT, "reduction", jnp.sum),
        *wrong("activation-different", "layer mean", "activation", linen.relu, linen.silu),
        *wrong("activation-missing", "layer mean", "activation", identity),
        *wrong("parameters-permuted", "layer decoder", "order", ("log_variance", "mean")),
        *wrong("bias-missing", "layer decoder", "has_bias", False),
    ),
)

PORTS = (AUTOENCODER, HUBER, SMOOTH_L1, DISTILLATION, VAE)
