"""In training mode one image has many answers, in evaluation mode one.

Shows: the lecture's table of training mode against evaluation mode, row by row, as measurements on
a network with batch norm and dropout.

Look for: the spread of the dots, two hundred answers to one image in training mode, beside the bar,
the one answer in evaluation mode. The dots spread by dropout's chance; their middle lies beside the
bar because batch norm takes the statistics of the 64 images that are asked together, where
evaluation mode takes those that training has left.

Found: dropout silences 0.32 of the hidden values that ReLU leaves (0.3 is the rate), so that two
calls differ by up to 3.2 in a logit; in evaluation mode none, and 0. Among 32 instead of 64 images
the logits of an image move by 0.54, in evaluation mode not at all. A forward pass moves the running
statistics in training mode alone. No gradient is computed in either: in JAX a gradient is a
function of its own, and no mode or `no_grad` switches it off.
"""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from gallery import print_table, save_figure, save_findings

from jaxnn import Dataset, data, layers, losses, models, optim, train
from jaxnn.plots.style import RIGHT, WRONG, new_figure, quiet_ticks, style

MODEL = models.image_classifier((28, 28), (64,), 10, batch_norm=True, dropout=0.3)
LOSS = losses.softmax_cross_entropy


def trained(images: int) -> tuple[Any, Any]:
    """Parameters and running statistics after an epoch."""
    train_set, _ = data.load("mnist")
    train_set = Dataset(train_set.images[:images], train_set.labels[:images])
    settings = {"loss": LOSS, "epochs": 1, "batch_size": 64, "key": jax.random.key(0)}
    return train.fit(MODEL, optim.adam(1e-3), train_set, **settings).train_state[:2]


def main(small: bool = False, out: Path = Path("gallery")) -> dict[str, Any]:
    """Measures what differs between the two modes.

    Args:
      small: on fewer images.
      out: the folder for the picture and the findings.
    """
    params, state = trained(1280 if small else 12800)
    _, test_set = data.load("mnist")
    images, key = test_set.images[:64], jax.random.key(1)
    findings = {
        name: modes(lambda train, measure=measure: measure(params, state, images, key, train))
        for name, measure in MEASURED.items()
    }
    rows = [
        [name.replace("_", " "), f"{found['training']:.4f}", f"{found['evaluation']:.4f}"]
        for name, found in findings.items()
    ]
    print_table(["", "training mode", "evaluation mode"], rows)
    flat = {f"{mode}_{name}": x for name, found in findings.items() for mode, x in found.items()}
    logits, _ = MODEL.apply(params, state, images)
    flat["logits_in_evaluation"] = np.asarray(logits[0], float).tolist()
    save_figure(__file__, out, draw(params, state, least_sure(params, state, test_set)))
    return save_findings(__file__, out, flat)


def modes(measure: Any) -> dict[str, float]:
    """A measurement in both modes."""
    return {"training": float(measure(True)), "evaluation": float(measure(False))}


def silenced(params: Any, state: Any, images: Any, key: Any, train: bool) -> jax.Array:
    """Of the hidden values that ReLU leaves, the share that is 0 after dropout."""
    found = layers.intermediates(MODEL, params, state, images, key=key, train=train)
    before, after = (
        next(value for path, value in found.items() if path.endswith(name))
        for name in ("relu", "dropout")
    )
    return jnp.sum((before > 0) & (after == 0)) / jnp.sum(before > 0)


def chance(params: Any, state: Any, images: Any, key: Any, train: bool) -> jax.Array:
    """How far two calls with different keys part."""
    answer = lambda key: MODEL.apply(params, state, images, key=key, train=train)[0]
    first, second = map(answer, jax.random.split(key))
    return jnp.abs(first - second).max()


def company(params: Any, state: Any, images: Any, key: Any, train: bool) -> jax.Array:
    """How far the logits of an image part, of a network without dropout, in other company."""
    calm = layers.map_layers(lambda path, layer: without_dropout(layer), MODEL)
    answer = lambda batch: calm.apply(params, state, batch, key=key, train=train)[0][0]
    return jnp.abs(answer(images) - answer(images[:32])).max()


def without_dropout(layer: Any) -> Any:
    """The layer, or for a dropout one that drops nothing."""
    return layers.dropout(0.0) if layer.name == "dropout" else layer


def memory(params: Any, state: Any, images: Any, key: Any, train: bool) -> jax.Array:
    """How far a call moves the running statistics."""
    _, moved = MODEL.apply(params, state, images, key=key, train=train)
    pairs = zip(jax.tree.leaves(moved), jax.tree.leaves(state), strict=True)
    moves = [abs(new - old).max() for new, old in pairs if new.dtype == jnp.float32]
    return jnp.max(jnp.stack(moves))


MEASURED = {
    "share_silenced_by_dropout": silenced,
    "two_calls_differ_by": chance,
    "other_company_changes_logits_by": company,
    "running_statistics_move_by": memory,
}


def least_sure(params: Any, state: Any, test_set: Dataset) -> np.ndarray:
    """The one image of the first thousand whose best class is least probable."""
    logits, _ = MODEL.apply(params, state, test_set.images[:1000])
    return test_set.images[[int(jnp.argmin(jax.nn.softmax(logits).max(axis=-1)))]]


def draw(params: Any, state: Any, image: np.ndarray) -> Any:
    """Two hundred answers to an image in training mode, and the one in evaluation mode.

    Batch norm needs company: in training mode the image stands among 63 that never change.
    """
    _, test_set = data.load("mnist")
    batch = np.concatenate([image, test_set.images[:63]])
    answer = lambda key: MODEL.apply(params, state, batch, key=key, train=True)[0][0]
    answers = jax.nn.softmax(jax.vmap(answer)(jax.random.split(jax.random.key(2), 200)))
    once = jax.nn.softmax(MODEL.apply(params, state, image)[0][0])
    with style():
        figure = new_figure(8, 3.2, "One image: 200 answers in training mode, one in evaluation.")
        left, right = figure.subplots(1, 2, width_ratios=[1, 3.5])
        left.imshow(image[0], cmap="gray_r")
        left.set(xticks=[], yticks=[], title="the image")
        left.spines[:].set_visible(False)
        right.bar(range(10), once, color="#c9d6e4", width=0.8, label="evaluation mode")
        places = np.arange(10) + np.random.default_rng(0).uniform(-0.3, 0.3, (200, 10))
        right.plot(places, answers, ".", color=WRONG, markersize=2, alpha=0.6)
        right.plot([], [], ".", color=WRONG, label="training mode, 200 masks")
        right.hlines(once, np.arange(10) - 0.4, np.arange(10) + 0.4, color=RIGHT, linewidth=2)
        right.set(xticks=range(10), xlabel="class", ylabel="probability", ylim=(0, 1))
        right.legend()
        quiet_ticks(right, grid="y")
    return figure


if __name__ == "__main__":
    tyro.cli(main)
