"""How far two trainings of one network part: `jaxnn` from PyTorch, and each from itself.

    python -m benchmarks.divergence    # prints the figures, writes docs/images/divergence.png

Both sides begin with the same parameters and are given the same batches of the real MNIST and the
same dropout masks; batch norm and dropout are on, the optimiser is Adam, the batches are the
lecture's 64. In float32 each side is run a second time from initial parameters that are moved by
one unit in the last place: two trainings that mean the same part no faster than that.

The distance is ‖θ_a − θ_b‖ / ‖θ_a − θ_0‖, of all parameters together.
"""

import argparse
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import torch

from jaxnn import data, losses, models, optim, train
from jaxnn.plots.style import SERIES, WIDTH, new_figure, quiet_ticks, save, style
from jaxnn.steps import draw
from torch_port import convert
from torch_port import data as torch_data
from torch_port import losses as torch_losses
from torch_port import models as torch_models
from torch_port import train as torch_train

ROOT = Path(__file__).parents[1]
KEY = jax.random.key(0)
NETWORK = ((28, 28), (256, 128), 10)
SETTINGS = {"batch_norm": True, "dropout": 0.2}
LEARNING_RATE, BATCH_SIZE = 1e-3, 64


def moved_by_one_unit(params):
    """Every parameter moved to the next number of its dtype, upwards or downwards by the toss."""
    rng = np.random.default_rng(0)
    towards = lambda p: np.where(rng.random(p.shape) < 0.5, np.inf, -np.inf).astype(p.dtype)
    return jax.tree.map(lambda p: jnp.asarray(np.nextafter(np.asarray(p), towards(p))), params)


def batches(steps):
    """The first batches of as many epochs as there must be, in jaxnn's order."""
    train_set, _ = data.load("mnist")
    for epoch in range(steps):
        order = data.permutation(KEY, epoch, train_set.size)
        for batch in data.batches(train_set, order, BATCH_SIZE):
            if steps == 0:
                return
            steps -= 1
            yield batch


def flat(state_dict):
    tensors = [tensor.detach().double().flatten() for tensor in state_dict.values()]
    return torch.cat(tensors).numpy()


def of_jaxnn(model, start, steps):
    """The masks of every step, and the parameters after it."""
    step = jax.jit(
        train.make_train_step(model, optim.adam(LEARNING_RATE), losses.softmax_cross_entropy)
    )
    masks_of = jax.jit(partial(convert.dropout_masks, model))
    state = start
    for batch in batches(steps):
        _, key = draw(state, batch, None)
        masks = masks_of(state.params, state.state, jnp.asarray(batch.images), key=key)
        state, _ = step(state, batch)
        yield masks, flat(convert.to_torch(state.params, ()))


def of_pytorch(start, dtype, steps, masks):
    """The parameters after every step, with masks as given."""
    module = torch_models.ImageClassifier(*NETWORK, **SETTINGS).to(dtype)
    module.load_state_dict(convert.to_torch(start.params, start.state))
    optimizer = torch.optim.Adam(module.parameters(), LEARNING_RATE)
    step = torch_train.make_train_step(module, optimizer, torch_losses.softmax_cross_entropy)
    state = torch_train.init_train_state(module, optimizer, seed=0)
    for batch, given in zip(batches(steps), masks, strict=True):
        examples = torch_data.from_arrays(batch.images, batch.labels)
        with convert.with_masks(module, given):
            state, _ = step(state, examples.tensors)
        yield flat(dict(module.named_parameters()))


def distances(ones, others, start):
    """The distance after every step, relative to the distance travelled."""
    travelled = lambda one: np.linalg.norm(one - start)
    return np.array(
        [np.linalg.norm(a - b) / travelled(a) for a, b in zip(ones, others, strict=True)]
    )


def compare(dtype, steps, *, nearby=True):
    """The distance of the two sides, and, if asked, of each from itself moved by one unit."""
    model = models.image_classifier(*NETWORK, **SETTINGS)
    start = train.init_train_state(model, optim.adam(LEARNING_RATE), KEY, jnp.dtype(dtype))
    moved = start._replace(params=moved_by_one_unit(start.params))
    begun = flat(convert.to_torch(start.params, ()))
    masks = []

    def run_jaxnn():
        for drawn, parameters in of_jaxnn(model, start, steps):
            masks.append(drawn)
            yield parameters

    # Side by side, so that no run has to be kept: jaxnn's step appends the masks for PyTorch's.
    run_torch = partial(of_pytorch, dtype=getattr(torch, dtype), steps=steps, masks=masks)
    found = {"jaxnn and PyTorch": distances(run_jaxnn(), run_torch(start), begun)}
    if nearby:
        alone = lambda start: (parameters for _, parameters in of_jaxnn(model, start, steps))
        found["jaxnn and itself, moved"] = distances(alone(start), alone(moved), begun)
        found["PyTorch and itself, moved"] = distances(run_torch(start), run_torch(moved), begun)
    return found


def figure_of(found):
    """Both dtypes side by side, the distance over the steps, both on a logarithmic scale."""
    limits = {"float64": (1e-11, 1e-9), "float32": (1e-2, 1)}
    with style():
        figure = new_figure(2 * WIDTH, 3.6, "How far two trainings of one network part, by step.")
        panels = figure.subplots(1, len(found))
        for axes, (dtype, curves) in zip(panels, found.items(), strict=True):
            for (name, curve), series in zip(curves.items(), SERIES, strict=False):
                steps = range(1, len(curve) + 1)
                looks = {"color": series.color, "linestyle": series.linestyle}
                axes.loglog(steps, curve, label=name, **looks)
            axes.set(title=dtype, xlabel="step", xlim=(1, len(curve)), ylim=limits[dtype])
            axes.set_ylabel("distance / distance travelled")
            axes.yaxis.set_major_formatter("{x:.0e}")
            axes.xaxis.set_major_formatter("{x:.0f}")
            quiet_ticks(axes, grid="y")
        panels[0].legend(loc="lower left")
    return figure


def main():
    jax.config.update("jax_enable_x64", True)
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=1000)
    arguments = parser.parse_args()
    found = {dtype: compare(dtype, arguments.steps) for dtype in ("float64", "float32")}
    for dtype, curves in found.items():
        for name, curve in curves.items():
            marks = [i for i in (1, 10, 100, 1000) if i <= len(curve)]
            figures = "  ".join(f"{i}: {curve[i - 1]:.1e}" for i in marks)
            print(f"{dtype}  {name:26} {figures}")
    save(figure_of(found), ROOT / "docs" / "images" / "divergence.png")


if __name__ == "__main__":
    main()
