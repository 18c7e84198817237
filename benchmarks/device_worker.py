"""One training on devices of one process, or on those of several: leaves its numbers in a folder.

    python -m benchmarks.device_worker FOLDER --dtypes float64 --meshes none 8 4x2
    python -m benchmarks.device_worker FOLDER --process 0 2 localhost:12345 --meshes 2

`benchmarks.devices` starts it and compares; `tests/test_parallel.py` as well.
"""

import argparse
import json
import math
from dataclasses import replace
from functools import partial
from pathlib import Path

import jax
import numpy as np

from jaxnn import data, losses, models, optim, train
from jaxnn.typing import Dataset

EXAMPLES, HELD_OUT, BATCH_SIZE = 301, 99, 64
"""No number of devices divides the examples, or the last batch of 45."""


def trained(dtype, mesh, hidden, epochs):
    """What a training changes and reports: batch norm, dropout, momentum and a schedule."""
    compiled, so_far = [], []
    listen = lambda event, duration, **details: compiled.append(event)
    jax.monitoring.register_event_duration_secs_listener(listen)
    train_set, test_set = data.load("mnist")
    model = models.image_classifier((28, 28), hidden, 10, batch_norm=True, dropout=0.2)
    batches = []
    model = replace(
        model,
        init=lambda key, _, init=model.init: init(key, dtype),
        apply=partial(watched, model, batches),
    )
    steps = epochs * math.ceil(EXAMPLES / BATCH_SIZE)
    optimizer = optim.sgd(optim.cosine_decay_schedule(0.1, steps), momentum=0.9)
    key = jax.random.key(0)
    result = train.fit(
        model,
        optimizer,
        Dataset(train_set.images[:EXAMPLES], train_set.labels[:EXAMPLES]),
        loss=losses.softmax_cross_entropy,
        epochs=epochs,
        batch_size=BATCH_SIZE,
        key=key,
        validation=Dataset(test_set.images[:HELD_OUT], test_set.labels[:HELD_OUT]),
        callbacks=[lambda progress: so_far.append(len(compiled))],
        mesh=mesh,
    )
    jax.monitoring.unregister_event_duration_listener(listen)
    start = flat(train.init_train_state(model, optimizer, key))
    leaves = jax.tree.leaves(result.train_state._replace(key=()))
    return {
        "change": (flat(result.train_state) - start).tolist(),
        "history": result.history,
        "split over": [list(getattr(sharding, "spec", [])) for sharding in batches],
        "compiled in the last epoch": compiled[so_far[-2] : so_far[-1]],
        "bytes on a device": sum(leaf.addressable_data(0).nbytes for leaf in leaves),
    }


def watched(model, batches, params, state, x, **options):
    """The model, which notes how the compiled program splits its batches."""
    jax.debug.inspect_array_sharding(x, callback=batches.append)
    return model.apply(params, state, x, **options)


def flat(train_state):
    """All numbers of a training state but its key, as one vector."""
    leaves = jax.tree.leaves(train_state._replace(key=()))
    return np.concatenate([np.ravel(leaf).astype(np.float64) for leaf in leaves])


def make_mesh(name):
    """`4` is a mesh of four devices, `4x2` has an axis "model" of two, `none` is one device."""
    if name == "none":
        return None
    shape = tuple(map(int, name.split("x")))
    devices = jax.devices()[: math.prod(shape)]
    return jax.make_mesh(shape, ("data", "model")[: len(shape)], devices=devices)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--process", nargs=3, metavar=("INDEX", "COUNT", "HOST:PORT"))
    parser.add_argument("--devices", type=int, default=1)
    parser.add_argument("--dtypes", nargs="+", default=["float64"])
    parser.add_argument("--meshes", nargs="+", required=True)
    parser.add_argument("--hidden", nargs="+", type=int, default=[16])
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--compile-quickly", action="store_true")
    arguments = parser.parse_args()
    jax.config.update("jax_num_cpu_devices", arguments.devices)
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_disable_most_optimizations", arguments.compile_quickly)
    if arguments.process:
        index, count, coordinator = arguments.process
        jax.distributed.initialize(coordinator, int(count), int(index))
    for dtype in arguments.dtypes:
        for name in arguments.meshes:
            mesh = make_mesh(name)
            found = trained(np.dtype(dtype), mesh, arguments.hidden, arguments.epochs)
            if jax.process_index() == 0:
                path = arguments.folder / f"{dtype}-{name}-{jax.process_count()}.json"
                path.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
