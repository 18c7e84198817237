"""Rows of the table of agreement for data and whole trainings."""

from functools import partial
from tempfile import TemporaryDirectory

import jax
import jax.numpy as jnp
import numpy as np
import torch

from jaxnn import data, losses, optim, train
from jaxnn.data.mnist import FILES
from jaxnn.steps import draw
from jaxnn.typing import Dataset
from tests.agreement.harness import KEY, pairs, to_numpy
from tests.agreement.layer_rows import OURS, THEIRS
from tests.prepared_data import prepare
from torch_port import convert
from torch_port import data as torch_data
from torch_port import losses as torch_losses
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


def network(side, dropout):
    """No bias before batch norm: its gradient is 0 but for rounding, which Adam would magnify."""
    return side.serial(
        side.normalize_images(0.5, 0.5),
        side.flatten(),
        side.dense(16, 6, use_bias=False),
        side.batch_norm(6),
        side.activation(side.relu),
        side.dropout(dropout),
        side.dense(6, CLASSES),
    )


def both_starts(dtype, *, dropout):
    """The same network with the same parameters, and Adam, on both sides."""
    model, optimizer = network(OURS, dropout), optim.adam(0.01)
    start = train.init_train_state(model, optimizer, KEY, jnp.dtype(dtype))
    module = network(THEIRS, dropout).to(getattr(torch, dtype))
    module.load_state_dict(convert.to_torch(start.params, start.state))
    torch_optimizer = torch_optim.Adam(module.parameters(), 0.01)
    theirs = torch_train.init_train_state(module, torch_optimizer, seed=0)
    return (model, optimizer, start), (module, torch_optimizer, theirs)


def values_of(averages):
    return {name: to_numpy(average.value) for name, average in averages.items()}


def state_of(train_state, theirs, start, where):
    """Parameters as the way travelled from the start, statistics, the optimiser's moments."""
    params, state, (adam, *_) = train_state[:3]
    origin = convert.to_torch(start.params, ())
    travelled = lambda now: {name: to_numpy(now[name]) - to_numpy(origin[name]) for name in origin}
    named = dict(theirs.model.named_parameters())
    ours = travelled(convert.to_torch(params, ()))
    yield from pairs("path", ours, travelled(named), where, origin.values())
    statistics = convert.to_torch((), state)
    yield from pairs("running statistics", statistics, dict(theirs.model.named_buffers()), where)
    for moment, name in ((adam.mu, "exp_avg"), (adam.nu, "exp_avg_sq")):
        moments = {n: theirs.optimizer.state[p][name] for n, p in named.items()}
        yield from pairs("moments", convert.to_torch(moment, ()), moments, f"{where}{name} of ")


def stepwise(dtype, scale, *, penalty=0.0, flip=False):
    """Two epochs step by step: the same batches, masks and augmentation, the last one ragged.

    The gradient is multiplied by multiplying what is minimised.
    """
    (model, optimizer, start), (module, torch_optimizer, theirs) = both_starts(dtype, dropout=0.3)
    step = train.make_train_step(
        model,
        optimizer,
        lambda x, y: scale * losses.softmax_cross_entropy(x, y),
        augment=(lambda key, images: images[:, ::-1]) if flip else None,
        penalty=(lambda params: scale * penalty * losses.l2(params)) if penalty else None,
    )
    torch_step = torch_train.make_train_step(
        module,
        torch_optimizer,
        lambda x, y: scale * torch_losses.softmax_cross_entropy(x, y),
        augment=(lambda generator, images: images.flip(1)) if flip else None,
        penalty=(lambda module: scale * penalty * torch_losses.l2(module)) if penalty else None,
    )
    dataset, ours = drawn_dataset(), start
    for epoch in range(2):
        order = data.permutation(KEY, epoch, dataset.size)
        for batch in data.batches(dataset, order, 8):
            where = f"step {int(ours.step)}: "
            _, key = draw(ours, batch, None)
            images = jnp.asarray(batch.images)
            masks = convert.dropout_masks(model, ours.params, ours.state, images, key=key)
            ours, metrics = step(ours, batch)
            with convert.with_masks(module, masks):
                theirs, torch_metrics = torch_step(theirs, to_torch_dataset(batch).tensors)
            yield from pairs("metric", values_of(metrics), values_of(torch_metrics), where)
            yield from state_of(ours, theirs, start, where)


def begun(dtype, scale):
    """The start of a training: parameters, running statistics, no step taken."""
    (_, _, start), (_, _, theirs) = both_starts(dtype, dropout=0.3)
    expected = theirs.model.state_dict()
    yield from pairs("data", convert.to_torch(start.params, start.state), expected)
    yield from pairs("data", {"step": start.step}, {"step": np.int32(theirs.step)})


def whole(dtype, scale):
    """`fit` and `make_epoch` on full batches without dropout, where no order or mask matters."""
    (model, optimizer, start), (module, torch_optimizer, _) = both_starts(dtype, dropout=0.0)
    given = {"loss": losses.softmax_cross_entropy, "epochs": 4, "batch_size": EXAMPLES}
    theirs = given | {"loss": torch_losses.softmax_cross_entropy, "seed": 0}
    held_out = drawn_dataset(seed=1)
    if dtype == "float64":  # fit draws float32; from there on make_epoch does the same in float64
        epoch = train.make_epoch(model, optimizer, given["loss"], batch_size=EXAMPLES)
        ours, history = jax.tree.map(jnp.copy, start), []
        for _ in range(given["epochs"]):
            ours, metrics = epoch(ours, jax.device_put(drawn_dataset()))
            evaluated = train.evaluate(
                model, *ours[:2], held_out, loss=given["loss"], batch_size=EXAMPLES
            )
            values = {name: float(average.value) for name, average in metrics.items()}
            history.append(values | {f"validation_{n}": v for n, v in evaluated.items()})
    else:
        result = train.fit(model, optimizer, drawn_dataset(), key=KEY, validation=held_out, **given)
        ours, history = result.train_state, result.history
    dataset, held_out = to_torch_dataset(drawn_dataset()), to_torch_dataset(held_out)
    fitted = torch_train.fit(module, torch_optimizer, dataset, validation=held_out, **theirs)
    for number, (row, expected) in enumerate(zip(history, fitted.history, strict=True)):
        names = ["loss", "accuracy", "validation_loss", "validation_accuracy"]
        only = lambda row, names=names: {n: np.asarray(row[n], dtype) for n in names}
        yield from pairs("metric", only(row), only(expected), f"epoch {number}: ")
    yield from state_of(ours, fitted.train_state, start, "after fit: ")


def applied(dtype, scale):
    """`evaluate` and `predict` in batches that leave a ragged rest, running statistics in use."""
    (model, _, start), (module, *_) = both_starts(dtype, dropout=0.3)
    dataset, torch_dataset = drawn_dataset(), to_torch_dataset(drawn_dataset())
    ours = train.evaluate(
        model, *start[:2], dataset, loss=losses.softmax_cross_entropy, batch_size=8
    )
    theirs = torch_train.evaluate(
        module, torch_dataset, loss=torch_losses.softmax_cross_entropy, batch_size=8
    )
    rounded = lambda values: {name: np.asarray(value, dtype) for name, value in values.items()}
    yield from pairs("metric", rounded(ours), rounded(theirs))
    outputs = train.predict(model, *start[:2], dataset.images, batch_size=8)
    expected = torch_train.predict(module, torch_dataset.images, batch_size=8)
    yield from pairs("layer output", {"predictions": outputs}, {"predictions": expected})


def both_parts(ours, theirs):
    """The training and the test set of both sides."""
    for name, dataset, expected in zip(("train", "test"), ours, theirs, strict=True):
        theirs = {"images": expected.images, "labels": expected.labels}
        yield from pairs("data", dataset._asdict(), theirs, f"{name} ")


def embedded(dtype, scale):
    """The complete MNIST."""
    yield from both_parts(data.load("mnist"), torch_data.load("mnist"))


def from_files(dtype, scale):
    """The complete MNIST, from the four IDX files."""
    yield from both_parts(data.load_idx(FILES), torch_data.load_idx(FILES))


def from_tfds(dtype, scale):
    """A set that TFDS has prepared."""
    with TemporaryDirectory() as folder:
        prepare(folder, "digits")
        yield from both_parts(
            data.load_tfds("digits", folder), torch_data.load_tfds("digits", folder)
        )


def in_batches(dtype, scale):
    """A data set from arrays, cut into batches in one order."""
    dataset = drawn_dataset()
    order = np.random.default_rng(0).permutation(EXAMPLES)
    ours = data.batches(data.from_arrays(*dataset), order, 8)
    theirs = torch_data.batches(torch_data.from_arrays(*dataset), order, 8)
    for batch, expected in zip(ours, theirs, strict=True):
        yield from pairs("data", batch._asdict(), dict(zip(batch._fields, expected, strict=True)))


DATA = {
    "data.load": embedded,
    "data.load_idx": from_files,
    "data.load_tfds": from_tfds,
    "data.from_arrays": in_batches,
    "data.batches": in_batches,
}
"""Rows in which nothing is computed."""

TRAINING = DATA | {
    "train.init_train_state": begun,
    "train.make_train_step": stepwise,
    "train.make_train_step penalised, augmented": partial(stepwise, penalty=0.01, flip=True),
    "train.make_epoch": whole,
    "train.fit": whole,
    "train.evaluate": applied,
    "train.predict": applied,
}
