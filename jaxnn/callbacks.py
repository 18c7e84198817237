"""Callbacks of `train.fit`: called with a `Progress` after each epoch.

A callback keeps nothing between calls: what it needs to know of earlier epochs stands in the
history, so that a training that is taken up again goes on as if it had never stopped.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jaxnn import checks
from jaxnn.train import Callback
from jaxnn.typing import Schedule


def print_epochs(write: Callable[[str], Any] = print) -> Callback:
    """Prints one line an epoch: each figure, and in brackets that of the validation data.

    Args:
      write: what takes the line.

    Returns:
      A callback.

    Example:
      >>> from jaxnn.train import Progress
      >>> row = {"epoch": 3, "loss": 0.25, "validation_loss": 0.5, "seconds": 1.5}
      >>> print_epochs()(Progress(3, 10, None, [row]))
      epoch  3/10  loss 0.2500 (0.5000)  1.5 s
    """
    checks.require_function(write, "print_epochs: write")

    def callback(progress):
        row, width = progress.history[-1], len(str(progress.epochs))
        figures = [f"epoch {row['epoch']:{width}}/{progress.epochs}"]
        for name in ("loss", "accuracy"):
            if name in row:
                held_out = row.get(f"validation_{name}")
                brackets = "" if held_out is None else f" ({held_out:.4f})"
                figures.append(f"{name} {row[name]:.4f}{brackets}")
        write("  ".join([*figures, f"{row['seconds']:.1f} s"]))

    return callback


@contextmanager
def progress_bar(epochs: int) -> Iterator[Callback]:
    """Shows a bar of the epochs done while a training runs; nothing where there is no terminal.

    Args:
      epochs: how many there will be.

    Yields:
      A callback, for as long as the bar stands.

    Example:
      >>> with progress_bar(5) as advance:
      ...     callbacks = [advance]
    """
    with bar("epochs", epochs) as show:
        yield lambda progress: show(progress.epoch)


@contextmanager
def bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Shows a bar of what is done of a total; nothing where there is no terminal.

    Args:
      what: is counted, such as "epochs".
      total: how many there will be.

    Yields:
      A function that is told how many are done.

    Example:
      >>> with bar("members", 5) as show:
      ...     show(3)
    """
    from rich import progress as bars
    from rich.console import Console

    columns = (what, bars.BarColumn(), bars.MofNCompleteColumn(), bars.TimeRemainingColumn())
    console = Console()
    hidden = not console.is_terminal
    with bars.Progress(*columns, console=console, transient=True, disable=hidden) as shown:
        task = shown.add_task(what, total=total)
        yield lambda done: shown.update(task, completed=done)


def early_stopping(metric: str = "validation_loss", *, patience: int) -> Callback:
    """Ends the training when a loss has not fallen for some epochs.

    Args:
      metric: a column of the history, the smaller the better.
      patience: how many epochs in a row may pass without a new minimum.

    Returns:
      A callback.

    Raises:
      ValueError: on a patience below 1; when called, if the history has no such column.

    Example:
      >>> from jaxnn.train import Progress
      >>> history = [{"epoch": i + 1, "loss": loss} for i, loss in enumerate([3.0, 2.0, 2.5])]
      >>> stop = early_stopping("loss", patience=1)
      >>> stop(Progress(3, 10, None, history))
      'loss has not fallen since epoch 2'
      >>> stop(Progress(2, 10, None, history[:2]))
    """

    checks.require_positive_integer(patience, "early_stopping: patience")

    def callback(progress):
        history = progress.history
        if metric not in history[-1]:
            raise ValueError(f"early_stopping: expected one of {list(history[-1])}, got {metric!r}")
        best = min(range(len(history)), key=lambda i: history[i][metric])
        if len(history) - 1 - best >= patience:
            return f"{metric.replace('_', ' ')} has not fallen since epoch {best + 1}"
        return None

    return callback


def log_learning_rate(schedule: Schedule) -> Callback:
    """Puts the learning rate of the epoch's last step into the history, as `learning_rate`.

    Args:
      schedule: from a step, the first being 0, to the learning rate.

    Returns:
      A callback.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxnn.train import Progress, TrainState
      >>> row = {"epoch": 1}
      >>> train_state = TrainState({}, {}, {}, None, jnp.array(100))
      >>> log_learning_rate(lambda step: 0.1 * 0.99**step)(Progress(1, 1, train_state, [row]))
      >>> round(row["learning_rate"], 4)
      0.037
    """
    checks.require_function(schedule, "log_learning_rate: schedule")

    def callback(progress):
        rate = schedule(int(progress.train_state.step) - 1)
        progress.history[-1]["learning_rate"] = float(rate)

    return callback


def save_checkpoints(folder: str | Path, config: dict[str, Any]) -> Callback:
    """Saves a checkpoint after each epoch; the two newest and the best are kept.

    The best is that of the smallest validation loss, or training loss where there is no validation.

    Args:
      folder: where the checkpoints stand.
      config: what is needed to make the model again.

    Returns:
      A callback.

    Example:
      >>> import tempfile
      >>> callback = save_checkpoints(tempfile.mkdtemp(), {"hidden": [256, 128]})
    """
    from jaxnn import checkpoint

    def callback(progress):
        row = progress.history[-1]
        checkpoint.save(
            folder,
            progress.train_state,
            step=int(progress.train_state.step),
            config=config,
            loss=row.get("validation_loss", row["loss"]),
            history=progress.history,
        )

    return callback


def append_history(path: str | Path) -> Callback:
    """Appends one line of JSON an epoch to a file.

    Args:
      path: of the file, such as `history.jsonl`.

    Returns:
      A callback.

    Example:
      >>> import tempfile
      >>> from jaxnn.train import Progress
      >>> path = Path(tempfile.mkdtemp(), "history.jsonl")
      >>> append_history(path)(Progress(1, 1, None, [{"epoch": 1, "loss": 0.5}]))
      >>> path.read_text()
      '{"epoch": 1, "loss": 0.5}\\n'
    """
    import json

    def callback(progress):
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(progress.history[-1]) + "\n")

    return callback


def plot_curves(folder: str | Path) -> Callback:
    """Draws `loss.png` and `accuracy.png` anew after each epoch.

    Args:
      folder: where the pictures stand.

    Returns:
      A callback.

    Example:
      >>> import tempfile
      >>> callback = plot_curves(tempfile.mkdtemp())
    """
    from jaxnn import plots

    def callback(progress):
        plots.save(plots.loss_curves(progress.history), Path(folder, "loss.png"))
        plots.save(plots.accuracy_curves(progress.history), Path(folder, "accuracy.png"))

    return callback
