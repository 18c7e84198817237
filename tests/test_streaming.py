"""Data that stay on disk train to the same bits as in memory; errors surface; no thread is left."""

import signal
import sys
import threading

import jax
import numpy as np
import pytest

from benchmarks import larger_than_memory
from jaxnn import data, layers, losses, models, optim, storage, streaming, train
from jaxnn.prefetch import THREADS, prefetched
from jaxnn.typing import Dataset
from tests.prepared_data import FEATURES, TEST, TRAIN, as_png, prepare
from tests.test_train import assert_bit_equal, explode_after

LOSS = losses.softmax_cross_entropy
N = 300
IN_MEMORY = Dataset(TRAIN.images[:N], TRAIN.labels[:N])
HELD_OUT = Dataset(TEST.images[:150], TEST.labels[:150])
NETWORK = models.image_classifier((28, 28), (32,), 10, batch_norm=True, dropout=0.3)
RAW = layers.normalize_images(0.5, 0.5), layers.flatten()
SMALL = layers.serial(*RAW, layers.dense(784, 10))
SGD = optim.sgd(0.1)
IMAGE_BYTES = 784 + 4  # and the label


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    yield
    assert not [thread for thread in threading.enumerate() if THREADS in thread.name]


def on_disk(folder, dataset: Dataset) -> Dataset:
    np.save(folder / "images.npy", dataset.images)
    np.save(folder / "labels.npy", dataset.labels)
    return streaming.open_npy(folder / "images.npy", folder / "labels.npy", num_classes=10)


def fit(dataset, model=SMALL, optimizer=SGD, **options):
    options = {"epochs": 2, "batch_size": 64, "key": jax.random.key(3), "loss": LOSS} | options
    return train.fit(model, optimizer, dataset, **options)


@pytest.fixture(scope="module")
def expected():
    """The training of the data in memory."""
    return fit(IN_MEMORY)


def figures(history):
    """The history without what differs from run to run."""
    return [{k: v for k, v in row.items() if k not in ("seconds", "waiting")} for row in history]


def test_fit_and_validation_are_those_of_data_in_memory_bit_for_bit(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "test").mkdir()
    stored = on_disk(tmp_path / "train", IN_MEMORY), on_disk(tmp_path / "test", HELD_OUT)
    network = {"model": NETWORK, "optimizer": optim.adam(1e-3), "augment": data.shift_images}
    expected = fit(IN_MEMORY, validation=HELD_OUT, **network)
    found = fit(stored[0], validation=stored[1], **network)
    assert_bit_equal(found.train_state, expected.train_state)
    assert figures(found.history) == figures(expected.history)
    assert all(0 <= row["waiting"] <= 1 for row in found.history)
    assert "waiting" not in expected.history[0]


@pytest.mark.parametrize(("n", "steps"), [(256, 2), (300, 3)])
def test_chunks_of_any_size_give_the_same_bits(tmp_path, n, steps):
    dataset = Dataset(IN_MEMORY.images[:n], IN_MEMORY.labels[:n])
    model = layers.serial(*RAW, layers.dropout(0.2), layers.dense(784, 10))
    start = lambda: train.init_train_state(model, SGD, jax.random.key(0))
    expected, measured = train.make_epoch(model, SGD, LOSS, batch_size=64)(start(), dataset)
    chunk_bytes = steps * 64 * IMAGE_BYTES
    epoch = streaming.make_epoch(model, SGD, LOSS, batch_size=64, chunk_bytes=chunk_bytes)
    found, also_measured = epoch(start(), on_disk(tmp_path, dataset))
    assert_bit_equal(found, expected)
    del also_measured["waiting"]
    assert jax.tree.map(float, also_measured) == jax.tree.map(float, measured)


def test_a_chunk_holds_what_its_bytes_allow_and_one_batch_at_least():
    order = np.arange(10)[::-1]
    shapes = lambda chunk_bytes: [
        batches.shape for _, batches in read(np.zeros((10, 5)), order, 3, chunk_bytes)
    ]

    def read(*arguments):
        with streaming.chunks(*arguments) as stream:
            return list(stream)

    assert shapes(1) == [(1, 3, 5)] * 3 + [(1, 1, 5)]
    assert shapes(2 * 3 * 5 * 8) == [(2, 3, 5), (1, 3, 5), (1, 1, 5)]
    found = np.concatenate([b.reshape(-1) for _, b in read(np.arange(10), order, 3, 50)])
    assert found.tolist() == order.tolist()


def test_evaluate_and_predict_read_what_is_stored(tmp_path):
    stored = on_disk(tmp_path, HELD_OUT)
    params, state = SMALL.init(jax.random.key(0))
    both = [
        (
            train.evaluate(SMALL, params, state, dataset, loss=LOSS, batch_size=64),
            train.predict(SMALL, params, state, dataset.images, batch_size=64).tobytes(),
        )
        for dataset in (stored, HELD_OUT)
    ]
    assert both[0] == both[1]


def test_a_large_mapped_file_is_streamed_and_a_small_one_is_not(tmp_path, monkeypatch, expected):
    stored = on_disk(tmp_path, IN_MEMORY)
    mapped = data.from_arrays(np.load(tmp_path / "images.npy", mmap_mode="r"), stored.labels)
    assert not storage.is_stored(mapped.images)
    monkeypatch.setattr(storage, "LARGE", 1000)
    found = fit(mapped)
    assert "waiting" in found.history[0]
    assert_bit_equal(found.train_state, expected.train_state)
    assert not storage.is_stored(np.array(mapped.images))


def test_a_split_of_stored_data_reads_nothing_and_holds_the_same_examples(tmp_path):
    stored = on_disk(tmp_path, IN_MEMORY)
    for found, expected in zip(
        *(dataset.split(0.2, jax.random.key(1)) for dataset in (stored, IN_MEMORY)), strict=True
    ):
        assert storage.is_stored(found.images)
        np.testing.assert_array_equal(found.labels, expected.labels)
        np.testing.assert_array_equal(found.images[:], expected.images)
        again, _ = found.split(0.5, jax.random.key(2))
        expected_again, _ = expected.split(0.5, jax.random.key(2))
        np.testing.assert_array_equal(again.images[:], expected_again.images)


def test_tfds_records_train_to_the_same_bits(tmp_path, expected):
    convert = staticmethod(lambda image, index: as_png(image))
    prepare(tmp_path, "digits", image=FEATURES.Image(shape=(28, 28, 1)), convert=convert)
    stored, stored_test = streaming.open_tfds("digits", tmp_path)
    assert storage.is_stored(stored.images)
    assert storage.is_stored(stored_test.images)
    np.testing.assert_array_equal(stored_test.images[:], TEST.images[:100], strict=True)
    found = fit(stored)
    assert_bit_equal(found.train_state, expected.train_state)
    assert figures(found.history) == figures(expected.history)


class Examples:
    """A source of MNIST, one example at a time; at some index it breaks."""

    def __init__(self, breaks_at=None, change=lambda image: image):
        self.breaks_at, self.change, self.asked = breaks_at, change, 0

    def __len__(self):
        return N

    def __getitem__(self, index):
        self.asked += 1
        image = IN_MEMORY.images[index][..., None]
        if index == self.breaks_at:
            image = self.change(image)
        return {"image": image, "label": int(IN_MEMORY.labels[index])}


def test_a_source_of_examples_trains_to_the_same_bits(expected):
    dataset = streaming.from_source(Examples(), num_classes=10)
    assert dataset.images.shape == (N, 28, 28)
    assert_bit_equal(fit(dataset).train_state, expected.train_state)


def test_what_a_source_raises_ends_the_training():
    def fail(image):
        if source.asked > N + 1:  # the labels have been read
            raise RuntimeError("the disk is on fire")
        return image

    source = Examples(123, fail)
    dataset = streaming.from_source(source)
    with pytest.raises(RuntimeError, match="the disk is on fire"):
        fit(dataset)


def test_an_image_of_another_shape_is_named():
    dataset = streaming.from_source(Examples(123, lambda image: image[:20]))
    message = r"uint8 of shape \(28, 28\) like the first, got .* \(20, 28\) at index 123"
    with pytest.raises(ValueError, match=message):
        fit(dataset)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"label": "image"}, ValueError, "from_source: integer labels must be"),
        ({"num_classes": 5}, ValueError, r"from_source: labels must lie in \[0, 5\)"),
        ({"image": "label"}, TypeError, "from_source: images must be uint8 or floating, got int64"),
    ],
)
def test_a_source_that_is_no_data_set_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        streaming.from_source(Examples(), **options)


def test_a_file_cut_under_the_reader_is_an_error_and_not_the_end_of_the_process(tmp_path):
    stored = on_disk(tmp_path, IN_MEMORY)

    def cut(progress):
        with open(tmp_path / "images.npy", "r+b") as file:
            file.truncate(1000)

    with pytest.raises(OSError, match=r"must not shrink: 1000 of \d+ bytes are left"):
        fit(stored, callbacks=[cut])


def test_numbers_that_are_not_finite_are_traced_to_their_step_as_in_memory(tmp_path):
    explode = layers.activation(explode_after(3.0))
    model = layers.serial(*RAW, layers.dense(784, 10), explode)
    said = []
    for dataset in (IN_MEMORY, on_disk(tmp_path, IN_MEMORY)):
        with pytest.raises(FloatingPointError) as caught:
            fit(dataset, model, epochs=20)
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert "3/<lambda>" in said[0]


@pytest.fixture
def _interrupts_are_heard():
    """What a shell starts in the background ignores them, and the tests with it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interrupts_are_heard")
def test_an_interrupt_ends_training_and_thread():
    """It comes while data are waited for: what comes while JAX traces, JAX may swallow."""

    class Interrupting(Examples):
        def __getitem__(self, index):
            if self.asked == N + 1:  # the labels have been read, this is the first image
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            return super().__getitem__(index)

    with pytest.raises(KeyboardInterrupt):
        fit(streaming.from_source(Interrupting()))


def test_an_interrupt_while_the_thread_starts_leaves_it_nothing_to_read(monkeypatch):
    calls, threads, start = [], [], threading.Thread.start

    def interrupted(thread):
        start(thread)
        threads.append(thread)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt), prefetched(calls.append, 10) as results:
        next(results)
    threads[0].join()
    assert calls == []


def test_an_early_stop_ends_training_and_thread(tmp_path):
    stored = on_disk(tmp_path, IN_MEMORY)
    result = fit(stored, callbacks=[lambda progress: "enough"])
    assert (result.stopped, len(result.history)) == ("enough", 1)


def test_reading_is_ahead_by_two_and_no_more():
    calls, taken = [], []
    with prefetched(lambda i: calls.append(i) or i, 10, ahead=2) as results:
        for _, result in results:
            taken.append(result)
            assert len(calls) <= len(taken) + 2
    assert taken == calls == list(range(10))


def test_a_result_that_is_not_taken_is_no_longer_computed():
    calls = []
    with prefetched(lambda i: calls.append(i) or i, 1000) as results:
        next(results)
    assert len(calls) <= 4


def test_the_wait_is_the_time_until_the_result_is_there():
    started = threading.Event()

    def read(i):
        if i == 1:
            started.wait()
        return i

    with prefetched(read, 2, ahead=1) as results:
        next(results)
        timer = threading.Timer(0.05, started.set)
        timer.start()
        waited, _ = next(results)
        timer.join()
    assert waited > 0.02


def test_a_second_epoch_compiles_nothing(tmp_path):
    stored = on_disk(tmp_path, IN_MEMORY)
    epoch = streaming.make_epoch(SMALL, SGD, LOSS, batch_size=64)
    train_state, _ = epoch(train.init_train_state(SMALL, SGD, jax.random.key(0)), stored)
    with jax.no_tracing():
        epoch(train_state, stored)


def test_announcing_rows_is_a_hint_only(tmp_path):
    """Slices, reversed rows, columns: whatever a view is, its rows are those of memory."""
    np.save(tmp_path / "x.npy", TRAIN.images[:50])
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    indices = np.array([3, 0, 7])
    for view in (lambda x: x[10:], lambda x: x[::-2], lambda x: x[:, ::2], lambda x: x.T):
        storage.announce(view(mapped), indices)
        found = storage.read(view(mapped), indices)
        np.testing.assert_array_equal(found, view(TRAIN.images[:50])[indices])


def test_float_targets_stream_as_well(tmp_path):
    """So narrow a layer is summed otherwise in the epoch in memory: the plain loop has the bits."""
    inputs = np.linspace(-1, 1, 20, dtype=np.float32)[:, None]
    np.save(tmp_path / "x.npy", inputs)
    np.save(tmp_path / "y.npy", 3 * inputs + 1)
    stored = streaming.open_npy(tmp_path / "x.npy", tmp_path / "y.npy")
    model = layers.dense(1, 1)
    found = fit(stored, model, loss=losses.squared_error, epochs=1, batch_size=7).train_state
    expected = train.init_train_state(model, SGD, jax.random.key(3))
    step = jax.jit(train.make_train_step(model, SGD, losses.squared_error))
    for batch in data.batches(stored, data.permutation(expected.key, 0, 20), 7):
        expected, _ = step(expected, batch)
    assert_bit_equal(found, expected)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_the_benchmark_runs_and_leaves_no_file(tmp_path):
    measured = larger_than_memory.measure(0.000784, epochs=1, folder=tmp_path, zoom=2)
    assert measured["images"] == 250
    assert measured["peak of own memory"] > 10e6
    row = larger_than_memory.table(measured).splitlines()[-1]
    assert row.startswith("| 1 | 0.00 GB |")
    assert list(tmp_path.iterdir()) == []
