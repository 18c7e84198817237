"""The pairs of `catalogue_variants` that differ in their loss, their optimiser, or their data."""

import jax
import jax.numpy as jnp
import torch

from benchmarks.catalogue_variants import Pair, Training, cross_entropy, of_losses, one_hot
from jaxnn import losses, optim
from jaxnn.activations import log_softmax, softmax
from jaxnn.optim import chain, scale, scale_by_learning_rate, trace
from jaxnn.typing import GradientTransformation
from torch_port import convert

WEIGHTS = jnp.linspace(0.5, 2.0, 10)


def weighted(outputs, labels):
    values = losses.softmax_cross_entropy(outputs, labels)
    return jnp.sum(WEIGHTS[labels] * values) / jnp.sum(WEIGHTS[labels])


def weighted_mean(outputs, labels):
    return jnp.mean(WEIGHTS[labels] * losses.softmax_cross_entropy(outputs, labels))


def but_zeros(count):
    """Cross-entropy without the zeros among the labels, over what is kept or over all."""

    def loss(outputs, labels):
        kept = labels != 0
        total = jnp.sum(kept * losses.softmax_cross_entropy(outputs, labels))
        return total / (jnp.sum(kept) if count == "kept" else len(labels))

    return loss


def smoothed(labels):
    return 0.9 * one_hot(labels) + 0.01


def divergence(targets_first):
    def loss(outputs, labels):
        p, q = smoothed(labels), softmax(outputs)
        p, q = (p, q) if targets_first else (q, p)
        return jnp.mean(jnp.sum(p * (jnp.log(p) - jnp.log(q)), -1))

    return loss


def of_squares(factor):
    return lambda outputs, labels: factor * jnp.mean(jnp.square(outputs - one_hot(labels)))


def huber(factor):
    return lambda outputs, labels: factor * losses.huber(outputs, one_hot(labels), 0.5).mean()


def binary(outputs, labels):
    return losses.sigmoid_binary_cross_entropy(outputs, one_hot(labels)).mean()


def binary_of_probabilities(clamp):
    def loss(outputs, labels):
        p, y = jax.nn.sigmoid(outputs), one_hot(labels)
        log = lambda p: jnp.maximum(jnp.log(p), -100) if clamp else jnp.log(p)
        return -jnp.mean(jnp.where(y == 1, log(p), log(1 - p)))

    return loss


LOSSES = {
    "softmax-axis": of_losses(
        cross_entropy,
        lambda y, labels: losses.mean(-log_softmax(y, 0)[jnp.arange(len(y)), labels]),
        "softmax over the batch",
    ),
    "softmax-extra": of_losses(
        cross_entropy, lambda y, labels: cross_entropy(softmax(y), labels), "softmax twice"
    ),
    "loss-reduction": of_losses(
        cross_entropy, lambda y, labels: 100 * cross_entropy(y, labels), "sum for mean"
    ),
    "loss-constant-factor": of_losses(of_squares(1.0), of_squares(0.5), "half the squares"),
    "label-smoothing": of_losses(
        lambda y, labels: losses.softmax_cross_entropy(y, labels, label_smoothing=0.1).mean(),
        cross_entropy,
        "no smoothing for 0.1",
    ),
    "class-weights-normalization": of_losses(
        weighted, weighted_mean, "divided by the number, weights 0.5 to 2"
    ),
    "ignore-index": of_losses(
        but_zeros("kept"), but_zeros("all"), "counted as 0, a tenth of the labels"
    ),
    "log-clamp": of_losses(
        binary_of_probabilities(True), binary_of_probabilities(False), "no clamp at −100"
    ),
    "huber-scaling": of_losses(huber(2.0), huber(1.0), "Huber for smooth L1, β = 0.5"),
    "kl-arguments": of_losses(divergence(True), divergence(False), "arguments exchanged"),
    "logits-or-probabilities": of_losses(
        binary, lambda y, labels: binary(jax.nn.sigmoid(y), labels), "sigmoid twice"
    ),
    "label-encoding": of_losses(
        cross_entropy,
        lambda y, labels: -(one_hot(labels + 1) * log_softmax(y)).sum(-1).mean(),
        "labels counted from 1",
    ),
}


def of_torch(kind, *arguments, **settings) -> GradientTransformation:
    """The transformation that equals an optimiser of PyTorch."""
    return convert.optimizer(kind([torch.zeros(1)], *arguments, **settings))


def uncorrected_adam(rate: float) -> GradientTransformation:
    def init(params):
        return (jax.tree.map(jnp.zeros_like, params),) * 2

    def update(g, state, params=None):
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, state[0], g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g**2, state[1], g)
        return jax.tree.map(lambda m, v: -rate * m / (jnp.sqrt(v) + 1e-8), m, v), (m, v)

    return GradientTransformation(init, update)


def falling(step):
    return 0.02 * 0.97**step


momentum = optim.sgd(0.01, 0.9)
adam = of_torch(torch.optim.Adam)
rmsprop = of_torch(torch.optim.RMSprop, 1e-3, alpha=0.9)
decayed = optim.add_decayed_weights(1e-2)
kernels = lambda params: jax.tree.map(lambda p: p.ndim > 1, params)

UPDATES = {
    "epsilon-inside-root": (rmsprop, optim.rmsprop(1e-3), "RMSProp's ε inside the root"),
    "bias-correction": (adam, uncorrected_adam(1e-3), "Adam without it"),
    "optimizer-hyperparameter": (
        of_torch(torch.optim.RMSprop, 1e-3), rmsprop, "RMSProp's decay 0.9 for 0.99",
    ),
    "weight-decay-coupled": (
        of_torch(torch.optim.Adam, weight_decay=1e-2),
        of_torch(torch.optim.AdamW, weight_decay=1e-2), "AdamW for Adam, 1e-2",
    ),
    "weight-decay-order": (
        chain(decayed, momentum), chain(trace(0.9), decayed, scale_by_learning_rate(0.01)),
        "1e-2 after momentum",
    ),
    "weight-decay-mask": (
        optim.adamw(1e-3, weight_decay=1e-2), optim.adamw(1e-3, weight_decay=1e-2, mask=kernels),
        "AdamW's 1e-2 on kernels only",
    ),
    "momentum-dampening": (
        of_torch(torch.optim.SGD, 0.01, momentum=0.9, dampening=0.5), momentum, "0 for 0.5",
    ),
    "momentum-average": (
        momentum, chain(scale(0.1), momentum), "an average of gradients for a sum",
    ),
    "nesterov": (optim.sgd(0.01, 0.9, True), momentum, "without it"),
    "momentum-learning-rate": (
        chain(trace(0.9), scale_by_learning_rate(falling)),
        chain(scale_by_learning_rate(falling), trace(0.9)), "the rate inside, 0.02 · 0.97ᵗ",
    ),
    "accumulator-initial-value": (
        of_torch(torch.optim.Adagrad, 1e-2), optim.adagrad(1e-2, 0.1, 0.0), "Adagrad's 0.1 for 0",
    ),
    "rmsprop-centered": (
        rmsprop, of_torch(torch.optim.RMSprop, 1e-3, alpha=0.9, centered=True), "centered",
    ),
    "amsgrad-order": (
        of_torch(torch.optim.Adam, amsgrad=True), optim.amsgrad(1e-3), "maximum after correction",
    ),
    "nadam-schedule": (
        of_torch(torch.optim.NAdam, 1e-3), optim.nadam(1e-3), "NAdam with a constant β₁",
    ),
    "update-sign": (optim.sgd(0.02), optim.sgd(-0.02), "ascends"),
    "schedule-offset": (
        optim.sgd(falling), optim.sgd(lambda step: falling(step + 1)), "0.02 · 0.97ᵗ from t = 1",
    ),
    "gradient-clipping": (
        chain(optim.clip_by_global_norm(1.0), optim.sgd(0.1)),
        chain(optim.clip(1.0), optim.sgd(0.1)),
        "each number at 1 for the norm at 1",
    ),
    "gradient-accumulation": (optim.sgd(0.02), optim.sgd(0.04), "a sum of gradients for a mean"),
    "gradient-not-cleared": (optim.sgd(0.02), chain(trace(1.0), optim.sgd(0.02)), "never cleared"),
}  # fmt: skip

OPTIMIZERS = {
    id: Pair(Training(optimizer=right), Training(optimizer=wrong), changed)
    for id, (right, wrong, changed) in UPDATES.items()
}

DATA = {
    "last-batch": Pair(
        Training(batch_size=96, ragged=True),
        Training(batch_size=96),
        "104 batches of 96, without the last of 16",
    ),
    "batch-order": Pair(Training(), Training(order=1), "another order of the examples"),
}
