"""Right arguments of the public functions, and wrong ones of each parameter, by its name."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn import losses, models, optim
from jaxnn.train import FitResult, init_train_state
from jaxnn.typing import Dataset
from tests.wrong_use.table import Wrong

KEY = jax.random.key(0)
IMAGES = np.zeros((4, 28, 28), np.uint8)
LABELS = np.array([0, 1, 1, 0], np.int32)
LOGITS = jnp.array([[0.5, -0.5], [1.0, 2.0], [0.0, 0.0], [1.0, 0.0]], jnp.float32)
PROBABILITIES = jnp.full((4, 2), 0.5, jnp.float32)
POINTS = Dataset(jnp.ones((4, 2), jnp.float32), jnp.array([0, 1, 1, 0], jnp.int32))
MODEL = models.mlp((2, 2))
PARAMS, STATE = MODEL.init(KEY)
OPTIMIZER = optim.sgd(0.1)
HISTORY = [{"epoch": 1, "loss": 0.5, "accuracy": 0.5}]
ROWS = [{"seed": 0, "rate": 0.1, "loss": 0.5}, {"seed": 1, "rate": 0.2, "loss": 0.4}]
VALUES = jnp.array([0.5, 1.0], jnp.float32)
SCHEDULES = [optim.constant_schedule(0.1), optim.constant_schedule(0.2)]
CHECKPOINTS = "checkpoints"
"""A folder of one checkpoint in the folder that the tests are in."""
X = np.linspace(-1, 1, 5)
BOWL = X**2 + X[:, None] ** 2
MESH = jax.make_mesh((1,), ("data",))
TRAINING = {"loss": losses.softmax_cross_entropy, "batch_size": 2}

RIGHT = {
    **{
        f"activations.{name}": {"x": VALUES}
        for name in (
            "sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "softmax",
            "log_softmax",
        )
    },
    "callbacks.early_stopping": {"patience": 1},
    "callbacks.log_learning_rate": {"schedule": SCHEDULES[0]},
    "callbacks.print_epochs": {"write": print},
    "checkpoint.save": {
        "folder": CHECKPOINTS, "train_state": PARAMS, "step": 1, "config": {}, "loss": 0.5,
    },
    "checkpoint.load": {"folder": CHECKPOINTS},
    "checkpoint.restore": {"folder": CHECKPOINTS},
    "data.batches": {"dataset": POINTS, "order": np.arange(4), "batch_size": 2},
    "data.class_names": {"name": "mnist", "num_classes": 10},
    "data.from_arrays": {"images": IMAGES, "labels": LABELS, "num_classes": 2},
    "data.load": {"name": "mnist"},
    "data.permutation": {"key": KEY, "epoch": 0, "n": 4},
    "data.shift_images": {"key": KEY, "images": IMAGES},
    "initializers.constant": {"value": 0.5},
    "initializers.normal": {"std": 0.5},
    "initializers.truncated_normal": {"std": 0.5},
    "initializers.uniform": {"bound": 0.5},
    **{
        f"initializers.{name}": {"key": KEY, "shape": (3, 2), "dtype": jnp.float32}
        for name in (
            "zeros", "lecun_normal", "lecun_uniform", "glorot_normal", "glorot_uniform",
            "he_normal", "he_uniform", "orthogonal", "torch_linear",
        )
    },
    "initializers.torch_linear_bias": {"in_size": 3},
    "interop.biased_batch_norm": {"size": 3},
    "layers.activation": {"function": jnp.tanh},
    "layers.batch_norm": {"size": 3},
    "layers.layer_norm": {"size": 3},
    "layers.normalize_images": {"mean": 0.5, "std": 0.5},
    "layers.dense": {"in_size": 3, "out_size": 2},
    "layers.dropout": {"rate": 0.5},
    "layers.intermediates": {"model": MODEL, "params": PARAMS, "state": STATE, "x": POINTS.images},
    "layers.keep_mask": {"key": KEY, "rate": 0.5, "shape": (2,)},
    "layers.apply_mask": {"x": VALUES, "mask": jnp.array([True, False]), "rate": 0.5},
    "losses.l1": {"params": PARAMS},
    "losses.l2": {"params": PARAMS},
    "losses.softmax_cross_entropy": {"logits": LOGITS, "labels": LABELS},
    "losses.cross_entropy": {"probabilities": PROBABILITIES, "labels": LABELS},
    "losses.binary_cross_entropy": {
        "probabilities": PROBABILITIES[:, 0], "labels": LABELS.astype(np.float32),
    },
    "losses.sigmoid_binary_cross_entropy": {
        "logits": LOGITS[:, 0], "labels": LABELS.astype(np.float32),
    },
    "losses.squared_error": {"predictions": LOGITS, "targets": LOGITS},
    "losses.absolute_error": {"predictions": LOGITS, "targets": LOGITS},
    "losses.huber": {"predictions": LOGITS, "targets": LOGITS},
    "losses.kl_divergence": {"log_probabilities": jnp.log(PROBABILITIES), "targets": PROBABILITIES},
    "losses.mean": {"values": VALUES, "weights": VALUES},
    "metrics.accuracy": {"logits": LOGITS, "labels": LABELS},
    "metrics.top_k_accuracy": {"logits": LOGITS, "labels": LABELS, "k": 1},
    "metrics.confusion_matrix": {"logits": LOGITS, "labels": LABELS},
    "metrics.average": {"values": VALUES},
    "metrics.calibration": {"probabilities": PROBABILITIES, "labels": LABELS},
    "models.mlp": {"sizes": (2, 3, 2)},
    "models.image_classifier": {"image_shape": (28, 28), "hidden": (3,), "classes": 2},
    **{
        f"optim.{name}": {"learning_rate": 0.1}
        for name in (
            "adagrad", "adam", "adamw", "amsgrad", "nadam", "rmsprop", "sgd",
            "scale_by_learning_rate",
        )
    },
    "optim.add_decayed_weights": {"weight_decay": 0.1},
    "optim.clip": {"max_delta": 1.0},
    "optim.clip_by_global_norm": {"max_norm": 1.0},
    "optim.constant_schedule": {"value": 0.1},
    "optim.cosine_decay_schedule": {"init_value": 0.1, "decay_steps": 10},
    "optim.exponential_decay": {"init_value": 0.1, "transition_steps": 10, "decay_rate": 0.5},
    "optim.join_schedules": {"schedules": SCHEDULES, "boundaries": [5]},
    "optim.linear_schedule": {"init_value": 0.1, "end_value": 0.0, "transition_steps": 10},
    "optim.piecewise_constant_schedule": {
        "init_value": 0.1, "boundaries_and_scales": {5: 0.1},
    },
    "optim.scale": {"step_size": 0.1},
    "optim.scale_by_adam": {},
    "optim.scale_by_amsgrad": {},
    "optim.scale_by_rms": {},
    "optim.scale_by_rss": {},
    "optim.scale_by_schedule": {"step_size_fn": SCHEDULES[0]},
    "optim.scale_by_stddev": {},
    "optim.trace": {"decay": 0.9},
    "optim.warmup_cosine_decay_schedule": {
        "init_value": 0.0, "peak_value": 0.1, "warmup_steps": 5, "decay_steps": 10,
    },
    "parallel.replicate": {"train_state": PARAMS, "mesh": MESH},
    "parallel.shard": {"dataset": POINTS, "mesh": MESH},
    "parallel.shardings": {"train_state": PARAMS, "mesh": MESH},
    "plots.activation_curves": {"x": X, "values": {"tanh": X}, "derivatives": {"tanh": X}},
    "plots.compare_layer_histograms": {"panels": {"he": {"0/dense": X}}},
    "plots.layer_histograms": {"values_by_layer": {"0/dense": X}},
    "plots.loss_landscape": {"x": X, "y": X, "losses": BOWL},
    "plots.loss_surface": {"x": X, "y": X, "losses": BOWL},
    "plots.parallel_coordinates": {"rows": ROWS, "names": ["rate", "seed"]},
    "plots.seed_curves": {"rows": ROWS, "curves": [HISTORY, HISTORY], "by": "rate"},
    "plots.accuracy_curves": {"history": HISTORY},
    "plots.loss_curves": {"history": HISTORY},
    "plots.confusion_matrix": {"matrix": np.eye(2, dtype=int), "class_names": ["0", "1"]},
    "plots.class_table": {"matrix": np.eye(2, dtype=int), "class_names": ["0", "1"]},
    "plots.heat_map": {"rows": ROWS, "x": "rate", "y": "seed", "metric": "loss"},
    "plots.sample_images": {"images": IMAGES, "labels": LABELS},
    "plots.predictions": {
        "images": IMAGES, "labels": LABELS, "probabilities": np.asarray(PROBABILITIES),
    },
    "plots.worst_errors": {
        "images": IMAGES, "labels": LABELS, "probabilities": np.asarray(PROBABILITIES), "count": 2,
    },
    "train.evaluate": {
        "model": MODEL, "params": PARAMS, "state": STATE, "dataset": POINTS, **TRAINING,
    },
    "train.predict": {
        "model": MODEL, "params": PARAMS, "state": STATE, "inputs": POINTS.images, "batch_size": 2,
    },
    "train.make_epoch": {"model": MODEL, "optimizer": OPTIMIZER, **TRAINING},
    "streaming.make_epoch": {"model": MODEL, "optimizer": OPTIMIZER, **TRAINING},
    "streaming.make_pieces": {"step": lambda train_state, batch: None, "batch_size": 2},
    "train.fit": {
        "model": MODEL, "optimizer": OPTIMIZER, "dataset": POINTS, "epochs": 1, "key": KEY,
        **TRAINING,
    },
    "sweep.fit": {
        "make": lambda rate: (MODEL, optim.sgd(rate)), "grid": {"rate": [0.1]}, "dataset": POINTS,
        "epochs": 1, "key": KEY, **TRAINING,
    },
    "data.Dataset.split": {"self": POINTS, "fraction": 0.5, "key": KEY},
    "typing.Dataset.split": {"self": POINTS, "fraction": 0.5, "key": KEY},
}  # fmt: skip
"""Arguments with which each function works; a test sees to it."""


def standing(model, history) -> FitResult:
    """A training of another model, or of another number of steps than its history has."""
    return FitResult(init_train_state(model, OPTIMIZER, KEY), history, None)


INTEGERS = jnp.array([1, 2])
SMALLER = [0, -1, 2.5, True]
NO_SHARE = [1.5, -0.1, "much"]

WRONG = {
    "in_size": SMALLER, "out_size": SMALLER, "size": SMALLER, "epochs": SMALLER,
    "batch_size": SMALLER, "patience": SMALLER, "bins": SMALLER, "chunk_bytes": SMALLER,
    "together": [0, 2.5], "n": SMALLER[:3], "epoch": [-1],
    "rate": [1.0, -0.1, "half", None, float("nan")], "dropout": [1.0, -0.1, "half"],
    "epsilon": [0.0, -1.0, "small"], "momentum": NO_SHARE,
    "std": [-1.0], "bound": [-1.0, "wide"],
    "x": [INTEGERS],
    "label_smoothing": [2.0, -0.1, "some"], "class_weights": [VALUES[:1]], "delta": [0.0, -1.0],
    "logits": [INTEGERS, LOGITS[0, 0]], "probabilities": [INTEGERS, PROBABILITIES[0, 0]],
    "log_probabilities": [INTEGERS, PROBABILITIES[0, 0]],
    "predictions": [INTEGERS, LOGITS[0, 0]],
    "targets": [LOGITS[:3], LOGITS.astype(jnp.float16)],
    "labels": [LABELS[:3], np.array([0, 1, 2, 9])],
    "metrics.average values": [VALUES[0]], "weights": [VALUES[:1]],
    "names": [("nothing",)], "k": [0, 3], "mask": [jnp.array([True])],
    "shape": [(3,)], "dtype": [jnp.int32],
    "sizes": [(2,), (2, 0, 2), ()], "image_shape": [(0, 28), ()], "hidden": [(0,), (2.5,)],
    "classes": [0, 2.5],
    "learning_rate": ["fast"], "b1": NO_SHARE, "b2": NO_SHARE, "decay": NO_SHARE,
    "eps": [-1.0, "small"], "eps_root": [-1.0, "small"], "weight_decay": ["some"],
    "initial_scale": [-1.0], "initial_accumulator_value": [-1.0],
    "max_norm": [-1.0, "large"], "max_delta": [-1.0, "large"],
    "value": ["much"], "init_value": ["much"], "end_value": ["much"], "peak_value": ["much"],
    "step_size": ["much"], "step_size_fn": [0.1], "exponent": ["much"],
    "decay_steps": [0, -1], "warmup_steps": [-1, 20], "decay_rate": [-0.5, "much"],
    "boundaries": [[5, 6], [-1]], "boundaries_and_scales": [{-1: 0.5}, {5: -0.1}],
    "history": [[], Wrong([{"loss": 0.5}], "['loss'] in row 0")],
    "matrix": [np.ones((2, 3), int), np.ones(2, int)],
    "class_names": [["0"]], "count": [0], "metric": ["nothing"],
    "images": [IMAGES[:3]], "num_classes": [0], "max_shift": [-1, 1.5],
    "dataset": [POINTS._replace(labels=POINTS.labels[:3])],
    "validation": [POINTS._replace(labels=POINTS.labels[:3])],
    "name": ["mnits"], "order": [np.array([0, 4]), np.array([0.5])],
    "grid": [{"rate": []}, []], "on_nonfinite": ["go"],
    "inputs": [Wrong(jnp.ones((4, 3), jnp.float32), "(2, 3)"), jnp.ones((4, 2), jnp.int32)],
    "mesh": [Wrong(jax.make_mesh((1,), ("rows",)), "('rows',)")],
    "keep": SMALLER, "schedule": ["cosine"], "write": ["stdout"], "function": ["tanh"],
    "stop": [3.5], "callbacks": [Wrong([3.5], "3.5")], "fraction": [0.0, 1.0, "half"],
    "resume": [
        Wrong(standing(models.mlp((2, 3)), []), "float32 of shape (3,)"),
        Wrong(standing(MODEL, HISTORY), "0"),
    ],
    "checkpoint.save step": [-1, 10**10, "last"],
    "checkpoint.load step": ["first", 2.5], "checkpoint.restore step": ["first", 2.5],
    "plots.activation_curves x": [BOWL], "plots.loss_landscape x": [BOWL, Wrong(X[:1], "[-1.]")],
    "plots.loss_surface x": [BOWL, Wrong(X[:1], "[-1.]")],
    "y": [BOWL, Wrong(X[:1], "[-1.]")], "losses": [X, Wrong(BOWL * np.nan, "none")],
    "plots.activation_curves values": [{}, Wrong({"relu": X}, "['relu']")],
    "derivatives": [{}, Wrong({"relu": X}, "['relu']"), Wrong({"tanh": X[:4]}, "(4,)")],
    "panels": [{}], "values_by_layer": [{}, Wrong({"0/dense": []}, "0")],
    "rows": [[]], "by": ["nothing"], "plots.heat_map x": ["nothing"],
    "plots.heat_map y": ["nothing"], "plots.parallel_coordinates names": [[], ["nothing"]],
}  # fmt: skip
"""Wrong values of each parameter, by its name, or by the function's and its own."""
