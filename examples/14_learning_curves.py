"""The training loss goes on falling when the validation loss has ceased to.

Shows: loss and accuracy by epoch, on the images that are trained on and on those held out, of the
lecture's network at Adam's constant rate.

Look for: where the curves part. From there on the network learns its images rather than digits; the
epoch with the best validation loss is the one to keep.

Found: over ten epochs the training loss falls without a halt, to 0.044. The validation loss is
least in epoch 4 (0.070) and wavers between 0.084 and 0.101 from there on, the validation accuracy
between 0.970 and 0.978: at a constant rate the last epoch is as good as chance will have it.
"""

from pathlib import Path
from typing import Any

import jax
import tyro
from gallery import print_table, save_figure, save_findings

from jaxnn import Dataset, data, losses, models, optim, plots, train


def main(small: bool = False, out: Path = Path("gallery")) -> dict[str, Any]:
    """Trains with a validation set and draws the curves.

    Args:
      small: on fewer images and epochs.
      out: the folder for the pictures and the findings.
    """
    images, epochs = (1280, 2) if small else (60000, 10)
    train_set, _ = data.load("mnist")
    training = Dataset(train_set.images[: images * 9 // 10], train_set.labels[: images * 9 // 10])
    validation = Dataset(
        train_set.images[images * 9 // 10 : images], train_set.labels[images * 9 // 10 : images]
    )
    model, optimizer, key = models.simple_nn(), optim.adam(1e-3), jax.random.key(0)
    settings = {"loss": losses.softmax_cross_entropy, "batch_size": 64}
    start = train.init_train_state(model, optimizer, key)
    before = train.evaluate(model, start.params, start.state, validation, **settings)
    history = train.fit(
        model, optimizer, training, validation=validation, epochs=epochs, key=key, **settings
    ).history
    names = ("loss", "validation_loss", "accuracy", "validation_accuracy")
    rows = [[row["epoch"], *(f"{row[name]:.4f}" for name in names)] for row in history]
    print_table(["epoch", *(name.replace("_", " ") for name in names)], rows)
    best = min(history, key=lambda row: row["validation_loss"])
    print(f"\nleast validation loss in epoch {best['epoch']}")
    save_figure(__file__, out, plots.loss_curves(history))
    save_figure(__file__, out, plots.accuracy_curves(history), "accuracy")
    findings: dict[str, Any] = {"validation_loss_at_the_start": before["loss"]}
    findings |= {f"approximately_{name}": [row[name] for row in history] for name in names}
    return save_findings(__file__, out, findings)


if __name__ == "__main__":
    tyro.cli(main)
