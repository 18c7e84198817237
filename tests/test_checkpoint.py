"""Checkpoints: what is read is what was written, and what does not fit is refused by name."""

import inspect
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnn import checkpoint, metrics, models, optim, pytrees, sealed, train

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


def steps_in(folder):
    return sorted(int(path.stem.removeprefix("step-")) for path in folder.iterdir())


@pytest.mark.parametrize(("keep", "expected"), [(1, [2, 5]), (2, [2, 4, 5]), (4, [2, 3, 4, 5])])
def test_the_newest_and_the_best_are_kept(tmp_path, keep, expected):
    for step, loss in [(1, 0.5), (2, 0.3), (3, 0.4), (4, 0.6), (5, float("nan"))]:
        checkpoint.save(tmp_path, make(step), step=step, config={}, loss=loss, keep=keep)
    assert steps_in(tmp_path) == expected
    assert_same(checkpoint.restore(tmp_path, make(), step="best"), make(2))
    assert_same(checkpoint.restore(tmp_path, make(), step="latest"), make(5))
    assert [checkpoint.best(tmp_path).name, checkpoint.latest(tmp_path).name] == [
        "step-0000000002.safetensors",
        "step-0000000005.safetensors",
    ]


OPTIMIZERS = {
    name: getattr(optim, name)
    for name in ("sgd", "rmsprop", "adam", "adamw", "amsgrad", "nadam", "adagrad")
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("rate", [0.1, optim.linear_schedule(0.1, 0.0, 9)], ids=["fixed", "falls"])
def test_a_training_state_of_our_own_needs_no_template(tmp_path, name, rate):
    settings = {"momentum": 0.9} if name in ("sgd", "rmsprop") else {}
    optimizer = optim.chain(optim.clip_by_global_norm(1.0), OPTIMIZERS[name](rate, **settings))
    saved = train.init_train_state(MODEL, optimizer, jax.random.key(1))
    checkpoint.save(tmp_path, saved, step=5, config={}, loss=0.5)
    assert_same(checkpoint.restore(tmp_path), saved)


def test_every_state_of_an_optimizer_can_be_made_again():
    """A named tuple that `pytrees` does not know would ask every user for a template."""
    modules = [module for module in vars(optim).values() if inspect.ismodule(module)]
    states = {
        name
        for module in modules
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, tuple) and hasattr(value, "_fields")
    }
    assert states - {"GradientTransformation"} <= pytrees.CLASSES.keys()
    assert {"ScaleByAdamState", "TraceState", "MaskedState"} <= states


class Foreign(NamedTuple):
    kernel: jax.Array


def test_a_class_of_others_needs_a_template(tmp_path):
    saved = {"theirs": Foreign(jnp.arange(3))}
    checkpoint.save(tmp_path, saved, step=5, config={}, loss=0.5)
    with pytest.raises(ValueError, match=r"safetensors: 'tests.test_checkpoint.Foreign' is no cl"):
        checkpoint.restore(tmp_path)
    assert_same(checkpoint.restore(tmp_path, saved), saved)


def test_history_configuration_and_an_unfinished_epoch_come_back(tmp_path):
    history = [{"epoch": 1, "loss": 0.1 + 0.2}, {"epoch": 2, "loss": float("nan")}]
    measured = {"loss": metrics.Average(np.float32([1, 2]), np.int32([3, 3]))}
    checkpoint.save(
        tmp_path, make(), step=5, config={"θ": [1]}, loss=0.5, history=history, measured=measured
    )
    found = checkpoint.load(tmp_path)
    assert repr(found.history) == repr(history)
    assert found.config == {"θ": [1]}
    assert_same(found.measured, jax.tree.map(jnp.asarray, measured))


@pytest.mark.parametrize("which", ["latest", "best"])
@pytest.mark.parametrize("damage", [b"", b"not a checkpoint", None])
def test_a_damaged_checkpoint_is_passed_over_and_it_is_said(tmp_path, which, damage):
    checkpoint.save(tmp_path, make(1), step=1, config={}, loss=0.5)
    path = checkpoint.save(tmp_path, make(2), step=2, config={}, loss=0.4)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    said = r"step-0000000002\.safetensors: .*; step-0000000001\.safetensors is used"
    with pytest.warns(UserWarning, match=said):
        assert_same(checkpoint.restore(tmp_path, step=which), make(1))
    with pytest.raises(ValueError, match=r"step-0000000002\.safetensors: (damaged|not a sealed)"):
        checkpoint.restore(tmp_path, step=2)


def test_what_a_killed_process_has_begun_is_removed_and_links_are_not_read(tmp_path):
    folder = tmp_path / "checkpoints"
    path = checkpoint.save(folder, make(1), step=1, config={}, loss=0.5)
    (folder / ".step-0000000003.safetensors.x1y2").write_bytes(path.read_bytes()[:100])
    path.rename(tmp_path / "elsewhere.safetensors")
    (folder / "step-0000000009.safetensors").symlink_to(tmp_path / "elsewhere.safetensors")
    with pytest.raises(FileNotFoundError, match="no checkpoint"):
        checkpoint.restore(folder)
    checkpoint.save(folder, make(2), step=2, config={}, loss=0.5)
    assert not [*folder.glob(".step-*")]
    assert_same(checkpoint.restore(folder), make(2))


@pytest.mark.parametrize("step", [-1, 10**10])
def test_a_step_that_no_name_can_hold_is_refused(tmp_path, step):
    with pytest.raises(
        ValueError, match=rf"step must be a number in \[0, 9999999999\], got {step}"
    ):
        checkpoint.save(tmp_path, make(), step=step, config={}, loss=0.5)


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
    with pytest.raises(ValueError, match=r"step-0000000005\.safetensors: (damaged|not a sealed)"):
        checkpoint.restore(tmp_path, make())


def test_another_safetensors_file_is_refused(tmp_path):
    from safetensors.numpy import save_file

    save_file({"kernel": np.ones(3)}, tmp_path / "step-0000000001.safetensors")
    with pytest.raises(ValueError, match=r"step-0000000001\.safetensors: not a sealed file"):
        checkpoint.restore(tmp_path, make())
    content = sealed.to_bytes({"kernel": np.ones(3)}, {"format": "jaxnn 9"})
    (tmp_path / "step-0000000001.safetensors").write_bytes(content)
    with pytest.raises(
        ValueError, match="expected a checkpoint of format 'jaxnn 2', got 'jaxnn 9'"
    ):
        checkpoint.restore(tmp_path, make())
