"""Rows of the table of agreement for layers and networks, and for what is asked of them."""

from functools import partial
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import torch

from jaxnn import activations, layers, models
from tests.agreement.harness import KEY, observe_function, observe_layer, pairs
from torch_port import activations as torch_activations
from torch_port import convert
from torch_port import layers as torch_layers
from torch_port import models as torch_models

LAYERS = {}

# Layers and networks: three batches in training, the last ragged, then evaluation, one example.


def several_batches(*shape, trains_alone=True):
    def batches(rng):
        sizes = [(8, True), (8, True), (3, True), (8, False), (1, False)]
        for n, train in sizes + ([(1, True)] if trains_alone else []):
            yield rng.normal(size=(n, *shape)), train

    return batches


def images(rng):
    for n, train in [(8, True), (8, True), (3, True), (8, False), (1, False)]:
        yield rng.integers(256, size=(n, 28, 28)).astype(np.uint8), train


def in_the_words_of(*modules):
    """The functions and classes of a side by jaxnn's names: `batch_norm`, be it `BatchNorm`."""
    found = {n.lower(): v for module in modules for n, v in vars(module).items()}
    names = [n for module in (layers, models, activations) for n in vars(module)]
    plain = {n: found.get(n, found.get(n.replace("_", ""))) for n in names}
    return SimpleNamespace(**plain)


OURS = in_the_words_of(layers, models, activations)
THEIRS = in_the_words_of(torch_layers, torch_models, torch_activations)


def network_row(build, batches):
    """A network that both sides are told in the same words: `build(side)`."""
    return lambda dtype, scale: observe_layer(build(OURS), build(THEIRS), batches, dtype, scale)


def nested(side):
    """A residual block with batch norm and dropout, then two branches side by side."""
    block = side.serial(
        side.batch_norm(6), side.activation(side.elu), side.dropout(0.3), side.dense(6, 6)
    )
    concatenate = (
        partial(torch.cat, dim=-1) if side is THEIRS else partial(jnp.concatenate, axis=-1)
    )
    return side.serial(
        side.flatten(),
        side.dense(20, 6),
        side.residual(block),
        side.branches(
            side.serial(side.dense(6, 4), side.layer_norm(4)),
            side.serial(side.dense(6, 6), side.dropout(0.5)),
            combine=concatenate,
        ),
    )


PER_CHANNEL = ([0.1, 0.2, 0.3], [0.5, 0.6, 0.7])

LAYERS |= {
    "layers.dense": network_row(lambda side: side.dense(5, 3), several_batches(5)),
    "layers.dense over time": network_row(lambda side: side.dense(5, 3), several_batches(2, 5)),
    "layers.dense without bias": network_row(
        lambda side: side.dense(5, 3, use_bias=False), several_batches(5)
    ),
    "layers.batch_norm": network_row(
        lambda side: side.batch_norm(4), several_batches(4, trains_alone=False)
    ),
    "layers.batch_norm over time": network_row(
        lambda side: side.batch_norm(4), several_batches(3, 4)
    ),
    "layers.batch_norm settings": network_row(
        lambda side: side.batch_norm(4, momentum=0.3, epsilon=0.01),
        several_batches(4, trains_alone=False),
    ),
    "layers.layer_norm": network_row(lambda side: side.layer_norm(4), several_batches(4)),
    "layers.layer_norm settings": network_row(
        lambda side: side.layer_norm(4, epsilon=0.01), several_batches(2, 4)
    ),
    "layers.dropout": network_row(lambda side: side.dropout(0.3), several_batches(4)),
    "layers.flatten": network_row(lambda side: side.flatten(), several_batches(2, 3, 4)),
    "layers.normalize_images": network_row(lambda side: side.normalize_images(0.1, 0.3), images),
    "layers.normalize_images per channel": network_row(
        lambda side: side.normalize_images(*PER_CHANNEL), several_batches(2, 2, 3)
    ),
    "layers.activation": network_row(lambda side: side.activation(side.gelu), several_batches(4)),
    "layers.serial": network_row(
        lambda side: side.serial(side.dense(4, 3), side.dropout(0.5), side.dense(3, 2)),
        several_batches(4),
    ),
    "layers.residual": network_row(
        lambda side: side.residual(side.dense(4, 4)), several_batches(4)
    ),
    "layers.branches": network_row(
        lambda side: side.branches(side.dense(4, 3), side.dense(4, 3), combine=sum),
        several_batches(4),
    ),
    "layers.serial nested": network_row(nested, several_batches(4, 5, trains_alone=False)),
    "models.mlp": network_row(lambda side: side.mlp((5, 4, 3)), several_batches(5)),
    "models.mlp settings": network_row(
        lambda side: side.mlp((5, 7, 6, 3), activation=side.elu, batch_norm=True, dropout=0.4),
        several_batches(5, trains_alone=False),
    ),
    "models.image_classifier": network_row(
        lambda side: side.image_classifier((28, 28), (9,), 10, batch_norm=True, dropout=0.2), images
    ),
    "models.simple_nn": network_row(lambda side: side.simple_nn(), images),
    "models.simple_nn softmax": network_row(
        lambda side: side.simple_nn(softmax_output=True), images
    ),
}


# What is asked of a network, and what dropout is made of.


def ask(question):
    """The same question to the same network on both sides, on three examples in evaluation."""

    def row(dtype, scale):
        x = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(dtype)
        model, module = nested(OURS), nested(THEIRS).to(getattr(torch, dtype)).eval()
        params, state = model.init(KEY, jnp.dtype(dtype))
        module.load_state_dict(convert.to_torch(params, state))
        ours = question(OURS, model, (params, state, jnp.asarray(x)))
        theirs = question(THEIRS, module, (torch.tensor(x),))
        yield from pairs("layer output", ours, theirs)

    return row


def counts(side, model, arguments):
    return {row.path: np.array(row.parameters) for row in side.summary(model)}


def without_dropout(side, model, arguments):
    """`map_layers` with every dropout left out; what remains is asked for its summary."""
    rebuild = lambda path, leaf: side.serial() if path.endswith("dropout") else leaf
    return counts(side, side.map_layers(rebuild, model), arguments)


def masked(side_apply):
    return lambda x, mask: side_apply(x, mask > 0, 0.3)


LAYERS |= {
    "layers.intermediates": ask(lambda side, model, a: side.intermediates(model, *a)),
    "layers.summary": ask(counts),
    "layers.map_layers": ask(without_dropout),
    "layers.apply_mask": partial(
        observe_function,
        "layer",
        masked(layers.apply_mask),
        masked(torch_layers.apply_mask),
        lambda rng: ([rng.normal(size=s), rng.normal(size=s)] for s in [(7,), (1, 1), (3, 5)]),
    ),
}
