"""What every open page is shown: one network, which a thread trains, and what it responds."""

from __future__ import annotations

import base64
import io
import threading
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from jaxnn import data, layers, streaming
from jaxnn.data import digits
from jaxnn.play.settings import Settings
from jaxnn.play.training import Moment, Network, make_parts, moments
from jaxnn.typing import Dataset

EVERY = 5
"""Every so-manieth test image is measured on while the network trains."""

FILTERS = 24
"""The first so many neurons of the first layer are shown with their weights."""

Status = Literal["preparing", "training", "finished", "stopped", "failed"]


@dataclass(frozen=True)
class Snapshot:
    """How a training stands, as pages are told it.

    Attributes:
      run: which training it is, the first being 1.
      settings: of the training.
      parameters: how many numbers it changes.
      status: what it is doing.
      message: what has gone wrong, if anything.
      epoch: passes over the data that are done, also in part.
      curve: what was measured at each moment so far.
      confusion: test images by true and predicted class; empty at first.
      filters: of each of the first neurons, its weights as 784 signed bytes in base64.
    """

    run: int
    settings: Settings
    parameters: int
    status: Status = "preparing"
    message: str = ""
    epoch: float = 0.0
    curve: list[dict[str, float]] = field(default_factory=list)
    confusion: list[list[int]] = field(default_factory=list)
    filters: list[str] = field(default_factory=list)


class Session:
    """A network that is trained in a thread of its own, and may be asked at any time.

    Example:
      >>> session = Session()
      >>> session.start(Settings(hidden=(), epochs=1))
      >>> version, snapshot = session.wait(0, seconds=60)
      >>> snapshot.parameters
      7850
      >>> session.close()
      >>> session.wait(version, seconds=60)[1] is None
      True
    """

    def __init__(self) -> None:
        train_set, test_set = data.load("mnist")
        few = Dataset(*(array[::EVERY] for array in test_set))
        self._data = streaming.to_device(train_set), streaming.to_device(few)
        self._changed = threading.Condition()
        self._version = 0
        self._snapshot: Snapshot | None = None
        self._network: Network | None = None
        self._closed = False
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def start(self, settings: Settings) -> None:
        """Ends the training that runs, if one does, and begins another.

        Args:
          settings: of the new one.

        Raises:
          ValueError: on settings that make no network or no optimiser; the old training goes on.
        """
        model, _ = make_parts(settings)
        with self._starting:
            self._end()
            number = self._snapshot.run + 1 if self._snapshot else 1
            self._publish(Snapshot(number, settings, layers.summary(model).parameters))
            self._stop = threading.Event()
            self._thread = threading.Thread(target=self._train, args=(settings, self._stop))
            self._thread.start()

    def stop(self) -> None:
        """Ends the training that runs, if one does; its network stays."""
        with self._starting:
            self._end()

    def close(self) -> None:
        """Ends the training, and the waiting of all who wait."""
        self.stop()
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait(self, version: int, seconds: float) -> tuple[int, Snapshot | None]:
        """Waits for a newer snapshot than that of a version.

        Args:
          version: of the last one that was seen, or 0.
          seconds: how long to wait at most.

        Returns:
          The newest version and its snapshot; the snapshot is None once the session is closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._version > version, seconds)
            return self._version, None if self._closed else self._snapshot

    def respond(self, picture: bytes) -> dict[str, Any]:
        """What the network makes of a picture.

        Args:
          picture: the content of a picture file, converted as `jaxnn predict` does.

        Returns:
          The image that the network was given, the output of each of its layers, and the
          probabilities of the classes.

        Raises:
          ValueError: if it is not a picture, or a blank one.
        """
        image = digits.convert(io.BytesIO(picture), Path("the drawing"))
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._network is not None)
            network = self._network
        if network is None:
            raise ValueError("there is no network: the playground is ending")
        outputs, probabilities = network.respond(image)
        return {
            "image": image.ravel().tolist(),
            "layers": [{"path": path, "values": _rounded(x)} for path, x in outputs.items()],
            "probabilities": _rounded(probabilities),
        }

    def _end(self) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()

    def _train(self, settings: Settings, stop: threading.Event) -> None:
        try:
            for moment in moments(settings, *self._data):
                self._show(moment)
                if stop.is_set():
                    return self._change(status="stopped")
            self._change(status="finished")
        except (ValueError, FloatingPointError, RuntimeError) as error:
            self._change(status="failed", message=str(error))

    def _show(self, moment: Moment) -> None:
        assert self._snapshot
        curve = [*self._snapshot.curve, {"epoch": moment.epoch, **moment.measured}]
        self._change(
            moment.network,
            status="training",
            epoch=moment.epoch,
            curve=curve,
            confusion=moment.confusion.tolist(),
            filters=_filters(moment.network),
        )

    def _change(self, network: Network | None = None, **changes: Any) -> None:
        assert self._snapshot
        self._publish(replace(self._snapshot, **changes), network)

    def _publish(self, snapshot: Snapshot, network: Network | None = None) -> None:
        with self._changed:
            self._version += 1
            self._snapshot = snapshot
            self._network = network or self._network
            self._changed.notify_all()


def as_json(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot as lists, numbers and strings."""
    return asdict(snapshot)


def _rounded(values: np.ndarray) -> list[float]:
    """Numbers as the page needs them: four digits, and no more text than they are worth."""
    return [float(f"{value:.4g}") for value in np.ravel(values)]


def _filters(network: Network) -> list[str]:
    """The weights of the first neurons, the largest of all being ±127."""
    kernel = next(np.asarray(part["kernel"]) for part in network.params if "kernel" in part)
    shown = kernel.T[:FILTERS]
    scaled = np.round(127 * shown / max(np.abs(shown).max(), 1e-30)).astype(np.int8)
    return [base64.b64encode(row.tobytes()).decode() for row in scaled]
