"""Six activations: where their gradients fade, and what their outputs are centred on.

Shows: each activation with its derivative, and the lecture's table of them measured: the range, the
gradient far out on either side, the mean output for inputs from N(0, 1), the time per element.
Softmax is taken as a function of one of ten logits, the others being 0.

Look for: in the second picture, a straight line falling is a gradient that fades exponentially.

Found: the ranges are as the lecture says, and of the rest the table errs four times. The gradient
of ELU stays for x > 0 only, and is 0 at -1000, as ReLU's is; that of softmax is 0 on both sides.
The mean output of ELU is 0.16 and that of softmax 0.1, as it always is for ten classes: not
centred. Leaky ReLU, "about centred" in the text, has 0.40, hardly less than ReLU. Only tanh is
centred. Time per element is the printed table's last column; what an exponential costs depends more
on who wrote it than on the activation, as the same column of the twin shows.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from gallery import print_table, save_figure, save_findings

from jaxnn import activations, plots
from jaxnn.plots.style import SERIES, new_figure, quiet_ticks, style

CLASSES = 10
LECTURE = {
    "sigmoid": ("(0, 1)", "fades", "no", "high"),
    "tanh": ("(-1, 1)", "fades", "yes", "high"),
    "relu": ("[0, ∞)", "stays for x > 0", "no", "low"),
    "leaky_relu": ("(-∞, ∞)", "stays for x > 0", "no", "low"),
    "elu": ("(-α, ∞)", "stays", "yes", "medium"),
    "softmax": ("(0, 1)", "stays", "yes", "high"),
}
FAR = 1000.0


def main(small: bool = False, out: Path = Path("gallery")) -> dict[str, Any]:
    """Measures and draws the lecture's six activations.

    Args:
      small: on fewer inputs.
      out: the folder for the pictures and the findings.
    """
    inputs = np.random.default_rng(0).normal(size=10_000 if small else 1_000_000)
    inputs = jnp.asarray(inputs.astype(np.float32))
    found = {name: measure(name, inputs) for name in LECTURE}
    report(found)
    x = jnp.linspace(-4, 4, 401)
    values = {name: of_one(name)(x) for name in LECTURE}
    derivatives = {name: slope(name)(x) for name in LECTURE}
    save_figure(__file__, out, plots.activation_curves(x, values, derivatives))
    save_figure(__file__, out, draw(found), suffix="measured")
    findings = {f"{what}_{name}": found[name][what] for name in found for what in found[name]}
    return save_findings(__file__, out, findings)


def of_one(name: str) -> Callable[[jax.Array], jax.Array]:
    """The activation as a function of one number, at each of many."""
    if name != "softmax":
        return getattr(activations, name)
    others = jnp.zeros(CLASSES - 1)
    return jax.vmap(lambda x: activations.softmax(jnp.append(x, others))[0])


def slope(name: str) -> Callable[[jax.Array], jax.Array]:
    """The derivative of `of_one`, at each of many numbers."""
    return jax.grad(lambda x: of_one(name)(x).sum())


def measure(name: str, inputs: jax.Array) -> dict[str, Any]:
    """What the lecture's table says of an activation, in numbers."""
    x = jnp.linspace(-FAR, FAR, 20_001)
    y, slopes = of_one(name)(x), slope(name)(x)
    felt = x[slopes != 0]
    rows = inputs.reshape(-1, CLASSES)
    function = jax.jit(getattr(activations, name))
    outputs = np.asarray(function(rows))
    seconds = fastest(lambda: function(rows).block_until_ready())
    return {
        "range": [y.min().item(), y.max().item()],
        "slope_far_out": [slopes[0].item(), slopes[-1].item()],
        "approximately_not_0_from_to": [felt.min().item(), felt.max().item()],
        "mean_output": outputs.mean(dtype=np.float64).item(),
        "seconds_per_element": seconds / inputs.size,
    }


def fastest(run: Callable[[], Any]) -> float:
    """The seconds of the fastest of thirty runs."""
    seconds = []
    for _ in range(30):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def report(found: dict[str, dict[str, Any]]) -> None:
    """Prints the lecture's table, and below it the same measured."""
    header = ["the lecture says", "range", "gradient x → ±∞", "zero-centred", "cost"]
    print_table(header, [[name, *claims] for name, claims in LECTURE.items()])
    print()
    header = ["measured", "range", "f′(±1000)", "f′ ≠ 0 for x in", "mean output", "ns/element"]
    rows = []
    for name, row in found.items():
        between = lambda pair: f"{round(pair[0], 1):g} to {round(pair[1], 1):g}"
        slopes = "{:.3g}, {:.3g}".format(*row["slope_far_out"])
        reach = between(row["approximately_not_0_from_to"])
        measured = [f"{row['mean_output']:+.4f}", f"{1e9 * row['seconds_per_element']:.2f}"]
        rows.append([name, between(row["range"]), slopes, reach, *measured])
    print_table(header, rows)


def draw(found: dict[str, dict[str, Any]]) -> Any:
    """How fast gradients fade, and what outputs are centred on."""
    x = jnp.linspace(-15, 15, 301)
    with style():
        figure = new_figure(8, 3.6, "The gradients of six activations, and their mean outputs.")
        left, right = figure.subplots(1, 2, width_ratios=(3, 2))
        for name, series in zip(found, SERIES, strict=True):
            drawn = {"color": series.color, "linestyle": series.linestyle, "label": name}
            slopes = slope(name)(x)
            left.semilogy(x, jnp.where(slopes > 0, slopes, jnp.nan), **drawn)
        left.set(xlabel="x", ylabel="f′(x)", title="gradient, where it is not 0", ylim=(1e-7, 3))
        left.yaxis.set_major_formatter("{x:g}")
        figure.legend(loc="outside upper left", ncols=6)
        means = [row["mean_output"] for row in found.values()]
        bars = right.barh(list(found), means, color=[series.color for series in SERIES], height=0.6)
        right.bar_label(bars, [f"{mean:.2f}" for mean in means], padding=3, size=9)
        right.invert_yaxis()
        right.set(xlim=(0, 0.6), xlabel="mean output", title="inputs from N(0, 1)")
        quiet_ticks(left, grid="y")
        quiet_ticks(right, grid="x")
    return figure


if __name__ == "__main__":
    tyro.cli(main)
