"""What of `torch_port` has no rows in the table of wrong uses, each with its reason.

A name that no longer needs its exemption fails the tests too.
"""

import inspect

from tests.wrong_use import arguments, exemptions
from tests.wrong_use.torch_arguments import PUBLIC, twin_of

PYTORCHS_OWN = {
    "generator", "axis", "mu_dtype", "accumulator_dtype", "negative_slope", "alpha", "params",
    "layer", "layers", "args",
}  # fmt: skip
"""Parameters that PyTorch checks itself: tests/torch_port/test_wrong_use.py shows how."""

TAKES_ANYTHING = {
    "what PyTorch checks": PYTORCHS_OWN,
    "a function of the caller's, which fails where it is used": {
        "loss", "augment", "penalty", "combine", "schedules", "activation", "kernel_init",
        "bias_init",
    },
    "true or false": {
        "approximate", "batch_norm", "use_bias", "nesterov", "staircase", "eps_in_sqrt", "centered",
        "bias_correction", "bias_correction_mu", "bias_correction_nu", "flip_sign",
        "softmax_output",
    },
    "numbers that are compared and counted": {"transition_steps", "transition_begin"},
    "options of `MLP`, which checks them": {"mlp_options"},
}  # fmt: skip
"""Parameters that need no row, wherever they are. A function of these alone is named below."""

FREE = {
    "initializers.zeros shape": "of any shape",
    "layers.keep_mask shape": "of any shape",
    "layers.map_layers function": "a function of the caller's, which fails where it is used",
    "layers.map_layers path": "any words",
    "losses.mean values": "of the batch: tests/torch_port/test_losses.py",
    "losses.softmax_cross_entropy ignore_label": "any label: tests/torch_port/test_wrong_use.py",
    "optim.add_decayed_weights mask": "a mask of a list: tests/torch_port/test_wrong_use.py",
    "penalties.mask_by_name names": "a mask may hide all",
    "steps.init_train_state model": "`make_train_step` checks it",
    "steps.init_train_state optimizer": "`make_train_step` checks it",
}
"""Parameters that take what others of their name do not, or anything, and why."""

IN_USE = {
    "convert.dropout_masks", "convert.from_torch", "convert.load_optimizer_state",
    "convert.load_safetensors", "convert.optimizer", "convert.optimizer_state",
    "convert.save_safetensors", "convert.to_array", "convert.to_tensor", "convert.to_torch",
    "convert.training_from_torch", "convert.training_to_torch", "convert.with_masks",
    "data.load_idx", "data.load_tfds", "layers.Branches",
    "layers.Residual.forward", "lecture.lecture", "optim.apply_updates", "optim.chain",
    "optim.masked",
}  # fmt: skip
"""What takes trees, files, arguments by position: tests/torch_port/test_wrong_use.py has rows."""

WITHOUT_ROWS = {
    "evaluation.measure_dataset": "what `evaluate` has checked",
    "layers.Activation.forward": "of any tensor that the function takes",
    "layers.Branches.forward": "of any tensor that the layers take",
    "layers.Residual": "a module, which PyTorch checks",
    "layers.Serial": "modules, which PyTorch checks",
    "lecture.evaluate": "a line of the program, which `lecture` calls",
    "lecture.in_words": "a row of the history that `lecture` makes",
    "lecture.main": "a command: tests/torch_port/test_cli.py",
    "lecture.table": "results of `lecture`",
    "lecture.train": "a line of the program, which `lecture` calls",
    "lecture.train_as_printed": "a line of the program, which `lecture` calls",
    "metrics.merge": "metrics that these functions made",
    "metrics.total": "metrics that these functions made",
    "metrics.values": "metrics that these functions made",
    "models.SimpleNN": "true or false",
    **{
        f"numpy_optim.{name}": "the lecture's program, to be read; NumPy checks the shapes"
        for name in ("adam", "batches", "draw_orders", "gradient", "loss", "rmsprop", "sgd")
    },
    "optim.global_norm": "any tensors",
    "parity.compare": "tests/parity/test_wrong_use.py",
    "parity.compare_optimizers": "tests/parity/test_optimizers.py",
    "parity.compare_training": "tests/parity/test_training.py",
    "parity.judge": "evidence that the comparisons gather",
    "penalties.magnitude": "any tensor",
    "steps.draw": "what a step is given",
    "steps.measure": "what a step has computed",
}
"""Public functions that have parameters and no rows, and why."""

RECORDS = {
    **{name: "made by `lecture`" for name in ("lecture.LectureOptions", "lecture.Result")},
    "metrics.Average": "a sum and a count",
    "metrics.Calibration": "made by `calibration`",
    **{
        f"optim.{name}.transformation": "of settings that the class was made with"
        for name in ("AMSGrad", "Adagrad", "NAdam", "RMSprop")
    },
    **{
        f"parity.{name}": "made by a comparison"
        for name in ("Cause", "Difference", "Fault", "Report", "Setting", "Trajectory")
    },
    "parity.Entry": "an entry of the catalogue",
    "parity.Entry.cause": "words of a comparison",
    **{
        f"parity.Report.{name}": "a path: tests/parity/test_reports.py"
        for name in ("to_html", "to_json", "write_reproductions")
    },
    "steps.TrainState": "made by `init_train_state`",
    "train.FitResult": "made by `fit`, which checks one that it resumes",
    "train.Progress": "made by `fit`",
}
"""Public classes and methods without rows: what holds values checks none."""


def twins_key(key: str) -> str | None:
    """The function, and the parameter if there is one, by their names in `torch_port`."""
    function, _, name = key.partition(" ")
    twin = twin_of(function)
    return twin and f"{twin} {name}".strip()


OPTIMIZERS = [twin for name in exemptions.PARTS if (twin := twin_of(f"optim.{name}"))]

REPORTED_BY = {
    **{
        twin: (name.rpartition(".")[2], None)
        for name in arguments.RIGHT
        if (twin := twin_of(name)) and inspect.isclass(PUBLIC[twin])
    },
    **{twin: handed for key, handed in exemptions.REPORTED_BY.items() if (twin := twins_key(key))},
    **{f"{optimizer} learning_rate": (None, None) for optimizer in OPTIMIZERS},
    "optim.AdamW weight_decay": (None, None),
    "data.Dataset": (None, None),
    "data.permutation seed": ("fold_in", None),
    "layers.intermediates x": ("dense", "input"),
    "layers.intermediates model": ("map_layers", None),
    "layers.summary": ("map_layers", None),
    "layers.BatchNorm.forward": ("batch_norm", None),
    "layers.Dense.forward": ("dense", None),
    "layers.LayerNorm.forward": ("layer_norm", None),
    "layers.NormalizeImages.forward": ("normalize_images", "images"),
    **{
        f"train.{function} {name}": ("make_train_step", None)
        for function in ("fit", "make_epoch")
        for name in ("model", "optimizer")
    },
    "train.fit seed": ("init_train_state", None),
    "train.predict inputs": ("dense", "input"),
}
"""Where a message comes from a function that the argument is handed to, and its name there.

A layer is named in messages as in `jaxnn`, and as in its path.
"""

NO_PATH = "the path of the layer in the network is not known to a module of PyTorch"
OTHER_WORDS = {
    **{
        f"initializers.{name} shape": "a weight is (out, in) in PyTorch"
        for name in (
            "lecun_normal", "lecun_uniform", "glorot_normal", "glorot_uniform", "he_normal",
            "he_uniform", "orthogonal", "torch_linear",
        )
    },
    **{f"{name} learning_rate": "a schedule is given to PyTorch elsewhere" for name in OPTIMIZERS},
    "optim.AdamW weight_decay": "PyTorch takes no schedule",
    **{
        name: "a `TensorDataset` is checked when it is made"
        for name in ("data.batches dataset", "train.fit dataset", "train.fit validation")
    },
    "layers.intermediates x": NO_PATH,
    "train.predict inputs": NO_PATH,
    "train.fit resume": "the model and the optimiser are those of the training, or they are not",
}  # fmt: skip
"""Where the same mistake is answered otherwise than in `jaxnn`, and why."""
