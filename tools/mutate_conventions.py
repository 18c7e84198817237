"""Breaks each convention of `jaxnn` in turn and looks whether the agreement tests notice.

    python tools/mutate_conventions.py            # all, and writes docs/mutations.md
    python tools/mutate_conventions.py epsilon    # those whose name contains a word

Every mutation is made in a copy of the project; the tests of the twins are run there on the part
that it concerns. A mutation that no test notices is a hole in the tests, and the exit status 1.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "mutations.md"
COPIED = ("jaxnn", "torch_port", "tests", "conftest.py", "pyproject.toml")


class Mutation(NamedTuple):
    """A convention, the file that holds it, the text there, what it becomes, which rows run."""

    name: str
    file: str
    old: str
    new: str
    rows: str


def layer(name, old, new, file="normalization.py", rows="layers"):
    return Mutation(name, file, old, new, rows)


def activation(name, old, new):
    return Mutation(name, "activations.py", old, new, "activations")


def loss(name, old, new, file="losses.py"):
    return Mutation(name, file, old, new, "losses")


def optimizer(name, file, old, new):
    return Mutation(name, f"optim/{file}.py", old, new, "optim")


NEW_STATE = "_scale_and_shift(params, centred, var, epsilon), new_state"
OLD_MEAN = '(1 - m) * state["mean"] + m * mean.reshape(size)'
OLD_VAR = '(1 - m) * state["var"] + m * var * (n / (n - 1))'
ADAM_ROOT = "m_hat / (jnp.sqrt(v_hat + eps_root) + eps)"
ADAMW = """        scale_by_adam(b1, b2, eps, eps_root, mu_dtype, nesterov=nesterov),
        add_decayed_weights(weight_decay, mask),
"""
MUTATIONS = [
    layer(
        "batch norm: momentum weighs the old mean",
        OLD_MEAN,
        'm * state["mean"] + (1 - m) * mean.reshape(size)',
    ),
    layer(
        "batch norm: momentum weighs the old variance",
        OLD_VAR,
        'm * state["var"] + (1 - m) * var * (n / (n - 1))',
    ),
    layer("batch norm: biased running variance", " * (n / (n - 1))", ""),
    layer(
        "batch norm: unbiased variance to normalise",
        NEW_STATE,
        "_scale_and_shift(params, centred, var * (n / (n - 1)), epsilon), new_state",
    ),
    layer(
        "normalisation: epsilon outside the root",
        "jnp.sqrt(var + jnp.asarray(epsilon, var.dtype))",
        "jnp.sqrt(var) + jnp.asarray(epsilon, var.dtype)",
    ),
    layer(
        "batch norm: default epsilon 1e-3",
        "momentum: float = 0.1, epsilon: float = 1e-5",
        "momentum: float = 0.1, epsilon: float = 1e-3",
    ),
    layer(
        "batch norm: default momentum 0.01", "momentum: float = 0.1", "momentum: float = 0.01"
    ),
    layer(
        "layer norm: default epsilon 1e-6",
        "layer_norm(size: int, *, epsilon: float = 1e-5)",
        "layer_norm(size: int, *, epsilon: float = 1e-6)",
    ),
    layer("batch norm: steps not counted", 'state["count"] + 1', 'state["count"]'),
    layer(
        "batch norm: batch statistics in evaluation",
        'centred = x - _across(state["mean"], x)',
        "centred = x - jnp.mean(x, tuple(range(x.ndim - 1)), keepdims=True)",
    ),
    layer(
        "layer norm: over the batch",
        "_, centred = _centre(x, -1)",
        "_, centred = _centre(x, 0)",
    ),
    layer("images: divided by 256", "astype(dtype) / 255", "astype(dtype) / 256"),
    layer(
        "dense: the kernel read as (out, in)",
        'x @ params["kernel"]',
        'x @ params["kernel"].reshape(params["kernel"].shape[::-1]).T',
        "layers.py",
    ),
    layer(
        "dropout: no scaling while training",
        "x / jnp.asarray(1 - rate, x.dtype)",
        "x",
        "layers.py",
    ),
    layer(
        "dropout: scaled by the rate",
        "x / jnp.asarray(1 - rate, x.dtype)",
        "x / jnp.asarray(rate, x.dtype)",
        "layers.py",
    ),
    layer(
        "dropout: the rate is the probability to keep",
        "jnp.float32) >= jnp.asarray(rate",
        "jnp.float32) < jnp.asarray(rate",
        "layers.py",
    ),
    layer(
        "dropout: drops in evaluation too",
        "        if not train:\n            return x, state\n        if key is None",
        "        if key is None",
        "layers.py",
    ),
    layer(
        "flatten: the last axis outermost",
        "(x.reshape(x.shape[0], -1), state)",
        "(jnp.moveaxis(x, -1, 1).reshape(x.shape[0], -1), state)",
        "layers.py",
    ),
    layer("residual: the path around left out", "return x + y, (new_state,)",
          "return y, (new_state,)", "combinators.py"),
    Mutation(
        "initial values: bound 1/in for 1/√in",
        "initializers.py",
        "uniform(1 / math.sqrt(math.prod(shape[:-1])))",
        "uniform(1 / math.prod(shape[:-1]))",
        "initializers",
    ),
    Mutation(
        "initial values: a bias by its own size",
        "initializers.py",
        "uniform(1 / math.sqrt(in_size)))",
        "uniform(1 / in_size))",
        "initializers",
    ),
    activation("leaky relu: slope 0.2", "negative_slope: float | Array = 0.01",
               "negative_slope: float | Array = 0.2"),
    activation("elu: alpha 0.9", "alpha: float | Array = 1.0", "alpha: float | Array = 0.9"),
    activation("gelu: approximated by default", "approximate: bool = False",
               "approximate: bool = True"),
    activation("relu: derivative 1/2 at 0", "jnp.where(x <= 0, 0, x)", "jnp.maximum(x, 0)"),
    activation("softmax: over the first axis", "def softmax(x: Array, axis: int = -1)",
               "def softmax(x: Array, axis: int = 0)"),
    loss("losses: summed over an example", "return jnp.mean(values, axis=tuple(",
         "return jnp.sum(values, axis=tuple("),
    loss("mean: divided by the number of examples", "/ jnp.where(total == 0, 1, total)",
         "/ values.shape[0]"),
    loss("label smoothing: over the other classes", "label_smoothing / classes",
         "label_smoothing / (classes - 1)"),
    loss("cross-entropy: an ignored label counts",
         "jnp.where(counts, _sum_of_products(q, -log_softmax(logits)), 0)",
         "_sum_of_products(q, -log_softmax(logits))"),
    loss("huber: divided by delta", "delta * (magnitude(r) - delta / 2)",
         "(magnitude(r) - delta / 2)"),
    loss("squared error: halved", "jnp.square(predictions - targets)",
         "jnp.square(predictions - targets) / 2"),
    loss("absolute error: slope 1 at 0", "return x * jnp.sign(x)", "return jnp.abs(x)",
         "penalties.py"),
    loss("penalties: biases too", 'names: tuple[str, ...] = ("kernel",)) -> jax.Array:\n    """L2',
         'names: tuple[str, ...] = ("kernel", "bias")) -> jax.Array:\n    """L2', "penalties.py"),
    optimizer("adam: first moment not corrected", "moments",
              "        m_hat = m * debias1\n        if nesterov",
              "        m_hat = m\n        if nesterov"),
    optimizer("adam: second moment not corrected", "moments", "v_hat = v * debias2", "v_hat = v"),
    optimizer("adam: corrected with t + 1", "moments", "debias_factor(b2, t)\n        updates, mu",
              "debias_factor(b2, next_count(t))\n        updates, mu"),
    optimizer("adam: epsilon inside the root", "moments", ADAM_ROOT,
              "m_hat / jnp.sqrt(v_hat + eps_root + eps)"),
    optimizer("nadam: the next moment corrected like this one", "moments",
              "average(m * debias1_next, g * debias1, b1)",
              "average(m * debias1, g * debias1, b1)"),
    optimizer("amsgrad: the maximum before the correction", "moments",
              "jnp.maximum(v_max, v * debias2)", "jnp.maximum(v_max, v)"),
    optimizer("adamw: decay coupled", "aliases", ADAMW, "".join(reversed(ADAMW.splitlines(True)))),
    optimizer("rmsprop: epsilon on the other side of the root", "rms",
              "jnp.sqrt(v + eps) if inside else jnp.sqrt(v) + eps",
              "jnp.sqrt(v) + eps if inside else jnp.sqrt(v + eps)"),
    optimizer("rmsprop: not centred", "rms", "v * debias - squared_norm(m * debias)", "v * debias"),
    optimizer("adagrad: epsilon outside the root", "rms", "g / jnp.sqrt(s + eps)",
              "g / (jnp.sqrt(s) + eps)"),
    optimizer("adagrad: begins at 0", "rms", "full_like(params, initial_accumulator_value)",
              "full_like(params, 0.0)"),
    optimizer("nesterov: left out", "transforms", "(g + mu * m if nesterov else m)", "m"),
    optimizer("momentum: dampened", "transforms", "        m = g + mu * m\n",
              "        m = (1 - mu) * g + mu * m\n"),
    optimizer("updates: ascending", "transforms", "-1 if flip_sign else 1", "1"),
    optimizer("schedule: counted from 1", "transforms", "step_size_fn(state.count)",
              "step_size_fn(state.count + 1)"),
    optimizer("clipping: 1e-6 added to the norm", "clipping", "/ norm)", "/ (norm + 1e-6))"),
    optimizer("cosine: half a period", "schedules", "jnp.cos(jnp.pi *", "jnp.cos(0.5 * jnp.pi *"),
    Mutation("training: the loss summed over the batch", "steps.py",
             "minimised = losses.mean(values)", "minimised = jnp.sum(values)", "train"),
    Mutation("training: the penalty left out", "steps.py", "(penalty(params) if penalty else 0)",
             "0", "train"),
    Mutation("evaluation: in training mode", "evaluation.py",
             "model.apply(params, state, batch.images)",
             "model.apply(params, state, batch.images, key=jax.random.key(0), train=True)",
             "train"),
]  # fmt: skip


def copy_of_the_project(folder: str) -> Path:
    for name in COPIED:
        source, target = ROOT / name, Path(folder, name)
        ignore = shutil.ignore_patterns("__pycache__")
        if source.is_dir():
            shutil.copytree(source, target, ignore=ignore)
        else:
            shutil.copy(source, target)
    return Path(folder)


def agreement(project: Path, rows: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    command += ["-k", f"({rows}) and not float32", "tests/agreement/test_agreement.py"]
    environment = os.environ | {"PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= {"OMP_NUM_THREADS": "1"}  # two runs side by side
    return subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, timeout=600
    )


def caught_by(mutation: Mutation) -> str | None:
    """The row of the first test that fails under the mutation, or None."""
    with tempfile.TemporaryDirectory() as folder:
        project = copy_of_the_project(folder)
        path = project / "jaxnn" / mutation.file
        text = path.read_text()
        if text.count(mutation.old) != 1:
            raise ValueError(f"{mutation.name}: {mutation.old!r} must stand once in {path}")
        path.write_text(text.replace(mutation.old, mutation.new))
        result = agreement(project, mutation.rows)
    if result.returncode not in (0, 1):
        raise RuntimeError(f"{mutation.name}: the tests did not run\n{result.stdout[-3000:]}")
    failed = re.search(r"^FAILED \S+::\w+\[(?:float64-)?(.+?)\]", result.stdout, re.MULTILINE)
    return failed[1] if failed else None


def require_that_the_tests_pass(mutations: list[Mutation]) -> None:
    """Without a mutation nothing fails, else a failure would say nothing."""
    with tempfile.TemporaryDirectory() as folder:
        project = copy_of_the_project(folder)
        result = agreement(project, " or ".join(sorted({m.rows for m in mutations})))
    if result.returncode != 0:
        raise SystemExit(f"the tests fail without a mutation:\n{result.stdout[-3000:]}")


def page(rows: list[tuple[Mutation, str | None]]) -> str:
    lines = [
        "# What the agreement tests notice",
        "",
        f"`python tools/mutate_conventions.py` breaks {len(rows)} conventions of `jaxnn`, one",
        "after the other, in a copy of the project, and runs the tests that compare it with",
        f"`torch_port`. {sum(test is not None for _, test in rows)} of them are noticed.",
        "",
        "| convention that is broken | in | first row that differs |",
        "|---|---|---|",
    ]
    lines += [
        f"| {m.name} | `jaxnn/{m.file}` | {f'`{test}`' if test else '**none**'} |"
        for m, test in rows
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    word = " ".join(sys.argv[1:])
    mutations = [m for m in MUTATIONS if word in m.name]
    require_that_the_tests_pass(mutations)
    rows = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for mutation, test in zip(mutations, pool.map(caught_by, mutations), strict=True):
            print(f"{'caught' if test else 'MISSED':8}{mutation.name}: {test}", flush=True)
            rows.append((mutation, test))
    if not word:
        PAGE.write_text(page(rows))
    return int(any(test is None for _, test in rows))


if __name__ == "__main__":
    sys.exit(main())
