"""The training of all members: one after another on each core, or side by side on an accelerator.

On a CPU each core trains a member at a time: threads call the same compiled programs, which run
without Python's lock. There `vmap` is slower, since a batched matrix product runs at half speed and
the parameters of many members do not fit into the cache. On an accelerator it is the other way
round, so there each device trains pieces of as many members by `vmap` as fit into its memory.
"""

import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from functools import partial
from operator import itemgetter
from typing import Any

import jax

from jaxnn import checks, metrics
from jaxnn.callbacks import bar
from jaxnn.steps import Augment, Penalty, init_train_state, make_train_step
from jaxnn.sweep import journal
from jaxnn.sweep.grid import Grid, Make, Member, read_grid
from jaxnn.sweep.programs import (
    Programs,
    Training,
    compile_programs,
    free_bytes,
    largest_piece,
    piece_arguments,
)
from jaxnn.sweep.result import SweepResult, make_result
from jaxnn.typing import Dataset, GradientTransformation, Key, Layer, Loss

Data = tuple[Dataset, Dataset | None]


def fit(
    make: Make,
    grid: Grid,
    dataset: Dataset,
    *,
    loss: Loss,
    epochs: int,
    batch_size: int,
    key: Key,
    validation: Dataset | None = None,
    out: str | os.PathLike | None = None,
    config: Mapping[str, Any] | None = None,
    together: int | None = None,
    augment: Augment | None = None,
    penalty: Penalty | None = None,
) -> SweepResult:
    """Trains a model for every row of a grid, with all cores and devices of the machine.

    Floats of the grid are traced, so that members that differ in nothing else share one compiled
    program; whatever else differs makes a group with a program of its own. Each member's numbers
    are those of `train.fit` with the same settings: to the bit where the program computes with a
    float as it is (a learning rate), to rounding where it would have folded it (1 − β of Adam).

    A member whose numbers stop being finite ends there, is recorded as such, and is never the best.

    Args:
      make: `(**hyperparameters) -> (model, optimizer)`; `batch_size` and `epochs` are among them if
        `make` has parameters of these names, as a schedule needs them.
      grid: a list of dicts, a row each; or a dict of lists, which means their product. Three names
        are reserved: `batch_size` and `epochs` go before the arguments below, and a member with a
        `seed` is given the key `jax.random.fold_in(key, seed)`.
      dataset: what to train on.
      loss: `(outputs, labels) -> (batch,)`.
      epochs: passes over the data.
      batch_size: examples a step.
      key: the key of every member that has no seed.
      validation: what to measure on after each epoch.
      out: a folder to which each member's result is written as it ends. A sweep that was killed
        goes on where it stopped when it is called again with the same folder.
      config: what else the sweep follows from, such as the settings within `make`: it is kept in
        `out`, which a sweep with another one cannot use.
      together: how many members to train at once by `vmap`; None: one a core on a CPU, and as many
        as fit into its memory on another device.
      augment: `(key, images) -> images`, applied to each batch.
      penalty: `params -> scalar`, added to the loss that is minimised.

    Returns:
      A `SweepResult`, its rows in the order of the grid.

    Raises:
      ValueError: on a grid, numbers or data that do not fit, or a folder of another sweep, before
        anything is computed or written.

    Example:
      >>> from jaxnn import losses, models, optim
      >>> make = lambda learning_rate: (models.mlp((4, 4)), optim.adam(learning_rate))
      >>> data = Dataset(jax.numpy.eye(4), jax.numpy.arange(4))
      >>> result = fit(make, {"learning_rate": [1e-4, 0.1], "seed": [0, 1]}, data, epochs=50,
      ...              batch_size=2, loss=losses.softmax_cross_entropy, key=jax.random.key(0))
      >>> len(result.rows), result.best["learning_rate"], result.best["accuracy"]
      (4, 0.1, 1.0)
    """
    training = Training(make, loss, augment, penalty)
    members = read_grid(grid, make, batch_size=batch_size, epochs=epochs)
    checks.require_dataset("sweep.fit: dataset", dataset)
    if validation is not None:
        checks.require_dataset("sweep.fit: validation", validation)
    if together is not None:
        checks.require_positive_integer(together, "sweep.fit: together")
    _try_out(training, members, key, dataset)
    records = {}
    if out is not None:
        description = journal.describe(training, members, key, (dataset, validation), config or {})
        records = journal.open_folder(out, description)
    left = [member for member in members if member.number not in records]
    lock = threading.Lock()

    def keep(record: journal.Record) -> None:
        with lock:
            if out is not None:
                journal.append(out, record)
            records[record["member"]] = record
            show(len(records))

    with journal.held(out), bar("members", len(members)) as show:
        show(len(records))
        _train_all(training, left, key, (dataset, validation), together, keep)
    return make_result(members, records)


def _try_out(training: Training, members: Sequence[Member], key: Key, dataset: Dataset) -> None:
    """Makes every member's parts with its own numbers, and traces a step of every group."""
    make, loss, augment, penalty = training
    for group in _groups(members):
        for member in group:
            _make_parts(make, member)
        model, optimizer = _make_parts(make, group[0])
        step = make_train_step(model, optimizer, loss, augment=augment, penalty=penalty)
        start = jax.eval_shape(partial(init_train_state, model, optimizer), key)
        first = slice(group[0].batch_size)
        jax.eval_shape(step, start, Dataset(dataset.images[first], dataset.labels[first]))


def _make_parts(make: Make, member: Member) -> tuple[Layer, GradientTransformation]:
    parts = make(**member.floats, **dict(member.others))
    if not (isinstance(parts, tuple) and len(parts) == 2 and isinstance(parts[0], Layer)):
        raise TypeError(f"sweep.fit: make must return (model, optimizer), got {parts!r}")
    return parts


def _train_all(
    training: Training,
    members: Sequence[Member],
    key: Key,
    data: Data,
    together: int | None,
    keep: Callable[[journal.Record], None],
) -> None:
    """Compiles each group's programs while those of the groups before it train."""
    devices = jax.local_devices()
    threads = 1
    if devices[0].platform == "cpu":
        # Several CPU devices are the same cores: a thread for each core on one device does as well.
        devices, threads = devices[:1], _cores()
    placed = [jax.device_put(data, device) for device in devices]
    pools = [ThreadPoolExecutor(threads) for _ in devices]
    stop = threading.Event()
    futures: list[Future] = []
    try:
        for group in _groups(members):
            size = together or _piece_size(training, group, key, placed[0], devices)
            for number, piece in enumerate(_pieces(group, min(size, len(group)))):
                place = number % len(devices)
                programs = compile_programs(training, piece, key, placed[place], devices[place])
                arguments = piece_arguments(piece, key, devices[place])
                futures.append(
                    pools[place].submit(
                        _train_piece, programs, piece, arguments, placed[place], stop, keep
                    )
                )
        for future in as_completed(futures):
            future.result()
    finally:
        stop.set()
        for pool in pools:
            pool.shutdown(cancel_futures=True)


def _cores() -> int:
    """The cores that this process may use; all of them where the system does not say."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _groups(members: Sequence[Member]) -> list[list[Member]]:
    """The members that share a program, in the order of their first."""
    groups: dict[Any, list[Member]] = {}
    for member in members:
        groups.setdefault(member.group, []).append(member)
    return [*groups.values()]


def _piece_size(
    training: Training,
    group: Sequence[Member],
    key: Key,
    data: Data,
    devices: Sequence[Any],
) -> int:
    """One member on a CPU; elsewhere each device's share of the group, if it fits."""
    device = devices[0]
    if device.platform == "cpu":
        return 1
    share = math.ceil(len(group) / len(devices))
    compile_piece = lambda size: compile_programs(training, group[:size], key, data, device)
    return largest_piece(compile_piece, share, 0.9 * free_bytes(device))


def _pieces(group: Sequence[Member], size: int) -> Iterator[Sequence[Member]]:
    """The group in pieces of one size; the last is filled up with its last member."""
    for first in range(0, len(group), size):
        piece = group[first : first + size]
        yield [*piece, *([piece[-1]] * (size - len(piece)))]


def _train_piece(
    programs: Programs,
    piece: Sequence[Member],
    arguments: tuple[Any, Any],
    data: Data,
    stop: threading.Event,
    keep: Callable[[journal.Record], None],
) -> None:
    """Trains the members of a piece, and keeps what came out."""
    started = time.perf_counter()
    keys, floats = arguments
    train_state = programs.start(keys, floats)
    histories: list[list[dict[str, Any]]] = [[] for _ in piece]
    diverged: dict[int, str] = {}
    for epoch in range(1, piece[0].epochs + 1):
        if stop.is_set():
            return
        train_state, *measured = programs.epoch(train_state, floats, *data)
        for place, (values, finite) in enumerate(_by_member(measured, len(piece))):
            if place not in diverged:
                histories[place].append({"epoch": epoch} | values)
                if not finite:
                    diverged[place] = f"diverged in epoch {epoch}"
        if len(diverged) == len(piece):
            break
    seconds = (time.perf_counter() - started) / len(piece)
    for place, number in enumerate(dict.fromkeys(member.number for member in piece)):
        status = diverged.get(place, "finished")
        record = {"member": number, "status": status, "seconds": seconds}
        keep(record | {"history": histories[place]})


def _by_member(measured: Any, size: int) -> Iterator[tuple[dict[str, float | None], bool]]:
    """The figures of each member of a piece, None for what JSON cannot hold; is all finite?"""
    columns = jax.tree.map(lambda leaf: leaf.reshape(size), jax.device_get(measured))
    for place in range(size):
        averages, finite = jax.tree.map(itemgetter(place), columns)
        values = metrics.values(averages)
        yield {n: v if math.isfinite(v) else None for n, v in values.items()}, bool(finite)
