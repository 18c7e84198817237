"""The lecture's network takes some 250 of 10,000 test images for another digit, a few surely.

Shows: the test of a trained network: accuracy, confusion matrix, predictions with their
probabilities, and the errors of which it was surest.

Look for: which digits are taken for which. The worst errors are no noise: some are hard for a
person, and some have a label that a person would doubt.

Found: after five epochs at a falling rate the test accuracy is 0.9753. Nines are taken for fours
most often (14), sevens for twos (11) and ones (10). Of the answers given with 99 % or more, 0.0007
are wrong: six, the first of the worst errors. The softmax is seldom wrong where it is sure.
"""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from gallery import print_table, save_figure, save_findings

from jaxnn import Dataset, activations, data, losses, metrics, models, optim, plots, train

MODEL = models.simple_nn()


def trained(images: int) -> tuple[Any, Any]:
    """Parameters and state after five epochs, the learning rate falling to 0."""
    train_set, _ = data.load("mnist")
    train_set = Dataset(train_set.images[:images], train_set.labels[:images])
    return train.fit(
        MODEL,
        optim.adam(optim.linear_schedule(1e-3, 0.0, 5 * -(-images // 64))),
        train_set,
        loss=losses.softmax_cross_entropy,
        epochs=5,
        batch_size=64,
        key=jax.random.key(0),
    ).train_state[:2]


def main(small: bool = False, out: Path = Path("gallery")) -> dict[str, Any]:
    """Tests the network on the test images.

    Args:
      small: trained on fewer images.
      out: the folder for the pictures and the findings.
    """
    params, state = trained(1280 if small else 60000)
    _, test_set = data.load("mnist")
    labels = np.asarray(test_set.labels)
    logits = train.predict(MODEL, params, state, test_set.images, batch_size=1000)
    counted = metrics.confusion_matrix(jnp.asarray(logits), jnp.asarray(labels))
    matrix = np.asarray(counted.sum, int)
    probabilities = np.asarray(activations.softmax(jnp.asarray(logits)))
    right, sure = probabilities.argmax(-1) == labels, probabilities.max(-1) >= 0.99
    findings = {
        "accuracy": float(right.mean()),
        "confusion_matrix": matrix.tolist(),
        "wrong_though_sure": float((~right)[sure].mean()),
        "first_logits": logits[0].tolist(),
    }
    rows = [[name, f"{findings[name]:.4f}"] for name in ("accuracy", "wrong_though_sure")]
    print_table(["", "of the test images"], rows)
    confused = matrix - np.diag(np.diag(matrix))
    print("\ntaken most often for another:")
    for place in np.argsort(confused.ravel())[:-6:-1]:
        true, taken = divmod(int(place), 10)
        print(f"{true} for {taken}: {confused[true, taken]}")
    save_figure(__file__, out, plots.confusion_matrix(matrix))
    worst = plots.worst_errors(test_set.images, labels, probabilities, count=10)
    save_figure(__file__, out, worst, "errors")
    shown = plots.predictions(test_set.images[:10], labels[:10], probabilities[:10])
    save_figure(__file__, out, shown, "predictions")
    return save_findings(__file__, out, findings)


if __name__ == "__main__":
    tyro.cli(main)
