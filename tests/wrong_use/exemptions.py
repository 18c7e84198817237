"""What has no rows in the table of wrong uses, each with its reason, and what others report.

A name that no longer needs its exemption fails the tests too.
"""

TAKES_ANYTHING = {
    "a pytree of the caller's": {
        "params", "state", "updates", "metrics", "train_state", "measured", "data", "template",
    },
    "a layer, an optimiser or a function of the caller's, which fails where it is used": {
        "model", "optimizer", "loss", "augment", "penalty", "make", "layer", "layers", "combine",
        "inner", "transformations", "schedules", "activation", "kernel_init", "bias_init",
        "rngs", "step", "module", "variables",
    },
    "true or false": {
        "approximate", "batch_norm", "use_bias", "nesterov", "staircase", "eps_in_sqrt", "centered",
        "bias_correction", "bias_correction_mu", "bias_correction_nu", "flip_sign", "train",
        "softmax_output", "whole", "mask_compatible_extra_args",
    },
    "what JAX and NumPy check themselves": {
        "key", "axis", "mu_dtype", "accumulator_dtype", "negative_slope", "alpha",
        "transition_steps", "transition_begin", "values", "ignore_label", "indices", "mean",
    },
    "files and folders, which tests/cli and tests/data remove, cut and forbid": {
        "folder", "path", "out", "data_dir", "content",
    },
    "anything that JSON holds": {"config", "what"},
    "options of `mlp`, which checks them": {"mlp_options"},
}  # fmt: skip
"""Parameters that need no row, wherever they are. A function of these alone is named below."""

FREE = {
    "callbacks.early_stopping metric": "the history says, when it is called",
    "checkpoint.save history": "anything that JSON holds",
    "checkpoint.save loss": "any number, one that is not finite as well",
    "data.class_names name": "of unknown names the numbers of the classes are given",
    "data.shift_images images": "any images have a shape",
    "initializers.zeros shape": "of any shape",
    "layers.keep_mask shape": "of any shape",
    "optim.adamw mask": "a prefix of the tree, as Optax has it: tests/optim/test_masked.py",
    "optim.add_decayed_weights mask": "the same",
    "plots.compare_layer_histograms quantity": "any words",
    "plots.layer_histograms quantity": "any words",
    "parallel.shard dataset": "more images than labels: the last part is filled up",
    "plots.sample_images labels": "of more classes than names are shown as numbers",
    "plots.seed_curves curves": "those of the rows, as `sweep.fit` makes them",
    "plots.loss_landscape paths": "none or many: tests/plots/test_wrong_input.py",
    "train.evaluate dataset": "on a mesh more images than labels: the last part is filled up",
}
"""Parameters that take what others of their name do not, or anything, and why."""

WITHOUT_ROWS = {
    "callbacks.append_history": "a file",
    "callbacks.bar": "draws any total, and nothing is computed from it",
    "callbacks.plot_curves": "a folder",
    "callbacks.progress_bar": "draws any total, and nothing is computed from it",
    "callbacks.save_checkpoints": "a folder and what JSON holds",
    "checkpoint.best": "a folder: tests/test_checkpoint.py",
    "checkpoint.latest": "a folder: tests/test_checkpoint.py",
    "checkpoint.unpack": "the content of a file: tests/test_checkpoint.py and fuzzing",
    "data.load_idx": "a folder: tests/data/test_idx.py and tests/test_wrong_use.py",
    "data.load_tfds": "prepared sets on disk: tests/data/test_tfds.py",
    "data.read_idx": "a file: tests/data/test_idx.py and tests/test_wrong_use.py",
    "data.read_image": "a file: tests/data/test_digits.py and fuzzing",
    "interop.from_linen": "a model of Flax: tests/interop/test_flax_refusals.py",
    "interop.from_nnx": "a model of Flax: tests/interop/test_flax_refusals.py",
    "interop.to_linen": "a model: tests/interop/test_flax_refusals.py",
    "interop.to_nnx": "a model: tests/interop/test_flax_refusals.py",
    "layers.branches": "layers by position: tests/test_wrong_use.py",
    "layers.map_layers": "a function of the caller's on layers that checked themselves",
    "layers.residual": "a layer, checked where it is used: tests/test_wrong_use.py",
    "layers.serial": "layers, which checked themselves",
    "layers.summary": "a layer, which checked itself",
    "metrics.merge": "metrics that these functions made",
    "metrics.total": "metrics that these functions made",
    "metrics.values": "metrics that these functions made",
    "models.simple_nn": "true or false",
    "optim.apply_updates": "two pytrees: tests/optim/test_wrong_arguments.py",
    "optim.chain": "transformations by position: tests/optim/test_wrong_arguments.py",
    "optim.global_norm": "any pytree of arrays",
    "optim.masked": "a mask of a tree: tests/optim/test_wrong_arguments.py",
    "parallel.keep": "pytrees, traced",
    "parallel.take": "pytrees and indices, traced: like an array, JAX clamps them",
    "plots.save": "a figure and a path: tests/plots/test_every_figure.py",
    "plots.write_report": "a page of whatever a run holds: tests/plots/test_report.py",
    "streaming.from_source": "a source of the caller's: tests/test_streaming.py",
    "streaming.open_npy": "files: tests/test_streaming.py",
    "streaming.open_tfds": "prepared sets on disk: tests/test_streaming.py",
    "streaming.chunks": "a context manager inside `make_pieces`, which has checked",
    "streaming.pieces_of": "what `fit` has checked",
    "streaming.to_device": "a data set that `fit` has checked",
}
"""Public functions that have parameters and no rows, and why."""

RECORDS = {
    "checkpoint.Checkpoint": "made by `load`",
    "metrics.Average": "a sum and a count, traced",
    "metrics.Calibration": "made by `calibration`",
    "sweep.SweepResult": "made by `sweep.fit`",
    "sweep.SweepResult.to_csv": "a file: tests/sweep/test_sweep.py",
    "train.FitResult": "made by `fit`, which checks one that it resumes",
    "train.Progress": "made by `fit`",
    "data.Dataset": "a pytree, traced; checked by all that take one",
    "typing.Dataset": "a pytree, traced; checked by all that take one",
    "typing.GradientTransformation": "two functions; `chain` and `masked` check them",
    "typing.Layer": "two functions, which fail where they are used",
}
"""Public classes and methods without rows: what holds values checks none."""

PARTS = {
    "adagrad": "scale_by_rss",
    "adam": "scale_by_adam",
    "adamw": "scale_by_adam",
    "amsgrad": "scale_by_amsgrad",
    "nadam": "scale_by_adam",
    "rmsprop": "scale_by_rms",
    "sgd": "trace",
}
"""The transformation that an optimiser is made of."""

REPORTED_BY = {
    "interop.biased_batch_norm": ("batch_norm", None),
    "layers.intermediates x": ("0/dense", "input"),
    "models.mlp dropout": ("dropout", "rate"),
    "models.image_classifier hidden": ("mlp", "sizes"),
    "models.image_classifier classes": ("mlp", "sizes"),
    **{f"optim.{alias}": (part, None) for alias, part in PARTS.items()},
    **{f"optim.{alias} learning_rate": ("scale_by_learning_rate", None) for alias in PARTS},
    "optim.adamw weight_decay": ("add_decayed_weights", None),
    "optim.warmup_cosine_decay_schedule init_value": ("linear_schedule", None),
    "optim.warmup_cosine_decay_schedule exponent": ("cosine_decay_schedule", None),
    "optim.rmsprop momentum": ("trace", "decay"),
    "optim.sgd momentum": ("trace", "decay"),
    "train.predict inputs": ("0/dense", "input"),
    "train.fit mesh": ("parallel", None),
    "plots.compare_layer_histograms panels": (None, "panel"),
    "plots.layer_histograms values_by_layer": (None, "layer"),
    "plots.heat_map": (None, "column"),
    "plots.heat_map rows": (None, "row"),
    "plots.parallel_coordinates rows": (None, "row"),
    "plots.seed_curves rows": (None, "row"),
    "plots.parallel_coordinates names": (None, "column"),
    "plots.parallel_coordinates metric": (None, "column"),
    "plots.seed_curves": (None, "column"),
}
"""Where a message comes from a function that the argument is handed to, and its name there."""
