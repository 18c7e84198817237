"""A row for every loss: PyTorch's of the same meaning, its exact value, and how to draw inputs."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mpmath import mp

from jaxnn import losses

CLASSES = 7
WEIGHTS = np.array([0.5, 1.0, 1.5, 2.0, 0.25, 0.0, 1.0])


def classes(rng, scale, batch):
    return rng.normal(size=(batch, CLASSES)) * scale, rng.integers(CLASSES, size=batch)


def distributions(rng, scale, batch):
    targets = rng.dirichlet(np.ones(CLASSES), size=batch)
    targets[::2, 0] = 0
    return rng.normal(size=(batch, CLASSES)) * scale, targets


def numbers(rng, scale, batch):
    return rng.normal(size=(batch, 3)) * scale, rng.normal(size=(batch, 3)) * scale


def yes_or_no(rng, scale, batch):
    """Labels 0, 1, and between."""
    targets = np.clip(rng.uniform(-0.5, 1.5, size=(batch, 3)), 0, 1)
    return rng.normal(size=(batch, 3)) * scale, targets


def as_probabilities(draw, squash):
    def drawn(rng, scale, batch):
        logits, targets = draw(rng, min(scale, 10), batch)  # XLA takes subnormal numbers for 0
        return squash(torch.tensor(logits)).numpy(), targets

    return drawn


softmax = as_probabilities(classes, lambda x: torch.softmax(x, -1))
softmax_of_distributions = as_probabilities(distributions, lambda x: torch.softmax(x, -1))
log_softmax = as_probabilities(distributions, lambda x: torch.log_softmax(x, -1))
sigmoid = as_probabilities(yes_or_no, torch.sigmoid)


def one_hot(target):
    return [mp.mpf(int(c == target)) for c in range(CLASSES)] if np.ndim(target) == 0 else target


def exact_softmax_cross_entropy(logits, target, smoothing, weights):
    log_total = mp.log(mp.fsum(map(mp.exp, logits)))
    q = [(1 - mp.mpf(smoothing)) * t + mp.mpf(smoothing) / CLASSES for t in one_hot(target)]
    return mp.fsum(w * a * (log_total - x) for w, a, x in zip(weights, q, logits, strict=True))


def exact_cross_entropy(probabilities, target):
    pairs = zip(one_hot(target), probabilities, strict=True)
    return -mp.fsum(q * mp.log(p) for q, p in pairs if q)


def exact_binary_cross_entropy(probabilities, labels):
    both = lambda y, p: [(y, p), (1 - y, 1 - p)]
    terms = [both(y, p) for y, p in zip(labels, probabilities, strict=True)]
    return -mp.fsum(q * mp.log(p) for pair in terms for q, p in pair if q) / len(terms)


def exact_sigmoid_binary_cross_entropy(logits, labels):
    softplus = lambda x: mp.log1p(mp.exp(x))
    pairs = zip(labels, logits, strict=True)
    return mp.fsum(y * softplus(-x) + (1 - y) * softplus(x) for y, x in pairs) / len(labels)


def exact_kl_divergence(log_probabilities, targets):
    pairs = zip(targets, log_probabilities, strict=True)
    return mp.fsum(t * (mp.log(t) - log_p) for t, log_p in pairs if t)


def exact_mean(term):
    def of_example(predictions, targets):
        return mp.fsum(map(term, predictions - targets)) / len(targets)

    return of_example


def exact_huber(delta):
    return lambda r: r * r / 2 if abs(r) <= delta else mp.mpf(delta) * (abs(r) - mp.mpf(delta) / 2)


class Case(NamedTuple):
    """A loss, PyTorch's of the same meaning, the exact value for one example, and how to draw.

    Where terms of a loss cancel, `largest_term` is the size of the largest in an example.
    """

    ours: Callable
    theirs: Callable
    exact: Callable
    draw: Callable
    largest_term: Callable | None = None


def softmax_case(draw, smoothing=0.0, weights=None):
    """`softmax_cross_entropy` with options."""
    ours = lambda x, labels: losses.softmax_cross_entropy(
        x,
        labels,
        label_smoothing=smoothing,
        class_weights=None if weights is None else jnp.array(weights, x.dtype),
    )
    theirs = lambda x, labels: F.cross_entropy(
        x,
        labels,
        None if weights is None else torch.tensor(weights, dtype=x.dtype),
        label_smoothing=smoothing,
        reduction="none",
    )
    weights = np.ones(CLASSES) if weights is None else weights
    exact = partial(exact_softmax_cross_entropy, smoothing=smoothing, weights=weights)
    return Case(ours, theirs, exact, draw)


def elementwise_case(ours, theirs, exact, draw):
    """A loss that PyTorch has by element."""
    return Case(ours, lambda x, y: theirs(x, y, reduction="none").mean(1), exact, draw)


CASES = {
    "softmax_cross_entropy": softmax_case(classes),
    "softmax_cross_entropy smoothed": softmax_case(classes, smoothing=0.1),
    "softmax_cross_entropy smooth": softmax_case(classes, smoothing=1.0),
    "softmax_cross_entropy weighted": softmax_case(classes, weights=WEIGHTS),
    "softmax_cross_entropy weighted, smoothed": softmax_case(classes, 0.1, WEIGHTS),
    "softmax_cross_entropy to distributions": softmax_case(distributions),
    "softmax_cross_entropy to distributions, all": softmax_case(distributions, 0.1, WEIGHTS),
    "cross_entropy": Case(
        losses.cross_entropy,
        lambda p, labels: F.nll_loss(p.log(), labels, reduction="none"),
        exact_cross_entropy,
        softmax,
    ),
    "cross_entropy to distributions": Case(
        losses.cross_entropy,
        lambda p, q: -torch.special.xlogy(q, p).sum(1),
        exact_cross_entropy,
        softmax_of_distributions,
    ),
    "binary_cross_entropy": elementwise_case(
        losses.binary_cross_entropy, F.binary_cross_entropy, exact_binary_cross_entropy, sigmoid
    ),
    "sigmoid_binary_cross_entropy": elementwise_case(
        losses.sigmoid_binary_cross_entropy,
        F.binary_cross_entropy_with_logits,
        exact_sigmoid_binary_cross_entropy,
        yes_or_no,
    ),
    "squared_error": elementwise_case(
        losses.squared_error, F.mse_loss, exact_mean(lambda r: r * r), numbers
    ),
    "absolute_error": elementwise_case(losses.absolute_error, F.l1_loss, exact_mean(abs), numbers),
    "huber": elementwise_case(losses.huber, F.huber_loss, exact_mean(exact_huber(1)), numbers),
    "huber delta": elementwise_case(
        partial(losses.huber, delta=0.3),
        partial(F.huber_loss, delta=0.3),
        exact_mean(exact_huber(0.3)),
        numbers,
    ),
    "kl_divergence": Case(
        losses.kl_divergence,
        lambda x, t: F.kl_div(x, t, reduction="none").sum(1),
        exact_kl_divergence,
        log_softmax,
        lambda log_p, targets: max(t * max(abs(x), 1) for t, x in zip(targets, log_p, strict=True)),
    ),
}
cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
