"""The end of a run: the trained network on the test images, its pictures, its report."""

from __future__ import annotations

import json
from typing import Any

import jax
import numpy as np

from jaxnn import activations, evaluation, layers, metrics, plots
from jaxnn.cli import build, runs
from jaxnn.files import write_atomically

CAPTIONS = {
    "loss": "Loss over the epochs",
    "accuracy": "Accuracy over the epochs",
    "confusion": "Test images by true and predicted class",
    "samples": "Five of the training images",
    "predictions": "The first test images and what the network takes them for",
    "errors": "The errors that the network was surest of",
}

BATCH_SIZE = 1000
"""Images at a time where nothing is trained."""


def finish(run: runs.Run, images: runs.Images, **more_results: Any) -> dict[str, Any]:
    """Measures a run's network on the test images and writes results, pictures and report.

    Args:
      run: a run folder with its trained network.
      images: its data.
      **more_results: what else results.json shall hold.

    Returns:
      What results.json holds.
    """
    params, state = run.train_state[:2]
    test = images.test
    logits = evaluation.predict(run.model, params, state, test.images, batch_size=BATCH_SIZE)
    results = measure(run, images, logits) | more_results
    write_atomically(run.folder / "results.json", json.dumps(results, indent=2) + "\n")
    probabilities = np.asarray(activations.softmax(logits))
    draw(run, images, probabilities, results)
    return results


def measure(run: runs.Run, images: runs.Images, logits: jax.Array) -> dict[str, Any]:
    """Loss, accuracies, calibration and confusion of logits on the test images."""
    labels = jax.numpy.asarray(images.test.labels)
    loss = build.make_loss(run.options)(logits, labels)
    calibration = metrics.calibration(activations.softmax(logits), labels)
    averages = {
        "loss": metrics.average(loss),
        "accuracy": metrics.accuracy(logits, labels),
        "top_3_accuracy": metrics.top_k_accuracy(logits, labels, min(3, logits.shape[-1])),
    }
    return {
        **metrics.values(averages),
        "calibration_error": float(calibration.error),
        "confusion_matrix": metrics.confusion_matrix(logits, labels).sum.tolist(),
        "step": int(run.train_state.step),
        "parameters": layers.summary(run.model).parameters,
    }


def draw(
    run: runs.Run, images: runs.Images, probabilities: np.ndarray, results: dict[str, Any]
) -> None:
    """Draws the pictures of a run and writes its report."""
    history, names = runs.read_history(run.folder), images.class_names
    train_images, train_labels = map(np.asarray, images.train)
    test_images, labels = np.asarray(images.test.images), np.asarray(images.test.labels)
    matrix = results["confusion_matrix"]
    figures = {
        "loss": plots.loss_curves(history),
        "accuracy": plots.accuracy_curves(history),
        "confusion": plots.confusion_matrix(matrix, names),
        "samples": plots.sample_images(train_images[:5], train_labels[:5], names),
        "predictions": plots.predictions(test_images[:10], labels[:10], probabilities[:10], names),
        "errors": plots.worst_errors(test_images, labels, probabilities, class_names=names),
    }
    for name, figure in figures.items():
        plots.save(figure, run.folder / "plots" / f"{name}.png")
    plots.write_report(
        run.folder / "report.html",
        title=f"{run.folder.name}: {run.options.data}",
        results=_headline(results),
        history=history,
        figures={CAPTIONS[name]: figure for name, figure in figures.items()},
        config=run.config["options"],
        environment=run.config["environment"],
        layers=[
            {"layer": path, "parameters": count, "shapes": _in_words(shapes)}
            for path, shapes, count in layers.summary(run.model)
        ],
        classes=plots.class_table(matrix, names),
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
