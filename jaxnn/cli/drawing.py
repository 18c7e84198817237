"""The end of a run: the trained network on the test images, its pictures, its report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn import activations, checks, evaluation, layers, metrics, plots
from jaxnn.cli import build, pictures, records, runs
from jaxnn.files import write_atomically
from jaxnn.plots.report import Picture

BATCH_SIZE = 1000
"""Images at a time where nothing is trained."""


def finish(
    run: runs.Run, images: runs.Images, drawn: pictures.Pictures, **more_results: Any
) -> dict[str, Any]:
    """Measures a run's network on the test images and writes results, pictures and report.

    Args:
      run: a run folder with its trained network.
      images: its data.
      drawn: the processes that draw; the samples have been drawn already.
      **more_results: what else results.json shall hold.

    Returns:
      What results.json holds.
    """
    history, names, folder = (
        records.read_history(run.folder),
        images.class_names,
        run.folder / "plots",
    )
    drawn.draw(folder, loss=[history], accuracy=[history])
    params, state = run.train_state[:2]
    test = images.test
    logits = evaluation.predict(run.model, params, state, test.images, batch_size=BATCH_SIZE)
    labels, probabilities = np.asarray(test.labels), np.asarray(_softmax(logits))
    first = slice(10)
    drawn.draw(
        folder,
        predictions=[test.images[first], labels[first], probabilities[first], names],
        errors=[np.asarray(test.images), labels, probabilities, 20, names],
    )
    results = measure(run, images, logits) | more_results
    drawn.draw(folder, confusion=[results["confusion_matrix"], names])
    write_atomically(run.folder / "results.json", json.dumps(results, indent=2) + "\n")
    write_report(run, results, history, drawn.by_caption(), names)
    return results


def draw_samples(folder: Path, images: runs.Images, drawn: pictures.Pictures) -> None:
    """Draws the first of the training images."""
    train_images, labels = (np.asarray(array[:5]) for array in images.train)
    drawn.draw(folder / "plots", samples=[train_images, labels, images.class_names])


def measure(run: runs.Run, images: runs.Images, logits: jax.Array) -> dict[str, Any]:
    """Loss, accuracies, calibration and confusion of logits on the test images."""
    labels = jnp.asarray(images.test.labels)
    checks.require_classes("test images", labels, labels.shape, logits.shape[-1])
    loss = build.make_loss(run.options)
    averages, calibration, confusion = _measure(loss, logits, labels)
    return {
        **metrics.values(averages),
        "calibration_error": float(calibration),
        "confusion_matrix": confusion.tolist(),
        "step": int(run.train_state.step),
        "parameters": layers.summary(run.model).parameters,
    }


_softmax = jax.jit(activations.softmax)


@partial(jax.jit, static_argnums=0)
def _measure(loss, logits, labels):
    averages = {
        "loss": metrics.average(loss(logits, labels)),
        "accuracy": metrics.accuracy(logits, labels),
        "top_3_accuracy": metrics.top_k_accuracy(logits, labels, min(3, logits.shape[-1])),
    }
    calibration = metrics.calibration(activations.softmax(logits), labels)
    return averages, calibration.error, metrics.confusion_matrix(logits, labels).sum


def write_report(
    run: runs.Run,
    results: dict[str, Any],
    history: list[dict[str, Any]],
    figures: Mapping[str, Picture],
    class_names: list[str],
) -> None:
    """Writes the page that shows a run."""
    plots.write_report(
        run.folder / "report.html",
        title=f"{run.folder.name}: {run.options.data}",
        results=_headline(results),
        history=history,
        figures=figures,
        config=run.config["options"],
        environment=run.config["environment"],
        layers=[
            {"layer": path, "parameters": count, "shapes": _in_words(shapes)}
            for path, shapes, count in layers.summary(run.model)
        ],
        classes=plots.class_table(results["confusion_matrix"], class_names),
    )


def _in_words(shapes: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {' × '.join(map(str, shape))}" for name, shape in shapes.items())


def _headline(results: dict[str, Any]) -> dict[str, Any]:
    headline = {
        "test accuracy": results["accuracy"],
        "test loss": results["loss"],
        "top-3 accuracy": results["top_3_accuracy"],
        "calibration error": results["calibration_error"],
        "parameters": results["parameters"],
        "steps": results["step"],
    }
    if "training_seconds" in results:
        headline["training time"] = f"{results['training_seconds']:.1f} s"
    return headline
