"""Checkpoints: what is read is what was written, and what does not fit is refused by name."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnn import checkpoint, models, optim, train

MODEL = models.image_classifier((4, 4), (8,), 3, batch_norm=True, dropout=0.1)
OPTIMIZER = optim.chain(optim.clip_by_global_norm(1.0), optim.adam(1e-3))


def make(seed: int = 0, dtype=jnp.float32, impl: str | None = None):
    return train.init_train_state(MODEL, OPTIMIZER, jax.random.key(seed, impl=impl), dtype)


def assert_same(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        assert x.dtype == y.dtype
        if jnp.issubdtype(x.dtype, jax.dtypes.prng_key):
            x, y = jax.random.key_data(x), jax.random.key_data(y)
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64, jnp.bfloat16])
@pytest.mark.parametrize("impl", ["threefry2x32", "rbg"])
def test_a_training_state_comes_back_as_it_was(tmp_path, dtype, impl):
    saved = make(1, dtype, impl)
    checkpoint.save(tmp_path, saved, step=5, config={"θ": 1}, loss=0.5)
    assert_same(checkpoint.restore(tmp_path, make(2, dtype, impl)), saved)
    template = jax.eval_shape(lambda: make(2, dtype, impl))
    assert_same(checkpoint.restore(tmp_path, template, step=5), saved)


def test_the_newest_and_the_best_are_kept(tmp_path):
    for step, loss in [(1, 0.5), (2, 0.3), (3, 0.4), (4, 0.6), (5, float("nan"))]:
        checkpoint.save(tmp_path, make(step), step=step, config={}, loss=loss)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "step-0000000002.safetensors",
        "step-0000000005.safetensors",
    ]
    assert_same(checkpoint.restore(tmp_path, make(), step="best"), make(2))
    assert_same(checkpoint.restore(tmp_path, make(), step="latest"), make(5))


def test_a_checkpoint_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="no checkpoint"):
        checkpoint.restore(tmp_path / "nowhere", make())
    checkpoint.save(tmp_path, make(), step=5, config={}, loss=0.5)
    with pytest.raises(FileNotFoundError, match="step=4"):
        checkpoint.restore(tmp_path, make(), step=4)


def test_a_template_that_does_not_fit_is_told_what_differs(tmp_path):
    checkpoint.save(tmp_path, make(), step=5, config={}, loss=0.5)
    with pytest.raises(
        ValueError, match=r"\.params\[2\]\['bias'\] must be float64 of shape \(8,\)"
    ):
        checkpoint.restore(tmp_path, make(dtype=jnp.float64))
    smaller = train.init_train_state(models.mlp((4, 3)), OPTIMIZER, jax.random.key(0))
    with pytest.raises(ValueError, match=r"arrays missing: \[.*\]; arrays not expected: \["):
        checkpoint.restore(tmp_path, smaller)


@pytest.mark.parametrize("damage", [b"", b"not a checkpoint", None])
def test_a_file_that_is_damaged_is_refused_by_name(tmp_path, damage):
    path = checkpoint.save(tmp_path, make(), step=5, config={}, loss=0.5)
    path.write_bytes(path.read_bytes()[:-100] if damage is None else damage)
    with pytest.raises(ValueError, match=r"step-0000000005\.safetensors: not a checkpoint"):
        checkpoint.restore(tmp_path, make())


def test_another_safetensors_file_is_refused(tmp_path):
    from safetensors.numpy import save_file

    save_file({"kernel": np.ones(3)}, tmp_path / "step-0000000001.safetensors")
    with pytest.raises(ValueError, match="expected a checkpoint of format 'jaxnn 1', got None"):
        checkpoint.restore(tmp_path, make())
