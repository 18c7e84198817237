"""Rows of the table of agreement for functions: activations, losses, penalties, metrics."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import torch

from jaxnn import activations, losses, metrics, models
from tests.agreement.harness import KEY, gradient_of, observe_function, observe_values, pairs
from tests.loss_cases import WEIGHTS, classes, distributions, log_softmax, numbers, yes_or_no
from tests.loss_cases import sigmoid as probabilities_of_one
from tests.loss_cases import softmax as probabilities
from tests.loss_cases import softmax_of_distributions as probabilities_of_distributions
from torch_port import activations as torch_activations
from torch_port import convert
from torch_port import losses as torch_losses
from torch_port import metrics as torch_metrics
from torch_port import models as torch_models

FUNCTIONS = {}

# Activations: odd shapes, a single number, a batch of one, the kinks and the tails.


def several_shapes(rng):
    for shape in [(7,), (), (1, 1), (1, 5), (3, 5), (2, 3, 5)]:
        yield [3 * rng.normal(size=shape)]
    yield [np.array([-80.0, -10.0, -1.0, -1e-3, 0.0, 1e-3, 1.0, 10.0, 80.0])]


def rows_of_logits(rng):
    for shape in [(5,), (1, 1), (1, 5), (3, 7), (2, 3, 5)]:
        yield [3 * rng.normal(size=shape)]
    yield [np.array([[0.0, 0.0, 1e4], [-1e4, 1.0, 1.0]])]


def activation_row(name, draw=several_shapes, **options):
    ours = partial(getattr(activations, name), **options)
    theirs = partial(getattr(torch_activations, name), **options)
    return partial(observe_function, "activation", ours, theirs, draw)


FUNCTIONS |= {
    f"activations.{name}": activation_row(name)
    for name in ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu", "softplus")
} | {
    "activations.leaky_relu slope": activation_row("leaky_relu", negative_slope=0.2),
    "activations.elu alpha": activation_row("elu", alpha=0.7),
    "activations.gelu approximate": activation_row(
        "gelu",
        lambda rng: ([3 * rng.normal(size=s)] for s in [(), (1, 5), (40,)]),
        approximate=True,
    ),
    "activations.softmax": activation_row("softmax", rows_of_logits),
    "activations.softmax axis": activation_row("softmax", rows_of_logits, axis=0),
    "activations.log_softmax": activation_row("log_softmax", rows_of_logits),
    "activations.log_softmax axis": activation_row("log_softmax", rows_of_logits, axis=0),
}


# Losses: batches of one and of forty, labels as classes and as distributions.


def loss_row(name, draw, *, constant=(), **options):
    """`weights` of classes become an array of either side, in the dtype of the outputs.

    Where targets hold zeros and are multiplied by their own logarithm, or by one that PyTorch takes
    for 0 there, the slope by the targets is a convention at 0 that nobody trains with: `constant`.
    """
    weights = options.pop("weights", None)
    ours, theirs = getattr(losses, name), getattr(torch_losses, name)

    def run_ours(outputs, targets):
        given = {} if weights is None else {"class_weights": jnp.asarray(weights, outputs.dtype)}
        return ours(outputs, targets, **options, **given)

    def run_theirs(outputs, targets):
        given = {} if weights is None else {"class_weights": torch.tensor(weights).to(outputs)}
        return theirs(outputs, targets, **options, **given)

    drawn = lambda rng: (draw(rng, scale, batch) for scale, batch in [(3, 40), (3, 1), (0.01, 5)])
    return partial(observe_function, "loss", run_ours, run_theirs, drawn, constant=constant)


def some_equal(rng, scale, batch):
    """The first number of every example is right: the slope there is a convention."""
    predictions, targets = numbers(rng, scale, batch)
    targets[:, 0] = predictions[:, 0]
    return predictions, targets


FUNCTIONS |= {
    "losses.softmax_cross_entropy": loss_row("softmax_cross_entropy", classes),
    "losses.softmax_cross_entropy smoothed": loss_row(
        "softmax_cross_entropy", classes, label_smoothing=0.1
    ),
    "losses.softmax_cross_entropy weighted": loss_row(
        "softmax_cross_entropy", classes, weights=WEIGHTS, label_smoothing=0.1
    ),
    "losses.softmax_cross_entropy ignored": loss_row(
        "softmax_cross_entropy", classes, ignore_label=3
    ),
    "losses.softmax_cross_entropy of distributions": loss_row(
        "softmax_cross_entropy", distributions, weights=WEIGHTS
    ),
    "losses.cross_entropy": loss_row("cross_entropy", probabilities),
    "losses.cross_entropy of distributions": loss_row(
        "cross_entropy", probabilities_of_distributions, constant=[1]
    ),
    "losses.binary_cross_entropy": loss_row("binary_cross_entropy", probabilities_of_one),
    "losses.sigmoid_binary_cross_entropy": loss_row("sigmoid_binary_cross_entropy", yes_or_no),
    "losses.squared_error": loss_row("squared_error", numbers),
    "losses.absolute_error": loss_row("absolute_error", numbers),
    "losses.absolute_error at its kink": loss_row("absolute_error", some_equal),
    "losses.huber": loss_row("huber", numbers),
    "losses.huber delta": loss_row("huber", numbers, delta=0.3),
    "losses.kl_divergence": loss_row("kl_divergence", log_softmax, constant=[1]),
    "losses.mean": partial(
        observe_function,
        "loss",
        losses.mean,
        torch_losses.mean,
        lambda rng: ([rng.normal(size=n)] for n in (1, 40)),
    ),
    "losses.mean weighted": partial(
        observe_function,
        "loss",
        lambda values, weights: losses.mean(values, weights > 0.5),
        lambda values, weights: torch_losses.mean(values, weights > 0.5),
        lambda rng: ([rng.normal(size=40), rng.uniform(size=40)], [np.ones(2), np.zeros(2)]),
    ),
}


# Metrics, and penalties on the parameters of a network.


def metric_row(name, *settings, draw=classes):
    """Sums and counts; what a metric is over two batches, merged, too."""

    def run(side):
        metric = getattr(side, name)
        return lambda x, y: (
            whole := metric(x, y, *settings),
            side.merge(whole, metric(x[:1], y[:1], *settings)),
        )

    drawn = lambda rng: (draw(rng, 3, batch) for batch in (40, 1, 7))
    return partial(observe_values, "metric", run(metrics), run(torch_metrics), drawn)


def reported(dtype, scale):
    """`values`: what is reported after two batches, as Python's numbers."""
    (x,) = next(one_number_each(np.random.default_rng(0)))
    two = lambda side, x: {"loss": side.merge(side.average(x), side.average(x[:1]))}
    ours = metrics.values(two(metrics, jnp.asarray(x, dtype)))
    theirs = torch_metrics.values(two(torch_metrics, torch.tensor(x.astype(dtype))))
    yield from pairs("metric", ours, theirs)


def totals(side, stack):
    """Two batches along a first axis, added up."""

    def run(x):
        averages = [side.average(x), side.average(x)]
        total = side.total(side.Average(*(stack([a[i] for a in averages]) for i in (0, 1))))
        return total.sum, total.count, total.value

    return run


def one_number_each(rng):
    return ([rng.normal(size=n)] for n in (1, 40))


def calibration_error(side):
    def run(x, y):
        found = side.calibration(x, y, 5)
        return (found.error, *found.confidence, *found.accuracy)

    return run


def penalty_row(name, **settings):
    def row(dtype, scale):
        model = models.mlp((5, 4, 3), batch_norm=True)
        params, state = model.init(KEY, jnp.dtype(dtype))
        value, grads = jax.value_and_grad(partial(getattr(losses, name), **settings))(params)
        module = torch_models.MLP((5, 4, 3), batch_norm=True).to(getattr(torch, dtype))
        module.load_state_dict(convert.to_torch(params, state))
        theirs = getattr(torch_losses, name)(module, **settings)
        theirs.backward()
        yield from pairs("loss output", {"penalty": value}, {"penalty": theirs})
        expected = {name: gradient_of(p) for name, p in module.named_parameters()}
        yield from pairs("loss gradient", convert.to_torch(grads, ()), expected)

    return row


FUNCTIONS |= {
    "metrics.accuracy": metric_row("accuracy"),
    "metrics.top_k_accuracy": metric_row("top_k_accuracy", 3),
    "metrics.confusion_matrix": metric_row("confusion_matrix"),
    "metrics.merge": metric_row("accuracy"),
    "metrics.calibration": partial(
        observe_values,
        "metric",
        calibration_error(metrics),
        calibration_error(torch_metrics),
        lambda rng: (probabilities(rng, 3, batch) for batch in (1, 40)),
    ),
    "metrics.average": partial(
        observe_values,
        "metric",
        lambda x: tuple(metrics.average(x)),
        lambda x: tuple(torch_metrics.average(x)),
        one_number_each,
    ),
    "metrics.total": partial(
        observe_values,
        "metric",
        totals(metrics, jnp.stack),
        totals(torch_metrics, torch.stack),
        one_number_each,
    ),
    "metrics.values": reported,
    "losses.l1": penalty_row("l1"),
    "losses.l2": penalty_row("l2"),
    "losses.l2 of scales": penalty_row("l2", names=("kernel", "scale")),
}
