"""Counts at the end of int32: those of steps stay there, sums that would pass it are refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import nnx
from optax import safe_increment

from jaxnn import interop, layers, losses, metrics, optim
from jaxnn.optim.averages import next_count
from jaxnn.pieces import total
from jaxnn.train import init_train_state, make_epoch, make_train_step
from jaxnn.typing import Dataset
from torch_port import metrics as torch_metrics
from torch_port.normalization import BatchNorm

LAST = np.int32(2**31 - 1)
MODEL = layers.serial(layers.dense(2, 3), layers.batch_norm(3), layers.dense(3, 2))
SCHEDULE = optim.warmup_cosine_decay_schedule(0.0, 0.1, 10, 100, end_value=0.01)
OPTIMIZERS = {
    "adam of a schedule": optim.adam(SCHEDULE),
    "amsgrad": optim.amsgrad(0.1),
    "adamw of scheduled decay": optim.adamw(0.1, weight_decay=SCHEDULE),
    "centred rmsprop": optim.rmsprop(0.1, centered=True, bias_correction=True),
}
DATA = Dataset(jnp.array([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]]), jnp.array([0, 1, 1], jnp.int32))


def is_count(leaf) -> bool:
    return jnp.issubdtype(leaf.dtype, jnp.integer)


def at_the_last_count(tree):
    return jax.tree.map(lambda leaf: jnp.asarray(LAST) if is_count(leaf) else leaf, tree)


def start(optimizer):
    return at_the_last_count(init_train_state(MODEL, optimizer, jax.random.key(0), jnp.float64))


@pytest.mark.parametrize("count", [0, 1, 2**31 - 2, 2**31 - 1])
def test_counts_as_optax_does(count):
    assert next_count(jnp.int32(count)) == safe_increment(jnp.int32(count))


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_step_after_the_last_goes_on_and_counts_no_further(optimizer):
    step = jax.jit(make_train_step(MODEL, optimizer, losses.softmax_cross_entropy))
    before = start(optimizer)
    after, measured = step(before, DATA)
    counts = [leaf for leaf in jax.tree.leaves(after) if is_count(leaf)]
    assert len(counts) >= 3  # of the training, of batch norm, of the optimiser
    assert {*map(int, counts)} == {LAST}
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(after.params))
    assert (after.params[0]["kernel"] != before.params[0]["kernel"]).any()
    assert jnp.isfinite(measured["loss"].value)


def test_an_epoch_after_the_last_step_takes_each_example_once():
    epoch = make_epoch(MODEL, optim.adam(0.1), losses.softmax_cross_entropy, batch_size=3)
    after, measured = epoch(start(optim.adam(0.1)), DATA)
    assert (after.step, measured["loss"].count) == (LAST, 3)
    assert 0 < measured["loss"].value < jnp.inf


def test_batch_norms_of_flax_count_no_further():
    params, state = MODEL.init(jax.random.key(0))
    state, images = at_the_last_count(state), DATA.images.astype(jnp.float32)
    module, variables = interop.to_linen(MODEL, params, state)
    _, changed = module.apply(variables, images, train=True, mutable=["batch_stats"])
    graph = interop.to_nnx(MODEL, params, state, rngs=nnx.Rngs(0))
    graph.train()
    graph(images)
    _, _, after_linen = interop.from_linen(module, {**variables, **changed})
    _, _, after_nnx = interop.from_nnx(graph)
    assert after_linen[1]["count"] == after_nnx[1]["count"] == LAST


def test_the_twin_counts_in_64_bits():
    layer = BatchNorm(2)
    layer.num_batches_tracked = torch.tensor(int(LAST))
    layer(torch.eye(2))
    assert layer.num_batches_tracked == int(LAST) + 1
    many = torch_metrics.Average(torch.tensor(1.0), torch.tensor(int(LAST)))
    assert torch_metrics.merge(many, many).count == 2 * int(LAST)


@pytest.mark.parametrize("of", [jnp.asarray, np.asarray], ids=["jax", "numpy"])
def test_sums_that_int32_cannot_hold_are_refused(of):
    all_right = metrics.Average(of(np.float32(1)), of(LAST))
    one_more = metrics.Average(of(np.float32(1)), of(np.array(1, np.int32)))
    assert metrics.merge(all_right).count == LAST
    with pytest.raises(OverflowError, match="merge: sums must fit into int32, got 2147483648"):
        metrics.merge({"loss": all_right}, {"loss": one_more})


def test_stacks_that_int32_cannot_hold_are_refused():
    stacked = metrics.Average(jnp.ones(3), jnp.array([2**30, 2**30, 1], jnp.int32))
    with pytest.raises(OverflowError, match="total: sums must fit into int32, got 2147483649"):
        metrics.total(stacked)
    assert metrics.total(jax.tree.map(lambda x: x[1:], stacked)).count == 2**30 + 1


def test_sums_of_an_epoch_on_the_host_have_64_bits():
    steps = {"loss": metrics.Average(np.ones(3, np.float32), np.full(3, LAST))}
    with jax.enable_x64(False):
        assert total(steps, full=2)["loss"].count == 3 * int(LAST)
