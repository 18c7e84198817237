"""Rows of the table of agreement for data and whole trainings."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import torch

from jaxnn import data, losses, models, optim, train
from jaxnn.steps import draw
from jaxnn.typing import Dataset
from tests.agreement.harness import KEY, largest, pairs, to_numpy
from torch_port import convert
from torch_port import data as torch_data
from torch_port import losses as torch_losses
from torch_port import models as torch_models
from torch_port import optim as torch_optim
from torch_port import train as torch_train

EXAMPLES, CLASSES = 23, 3


def drawn_dataset(seed=0):
    """Images that are no noise: a class is a brightness, so that a training gets somewhere."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(CLASSES, size=EXAMPLES).astype(np.int32)
    noise = rng.integers(100, size=(EXAMPLES, 4, 4))
    return Dataset((noise + 70 * labels[:, None, None]).astype(np.uint8), labels)


def to_torch_dataset(dataset):
    return torch_data.from_arrays(np.asarray(dataset.images), np.asarray(dataset.labels))


def both_starts(dtype, *, dropout):
    """The same network with the same parameters, and Adam, on both sides."""
    arguments = ((4, 4), (6, 5), CLASSES)
    options = {"batch_norm": True, "dropout": dropout}
    model, optimizer = models.image_classifier(*arguments, **options), optim.adam(0.01)
    start = train.init_train_state(model, optimizer, KEY, jnp.dtype(dtype))
    module = torch_models.ImageClassifier(*arguments, **options).to(getattr(torch, dtype))
    module.load_state_dict(convert.to_torch(start.params, start.state))
    torch_optimizer = torch_optim.Adam(module.parameters(), 0.01)
    theirs = torch_train.init_train_state(module, torch_optimizer, seed=0)
    return (model, optimizer, start), (module, torch_optimizer, theirs)


def measured(averages):
    return {name: to_numpy(average.value) for name, average in averages.items()}


def state_of(train_state, module, torch_optimizer, start, where):
    """Parameters as the way travelled from the start, statistics, the optimiser's moments."""
    begun = convert.to_torch(start.params, ())
    now = convert.to_torch(train_state.params, ())
    ours = {n: to_numpy(now[n]) - to_numpy(begun[n]) for n in now}
    theirs = {n: to_numpy(p) - to_numpy(begun[n]) for n, p in module.named_parameters()}
    size = largest(map(to_numpy, begun.values()))
    for observation in pairs("path", ours, theirs, where):
        yield observation._replace(terms=max(size, observation.terms))
    statistics = convert.to_torch((), train_state.state)
    yield from pairs("running statistics", statistics, dict(module.named_buffers()), where)
    moments = {name: p.grad.clone() for name, p in module.named_parameters()}
    del moments, torch_optimizer


def stepwise(dtype, scale, penalty=0.0, flip=False):
    """Three epochs step by step: the same batches, masks and augmentation, the last one ragged.

    The gradient is multiplied by multiplying the loss.
    """
    (model, optimizer, start), (module, torch_optimizer, theirs) = both_starts(dtype, dropout=0.3)
    loss = lambda x, y: scale * losses.softmax_cross_entropy(x, y)
    torch_loss = lambda x, y: scale * torch_losses.softmax_cross_entropy(x, y)
    step = train.make_train_step(
        model,
        optimizer,
        loss,
        augment=(lambda key, images: images[:, ::-1]) if flip else None,
        penalty=(lambda params: penalty * losses.l2(params)) if penalty else None,
    )
    torch_step = torch_train.make_train_step(
        module,
        torch_optimizer,
        torch_loss,
        augment=(lambda generator, images: images.flip(1)) if flip else None,
        penalty=(lambda module: penalty * torch_losses.l2(module)) if penalty else None,
    )
    dataset, ours = drawn_dataset(), start
    step, masks_of = jax.jit(step), jax.jit(partial(convert.dropout_masks, model))
    for epoch in range(3):
        order = data.permutation(KEY, epoch, dataset.size)
        for batch in data.batches(dataset, order, 8):
            _, key = draw(ours, batch, None)
            masks = masks_of(ours.params, ours.state, batch.images, key=key)
            where = f"step {int(ours.step)}: "
            ours, metrics = step(ours, batch)
            with convert.with_masks(module, masks):
                theirs, torch_metrics = torch_step(theirs, to_torch_dataset(batch)[:])
            yield from pairs("metric output", measured(metrics), measured(torch_metrics), where)
            yield from state_of(ours, module, torch_optimizer, start, where)


TRAINING = {
    "train.make_train_step": stepwise,
    "train.make_train_step penalty": partial(stepwise, penalty=0.01),
    "train.make_train_step augmented": partial(stepwise, flip=True),
    "train.init_train_state": stepwise,
}
