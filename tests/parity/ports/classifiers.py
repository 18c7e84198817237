"""Programs that end in a loss over classes."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from flax import linen
from torch import nn
from torch.nn import functional

from tests.parity.ports.functions import identity
from tests.parity.ports.port import Mutant, Pair, Port, wrong
from tests.parity.right_pairs import normal

OUTPUT = "output output"

LABELS = np.array([0, 3, 1, 4, 2, 2, 0, 1])


def drawn_params(seed, *sizes):
    """Of dense layers called as in the modules here, with kernels of variance 1/in."""
    names = ["hidden", "head"]
    return {
        name: {
            "w": normal(n, m, scale=n**-0.5, seed=[seed, i]),
            "b": normal(m, scale=0.3, seed=[seed, 9 + i]),
        }
        for i, (name, n, m) in enumerate(zip(names, sizes, sizes[1:], strict=False))
    }


def network(params, x, activation=jax.nn.relu):
    hidden = activation(x @ params["hidden"]["w"] + params["hidden"]["b"])
    return hidden @ params["head"]["w"] + params["head"]["b"]


class Classifier(nn.Module):
    def __init__(self, classes=5, **loss):
        super().__init__()
        self.hidden = nn.Linear(6, 7)
        self.head = nn.Linear(7, classes)
        self.loss = loss

    def forward(self, x, labels):
        logits = self.head(functional.relu(self.hidden(x)))
        loss = {k: v.to(logits) if k == "weight" else v for k, v in self.loss.items()}
        return functional.cross_entropy(logits, labels, **loss)


def mean_over_classes(losses):
    return jnp.mean(losses) / 5


def softmax_classifier_of_functions(
    *, seed=0, scale=1.0, reduction=jnp.mean, smoothing=0.0, before=identity, shift=0,
    activation=jax.nn.relu, factor=1.0,
) -> Pair:  # fmt: skip
    def ours(params, x, labels):
        logits = before(network(params, x, activation))
        targets = optax.smooth_labels(jax.nn.one_hot(labels + shift, 5), smoothing)
        losses = -jnp.sum(targets * jax.nn.log_softmax(logits), axis=-1)
        return factor * reduction(losses)

    inputs = normal(8, 6, scale=scale, seed=seed), LABELS
    return ours, Classifier(), inputs, {"params": drawn_params(seed, 6, 7, 5), "seed": seed}


def smoothed(*values):
    return tuple(
        Mutant({"smoothing": v}, "label-smoothing", OUTPUT, "", constant=v) for v in values
    )


SOFTMAX = Port(
    softmax_classifier_of_functions,
    (
        *wrong("loss-reduction", OUTPUT, "reduction", jnp.sum, identity, module=""),
        *smoothed(0.1, 0.05, 1e-3),
        *wrong("softmax-extra", OUTPUT, "before", jax.nn.softmax, module=""),
        *wrong("loss-constant-factor", OUTPUT, "factor", 0.5, 2.0, module=""),
        *wrong("activation-different", OUTPUT, "activation", jax.nn.gelu, jnp.tanh, module=""),
        *wrong("activation-different", OUTPUT, "activation", jax.nn.leaky_relu, module=""),
        *wrong("activation-missing", OUTPUT, "activation", identity, module=""),
    ),
)


class LinenClassifier(linen.Module):
    """The loss inside, by Optax."""

    smoothing: float = 0.1
    spread: int = 5
    reduction: object = jnp.mean
    before: object = identity
    head_bias: bool = True
    activation: object = linen.relu

    @linen.compact
    def __call__(self, x, labels):
        hidden = self.activation(linen.Dense(7)(x))
        logits = self.before(linen.Dense(5, use_bias=self.head_bias)(hidden))
        one_hot = jax.nn.one_hot(labels, 5)
        share = self.smoothing / self.spread
        others = self.smoothing - share if self.spread == 5 else self.smoothing
        targets = (
            one_hot * (1 - others - share) + share
            if self.spread == 5
            else (one_hot * (1 - self.smoothing) + (1 - one_hot) * share)
        )
        return self.reduction(optax.softmax_cross_entropy(logits, targets))


def label_smoothing_in_linen(*, seed=0, scale=1.0, **settings) -> Pair:
    inputs = normal(8, 6, scale=scale, seed=seed), LABELS
    return LinenClassifier(**settings), Classifier(label_smoothing=0.1), inputs, {"seed": seed}


SMOOTHED = Port(
    label_smoothing_in_linen,
    (
        *smoothed(0.0, 0.2, 0.01),
        # spread over the other classes: an ε that is ε K / (K - 1) in PyTorch's form
        Mutant({"spread": 4}, "label-smoothing", OUTPUT, "", constant=0.125),
        *wrong("loss-reduction", OUTPUT, "reduction", jnp.sum, identity, module=""),
        *wrong("softmax-extra", OUTPUT, "before", linen.softmax, module=""),
        *wrong("bias-missing", "layer Dense_1", "head_bias", False),
        *wrong("activation-different", "layer Dense_1", "activation", linen.elu),
    ),
)


WEIGHTS = np.float32([1.0, 2.0, 0.5, 3.0, 1.5])


def class_weights_of_functions(
    *, seed=0, scale=1.0, normalization="weights", weights=WEIGHTS, smoothing=0.0, before=identity
) -> Pair:
    def ours(params, x, labels):
        logits = before(network(params, x))
        targets = optax.smooth_labels(jax.nn.one_hot(labels, 5), smoothing)
        table = jnp.ones(5) if weights is None else jnp.asarray(weights)
        losses = -jnp.sum(table * targets * jax.nn.log_softmax(logits), axis=-1)
        total = {"weights": jnp.sum(table[labels]), "labels": len(labels), "none": 1}
        return jnp.sum(losses) / total[normalization]

    theirs = Classifier(weight=torch.from_numpy(WEIGHTS))
    inputs = normal(8, 6, scale=scale, seed=seed), LABELS
    return ours, theirs, inputs, {"params": drawn_params(seed, 6, 7, 5), "seed": seed}


WEIGHTED = Port(
    class_weights_of_functions,
    (
        *wrong("class-weights-normalization", OUTPUT, "normalization", "labels", module=""),
        *wrong("class-weights-normalization", OUTPUT, "weights", None, module=""),
        *wrong("loss-reduction", OUTPUT, "normalization", "none", module=""),
        *smoothed(0.1),
        *wrong("softmax-extra", OUTPUT, "before", jax.nn.softmax, module=""),
    ),
)

WITH_IGNORED = np.array([0, -100, 1, 4, -100, 2, 0, -100])


def ignored_labels_of_functions(
    *, seed=0, scale=1.0, handling="left out", smoothing=0.0, activation=jax.nn.relu
) -> Pair:
    def ours(params, x, labels):
        logits = network(params, x, activation)
        if handling == "not known":
            losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
            return jnp.mean(losses)
        keep = labels != -100
        targets = optax.smooth_labels(jax.nn.one_hot(labels, 5), smoothing)
        losses = jnp.where(keep, optax.softmax_cross_entropy(logits, targets), 0)
        return jnp.sum(losses) / (jnp.sum(keep) if handling == "left out" else len(labels))

    inputs = normal(8, 6, scale=scale, seed=seed), WITH_IGNORED
    return ours, Classifier(), inputs, {"params": drawn_params(seed, 6, 7, 5), "seed": seed}


IGNORED = Port(
    ignored_labels_of_functions,
    (
        *wrong("ignore-index", OUTPUT, "handling", "counted", "not known", module=""),
        *smoothed(0.1, 0.02),
        *wrong("activation-different", OUTPUT, "activation", jax.nn.silu, module=""),
    ),
)


class Detector(nn.Module):
    """One number for each of several labels that may hold together."""

    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(6, 7)
        self.head = nn.Linear(7, 3)

    def forward(self, x, targets):
        logits = self.head(torch.tanh(self.hidden(x)))
        return functional.binary_cross_entropy_with_logits(logits, targets)


class LinenDetector(linen.Module):
    reduction: object = jnp.mean
    before: object = identity
    activation: object = jnp.tanh
    takes_logits: bool = True
    factor: float = 1.0
    head_bias: bool = True

    @linen.compact
    def __call__(self, x, targets):
        hidden = self.activation(linen.Dense(7)(x))
        logits = self.before(linen.Dense(3, use_bias=self.head_bias)(hidden))
        losses = optax.sigmoid_binary_cross_entropy(logits, targets)
        return self.factor * self.reduction(losses)


def sum_over_labels(losses):
    return jnp.mean(jnp.sum(losses, axis=-1))


TARGETS = np.random.default_rng(3).integers(0, 2, (8, 3)).astype(np.float32)


def binary_cross_entropy_in_linen(*, seed=0, scale=1.0, **settings) -> Pair:
    inputs = normal(8, 6, scale=scale, seed=seed), TARGETS
    return LinenDetector(**settings), Detector(), inputs, {"seed": seed}


BINARY = Port(
    binary_cross_entropy_in_linen,
    (
        *wrong("loss-reduction", OUTPUT, "reduction", jnp.sum, sum_over_labels, identity),
        *wrong("logits-or-probabilities", OUTPUT, "before", jax.nn.sigmoid),
        *wrong("loss-constant-factor", OUTPUT, "factor", 0.5, 2.0),
        *wrong("activation-different", "layer Dense_1", "activation", linen.relu, linen.gelu),
        *wrong("activation-missing", "layer Dense_1", "activation", identity),
        *wrong("bias-missing", "layer Dense_1", "head_bias", False),
    ),
)


class ProbabilityNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(4, 2)

    def forward(self, x, targets):
        probabilities = torch.clamp(self.head(x), 0, 1)
        return functional.binary_cross_entropy(probabilities, targets, reduction="none")


def clamped_log(p):
    return jnp.maximum(jnp.log(p), -100)


def guarded_log(p):
    return jnp.log(p + 1e-7)


def clip(x):
    return jnp.clip(x, 0, 1)


def clip_within(x):
    """As Keras has it."""
    return jnp.clip(x, 1e-7, 1 - 1e-7)


def probabilities_of_functions(
    *, seed=0, scale=1.0, log=clamped_log, reduction=identity, activation=clip
) -> Pair:
    """Of every label, while evaluating: at probabilities of 0 no gradient is what it should be."""

    def ours(params, x, targets):
        p = activation(x @ params["head"]["w"] + params["head"]["b"])
        return -reduction(targets * log(p) + (1 - targets) * log(1 - p))

    w, b = normal(4, 2, seed=[seed, 1]), normal(2, seed=[seed, 2])
    targets = (normal(8, 2, seed=[seed, 3]) > 0).astype(np.float32)
    inputs = normal(8, 4, scale=scale, seed=seed), targets
    settings = {"params": {"head": {"w": w, "b": b}}, "gradients": False, "seed": seed}
    return ours, ProbabilityNet(), inputs, settings


PROBABILITIES = Port(
    probabilities_of_functions,
    (
        *wrong("log-clamp", OUTPUT, "log", jnp.log, guarded_log, module=""),
        *wrong("log-clamp", OUTPUT, "activation", clip_within, module=""),
        *wrong("loss-reduction", OUTPUT, "reduction", jnp.mean, jnp.sum, module=""),
        *wrong("activation-different", OUTPUT, "activation", jax.nn.sigmoid, module=""),
    ),
)

PORTS = (SOFTMAX, SMOOTHED, WEIGHTED, IGNORED, BINARY, PROBABILITIES)
