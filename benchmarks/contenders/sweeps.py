"""Many trainings of the lecture's network: learning rates times seeds, an epoch of each."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.contenders.members import BATCH_SIZE, members
from benchmarks.contenders.mnist import training
from jaxnn import data, losses, models, optim, train
from jaxnn.typing import Dataset

LOSS = losses.softmax_cross_entropy


def naive_vmap(runs, examples):
    """`jax.vmap` of the whole training step, each run with an order of its own, in `lax.scan`."""
    rates, seeds = (jnp.asarray(column) for column in zip(*members(runs), strict=True))
    dataset = jax.device_put(Dataset(*training(examples)))
    model = models.simple_nn()

    def start(rate, seed):
        return train.init_train_state(model, optim.adam(rate), jax.random.key(seed))

    @partial(jax.vmap, in_axes=(0, 0, 0, None))
    def step(rate, train_state, batch, dataset):
        one_step = train.make_train_step(model, optim.adam(rate), LOSS)
        return one_step(train_state, jax.tree.map(lambda array: array[batch], dataset))

    @jax.jit
    def sweep(rates, seeds, dataset):
        states = jax.vmap(start)(rates, seeds)
        orders = jax.vmap(lambda key: data.permutation(key, 0, examples))(states.key)
        batches = orders.reshape(runs, -1, BATCH_SIZE).swapaxes(0, 1)
        step_on = lambda states, batch: step(rates, states, batch, dataset)
        _, metrics = jax.lax.scan(step_on, states, batches)
        return metrics["loss"].sum.sum(0) / examples

    return lambda: {"runs": runs, "loss": float(jnp.mean(sweep(rates, seeds, dataset)))}


def jaxnn_sweep(runs, examples):
    """`jaxnn.sweep.fit`."""
    from jaxnn.sweep import fit

    dataset = Dataset(*training(examples))
    make = lambda learning_rate: (models.simple_nn(), optim.adam(learning_rate))
    grid = [{"learning_rate": rate, "seed": seed} for rate, seed in members(runs)]

    def run():
        result = fit(
            make, grid, dataset, loss=LOSS, epochs=1, batch_size=BATCH_SIZE, key=jax.random.key(0)
        )
        return {"runs": runs, "loss": float(np.mean([row["loss"] for row in result.rows]))}

    return run
