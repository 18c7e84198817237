"""What a GPU makes of all this: `python -m benchmarks.gpu`, on a machine that has one.

    python -m benchmarks.gpu                  measures, prints; without a GPU it says so and ends
    python -m benchmarks.gpu --write          also writes docs/data/gpu.json and its pictures
    python -m benchmarks.gpu --cpu-check      all of it on the CPU with tiny sizes: does it run?

It asks whether the GPU computes what the CPU computes, how fast an epoch is and with which options
of XLA and of `lax.scan`, what lower precision gains and what it costs in accuracy, and how many
networks a sweep by `vmap` trains at once.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # processes share the GPU

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.contenders import sweeps
from benchmarks.frame import ROOT, Contender, Table, duration, in_turn, markdown, median, times
from benchmarks.machine import in_words, machine
from jaxnn import activations, data, layers, losses, models, optim, train

JSON = ROOT / "docs" / "data" / "gpu.json"
KEY = jax.random.key(0)
LOSS = losses.softmax_cross_entropy

SWEEP_EXAMPLES = 6400

_BUFFERS = "--xla_gpu_enable_command_buffer="
COMMAND_BUFFERS = {
    "as XLA has it": {},
    "no command buffers": {"XLA_FLAGS": _BUFFERS},
    "command buffers of products too": {"XLA_FLAGS": f"{_BUFFERS}FUSION,CUBLAS,CUBLASLT"},
    "command buffers of loops too": {
        "XLA_FLAGS": f"{_BUFFERS}FUSION,CUBLAS,CUBLASLT,WHILE,CONDITIONAL"
    },
    "on the CPU": {"JAX_PLATFORMS": "cpu"},
}
"""The environments in which an epoch is measured, each in a process of its own."""
PRECISIONS = {
    "float32": ("float32", jnp.float32),
    "TF32 products": ("tensorfloat32", jnp.float32),
    "bfloat16 products": ("bfloat16", jnp.float32),
    "bfloat16 throughout": ("bfloat16", jnp.bfloat16),
}
"""By name: what products are computed in, what everything else is."""


FULL = {
    "rounds": 5,
    "examples": 60_000,
    "epochs": 5,
    "runs": [4**n for n in range(7)],
    "options": [*COMMAND_BUFFERS],
    "unroll": [1, 2, 4, 8],
    "precisions": [*PRECISIONS],
}
TINY = {
    "rounds": 1,
    "examples": 224,
    "epochs": 1,
    "runs": [4],
    "options": ["command buffers of loops too"],
    "unroll": [2],
    "precisions": ["float32", "bfloat16 throughout"],
}


def smoke() -> dict[str, Callable]:
    """Some of each kind, by name: functions of a dtype."""
    network = layers.serial(
        layers.dense(32, 16),
        layers.batch_norm(16),
        layers.activation(activations.gelu),
        layers.layer_norm(16),
        layers.dense(16, 10),
    )
    # By NumPy, and by the CPU: the last bit of a number that JAX draws depends on the device.
    with jax.default_device(jax.devices("cpu")[0]):
        start = jax.device_get(network.init(KEY, jnp.float32))
    drawn = lambda shape: np.random.default_rng(0).normal(size=shape).astype(np.float32)
    draw = lambda dtype, *shape: jnp.asarray(drawn(shape), dtype)
    labels = jnp.arange(64) % 10

    def gradients(dtype):
        cast = lambda x: jnp.asarray(x, dtype if x.dtype == jnp.float32 else x.dtype)
        params, state = jax.tree.map(cast, start)
        outputs = lambda params: network.apply(params, state, draw(dtype, 64, 32), train=True)[0]
        objective = lambda params: losses.mean(LOSS(outputs(params), labels))
        return outputs(params), jax.grad(objective)(params)

    def values(loss, dtype):
        logits = draw(dtype, 64, 10)
        return loss(jax.nn.softmax(logits), jax.nn.softmax(2 * logits))

    def updates(optimizer, dtype):
        params, grads = draw(dtype, 1000), draw(dtype, 1000) ** 3
        opt_state = optimizer.init(params)
        for _ in range(5):
            step, opt_state = optimizer.update(grads, opt_state, params)
            params = optim.apply_updates(params, step)
        return params - draw(dtype, 1000)

    found: dict[str, Callable] = {"a network and its gradients": gradients}
    for loss in (losses.softmax_cross_entropy, losses.kl_divergence):
        found[loss.__name__] = partial(values, loss)
    for make in (optim.rmsprop, optim.adam):
        found[f"five steps of {make.__name__}"] = partial(updates, make(0.01))
    return found


def agreement() -> dict[str, dict[str, float]]:
    """The relative error of each program here and on the CPU, against the CPU's float64."""
    here, cpu = jax.devices()[0], jax.devices("cpu")[0]

    def computed(program, device, dtype):
        with jax.default_device(device), jax.default_matmul_precision("highest"):
            leaves = jax.tree.leaves(jax.jit(program, static_argnums=0)(dtype))
        return jnp.concatenate(
            [jax.device_put(leaf, cpu).ravel() for leaf in leaves], dtype="float64"
        )

    def errors(program):
        exact = computed(program, cpu, jnp.float64)
        size = jnp.linalg.norm(exact)
        error = lambda *where: float(jnp.linalg.norm(computed(program, *where) - exact) / size)
        return {
            "float32 here": error(here, jnp.float32),
            "float32 on the CPU": error(cpu, jnp.float32),
            "float64 here": error(here, jnp.float64),
        }

    with jax.enable_x64(True):
        return {name: errors(program) for name, program in smoke().items()}


def agrees(errors: Mapping[str, float]) -> bool:
    """Whether float64 differs by its rounding, float32 by a few times the CPU's at most."""
    in_float32 = errors["float32 here"] <= 8 * errors["float32 on the CPU"] + 1e-6
    return errors["float64 here"] < 1e-12 and in_float32


def seconds_of(runs: Mapping[str, Callable], rounds: int) -> dict[str, list[float]]:
    """Times functions of one process in turn, after two runs of each."""
    for run in runs.values():
        run()
        run()
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)
    return seconds


def command_buffers(sizes) -> dict:
    """The epoch with options of XLA, and on the CPU."""
    function, options = "benchmarks.contenders.with_jaxnn:epoch", {"examples": sizes["examples"]}
    contenders = {
        name: Contender(function, options, COMMAND_BUFFERS[name]) for name in sizes["options"]
    }
    return in_turn(contenders, sizes["rounds"])


def unrolling(sizes) -> dict[str, list[float]]:
    """An epoch of full batches with `lax.scan(unroll=)`."""
    model, optimizer = models.simple_nn(), optim.adam(1e-3)
    step = train.make_train_step(model, optimizer, LOSS)
    dataset = jax.device_put(first(sizes["examples"]))
    batches = data.permutation(KEY, 0, dataset.size)[: dataset.size // 64 * 64].reshape(-1, 64)

    @partial(jax.jit, static_argnums=0)
    def epoch(unroll, train_state, dataset):
        step_on = lambda train_state, batch: step(
            train_state, jax.tree.map(lambda array: array[batch], dataset)
        )
        return jax.lax.scan(step_on, train_state, batches, unroll=unroll)

    start = train.init_train_state(model, optimizer, KEY)
    run = lambda unroll: jax.block_until_ready(epoch(unroll, start, dataset))
    runs = {f"unroll={unroll}": partial(run, unroll) for unroll in sizes["unroll"]}
    return seconds_of(runs, sizes["rounds"])


def first(examples):
    """The first training images of MNIST."""
    return jax.tree.map(lambda array: array[:examples], data.load("mnist")[0])


def precision(sizes) -> dict[str, dict]:
    """Seconds of an epoch and the test accuracy after some, by precision."""
    _, test_set = data.load("mnist")
    found = {}
    for name in sizes["precisions"]:
        products, dtype = PRECISIONS[name]
        model, optimizer = models.simple_nn(), optim.adam(1e-3)
        train_state = train.init_train_state(model, optimizer, KEY, dtype)
        epoch = train.make_epoch(model, optimizer, LOSS, batch_size=64)
        dataset = jax.device_put(first(sizes["examples"]))
        seconds = []
        with jax.default_matmul_precision(products):
            for _ in range(sizes["epochs"] + 1):
                started = time.perf_counter()
                train_state, _ = jax.block_until_ready(epoch(train_state, dataset))
                seconds.append(time.perf_counter() - started)
            reached = train.evaluate(model, *train_state[:2], test_set, loss=LOSS, batch_size=1000)
        found[name] = {"seconds": seconds[1:], "accuracy": reached["accuracy"]}
    return found


def vmapped(sizes) -> dict[str, list[float]]:
    """Seconds of a sweep by `vmap`, by the number of networks, as far as memory goes."""
    found = {}
    examples = min(SWEEP_EXAMPLES, sizes["examples"] // 64 * 64)
    for runs in sizes["runs"]:
        try:
            run = sweeps.naive_vmap(runs, examples)
            found |= seconds_of({str(runs): run}, sizes["rounds"])
        except jax.errors.JaxRuntimeError as error:
            print(f"a sweep of {runs} networks: {str(error).partition(chr(10))[0]}")
            break
    return found


def measure(sizes) -> dict:
    """Everything, as JSON holds it."""
    return {
        "agreement": agreement(),
        "command buffers": command_buffers(sizes),
        "unrolling": unrolling(sizes),
        "precision": precision(sizes),
        "vmap": vmapped(sizes),
    }


def tables(measured) -> list[Table]:
    """A table for each part."""
    agreement_rows = [
        [name, *[f"{error:.1e}" for error in errors.values()], "yes" if agrees(errors) else "NO"]
        for name, errors in measured["agreement"].items()
    ]
    options = measured["command buffers"]
    columns = ["", "float32 here", "float32 on the CPU", "float64 here", "agrees"]
    middle = lambda seconds: duration(statistics.median(seconds))
    per_run = lambda runs, seconds: duration(statistics.median(seconds) / int(runs))
    return [
        Table("Relative error against the CPU's float64", columns, agreement_rows),
        times("An epoch, by options of XLA", options, base=next(iter(options))),
        Table(
            "An epoch of full batches, by lax.scan's unroll",
            ["", "median"],
            [[name, middle(seconds)] for name, seconds in measured["unrolling"].items()],
        ),
        Table(
            "An epoch, by precision",
            ["", "median", "test accuracy"],
            [
                [name, middle(row["seconds"]), f"{row['accuracy']:.4f}"]
                for name, row in measured["precision"].items()
            ],
        ),
        Table(
            "A sweep by vmap, 100 steps each",
            ["networks", "median", "per network"],
            [
                [runs, middle(seconds), per_run(runs, seconds)]
                for runs, seconds in measured["vmap"].items()
            ],
        ),
    ]


def figures(measured):
    """The epoch by options as bars, the time of a network over their number."""
    from benchmarks.pictures import bars, lines

    options = measured["command buffers"]
    seconds = {name: median(options, name) for name in options}
    curve = {
        int(runs): statistics.median(seconds) / int(runs)
        for runs, seconds in measured["vmap"].items()
    }
    title = "A sweep by vmap: the time of one network, 100 steps"
    return {
        "gpu-epoch": bars("An epoch of MNIST, batches of 64", seconds, ours="as XLA has it"),
        "gpu-sweep": lines(title, {"vmap of the step": curve}, "networks"),
    }


def main() -> None:
    """Measures on the GPU, if there is one."""
    parser = argparse.ArgumentParser("python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--cpu-check", action="store_true", help="tiny sizes, on the CPU")
    parser.add_argument("--write", action="store_true", help="renews docs/data and docs/images")
    arguments = parser.parse_args()
    if jax.default_backend() == "cpu" and not arguments.cpu_check:
        return print("no GPU: JAX finds only the CPU here, nothing is measured")
    here = machine() | {"device": jax.devices()[0].device_kind}
    measured = json.loads(json.dumps(measure(TINY if arguments.cpu_check else FULL)))
    print(f"{here['device']}; {in_words(here)}")
    for table in tables(measured):
        print(f"\n{table.title}\n\n{markdown(table)}")
    drawn = figures(measured)
    if arguments.write and not arguments.cpu_check:
        from jaxnn.plots import save

        JSON.write_text(json.dumps({"machine": here, "measured": measured}, indent=1) + "\n")
        for stem, figure in drawn.items():
            save(figure, ROOT / "docs" / "images" / f"{stem}.png")
    return None


if __name__ == "__main__":
    main()
