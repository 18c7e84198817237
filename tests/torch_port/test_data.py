"""The twin's data: `jaxnn`'s readers as tensors, orders as a function of the seed, batches."""

import itertools
import subprocess
import sys

import jax
import numpy as np
import pytest
import torch

import jaxnn.data
from jaxnn.data import mnist
from torch_port import data
from torch_port.seeds import fold_in

DATASET = data.from_arrays(np.arange(40.0).reshape(20, 2), np.arange(20))


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_embedded_mnist_is_jaxnn_s_as_tensors():
    for ours, theirs in zip(data.load("mnist"), jaxnn.data.load("mnist"), strict=True):
        assert (ours.images.dtype, ours.labels.dtype) == (torch.uint8, torch.int64)
        np.testing.assert_array_equal(ours.images.numpy(), theirs.images)
        np.testing.assert_array_equal(ours.labels.numpy(), theirs.labels)


def test_a_folder_of_idx_files_is_read_the_same():
    for from_folder, embedded in zip(data.load_idx(mnist.FILES), data.load("mnist"), strict=True):
        assert torch.equal(from_folder.images, embedded.images)
        assert torch.equal(from_folder.labels, embedded.labels)


@pytest.mark.parametrize(
    ("images", "labels", "dtypes"),
    [
        (np.zeros((3, 4, 4), np.uint8), [0, 1, 2], (torch.uint8, torch.int64)),
        (np.zeros((3, 4), np.float32), np.ones(3, np.uint8), (torch.float32, torch.int64)),
        (np.zeros((3, 4)), np.ones((3, 2), np.float32), (torch.float64, torch.float32)),
    ],
)
def test_images_keep_their_dtype_and_classes_are_int64(images, labels, dtypes):
    dataset = data.from_arrays(images, labels)
    assert (dataset.images.dtype, dataset.labels.dtype) == dtypes


def test_a_data_set_is_its_own_copy():
    images = np.zeros((3, 4))
    dataset = data.from_arrays(images, np.arange(3))
    images[:] = 1
    assert not dataset.images.any()


@pytest.mark.parametrize("n", [1, 2, 37, 60000])
def test_an_order_has_each_example_once(n):
    assert torch.equal(data.permutation(7, 3, n).sort().values, torch.arange(n))


def test_an_order_depends_on_seed_and_epoch_alone():
    """All of the seed counts, of which PyTorch's own generator looks at 32 bits."""
    seeds = [0, 1, 2, 2**32, 2**40]
    orders = [data.permutation(seed, epoch, 50) for seed in seeds for epoch in range(3)]
    assert len({tuple(order.tolist()) for order in orders}) == 15
    torch.manual_seed(1)
    assert torch.equal(data.permutation(0, 0, 50), orders[0])


def test_an_order_shares_no_seed_with_a_step():
    orders = {fold_in(fold_in(7, data.ORDER), epoch) for epoch in range(10)}
    steps = {fold_in(fold_in(7, step), part) for step in range(5000) for part in range(2)}
    assert len(orders) == 10
    assert len(steps) == 10_000
    assert not orders & steps


def test_drawing_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    data.permutation(0, 0, 10)
    DATASET.split(0.5, generator(0))
    data.shift_images(generator(0), torch.zeros(2, 4, 4))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("kind", [torch.as_tensor, np.asarray, jax.numpy.asarray, list])
@pytest.mark.parametrize(("m", "sizes"), [(20, [8, 8, 4]), (16, [8, 8]), (5, [5]), (0, [])])
def test_batches_follow_the_order_to_its_end(m, sizes, kind):
    order = data.permutation(7, 0, 20)[:m].tolist()
    parts = list(data.batches(DATASET, kind(np.array(order, np.int32)), 8))
    assert [len(labels) for _, labels in parts] == sizes
    assert [label for _, labels in parts for label in labels.tolist()] == order
    for images, labels in parts:
        assert torch.equal(images[:, 0], 2.0 * labels)


@pytest.mark.parametrize(("fraction", "size"), [(0.1, 2), (0.26, 5), (0.5, 10), (0.95, 19)])
def test_a_split_draws_the_second_part(fraction, size):
    rest, drawn = DATASET.split(fraction, generator(0))
    assert (rest.size, drawn.size, len(drawn)) == (20 - size, size, size)
    assert sorted([*rest.labels.tolist(), *drawn.labels.tolist()]) == list(range(20))
    for part in (rest, drawn):
        assert part.labels.tolist() == sorted(part.labels.tolist()), "in the original order"
        assert torch.equal(part.images[:, 0], 2.0 * part.labels)


def test_a_split_is_a_function_of_the_generator():
    draws = [tuple(DATASET.split(0.5, generator(seed))[1].labels.tolist()) for seed in range(20)]
    assert len(set(draws)) == 20
    assert tuple(DATASET.split(0.5, generator(3))[1].labels.tolist()) == draws[3]


def shifted(image: torch.Tensor, down: int, right: int) -> torch.Tensor:
    """One image, pixel by pixel."""
    result = torch.zeros_like(image)
    for i, j in itertools.product(range(image.shape[0]), range(image.shape[1])):
        if 0 <= i - down < image.shape[0] and 0 <= j - right < image.shape[1]:
            result[i, j] = image[i - down, j - right]
    return result


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(20, 7, 5), (20, 7, 5, 3)])
@pytest.mark.parametrize("max_shift", [1, 2])
def test_each_image_is_shifted_exactly(dtype, shape, max_shift):
    images = torch.randint(1, 256, shape, generator=generator(1)).to(dtype)
    results = data.shift_images(generator(0), images, max_shift)
    assert (results.dtype, results.shape) == (dtype, shape)
    offsets = list(itertools.product(range(-max_shift, max_shift + 1), repeat=2))
    found = set()
    for image, result in zip(images, results, strict=True):
        (offset,) = [o for o in offsets if torch.equal(shifted(image, *o), result)]
        found.add(offset)
    assert len(found) > 3


def test_every_offset_is_drawn_as_often():
    n = 20_000
    point = torch.zeros(n, 5, 5, dtype=torch.uint8)
    point[:, 2, 2] = 1
    counts = data.shift_images(generator(0), point).sum(0)[1:4, 1:4]
    assert counts.sum() == n
    deviation = np.sqrt(n * (1 / 9) * (8 / 9))
    assert (counts - n / 9).abs().max() < 4 * deviation


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda: DATASET.split(0.0, generator(0)), r"in \(0, 1\), got 0.0"),
        (lambda: DATASET.split(1, generator(0)), r"in \(0, 1\), got 1"),
        (lambda: DATASET.split(0.02, generator(0)), "0.02 of 20 examples leaves one part empty"),
        (lambda: data.permutation(0, 0, 0), "n must be a whole number of at least 1, got 0"),
        (lambda: data.permutation(0, -1, 5), r"epoch must be a number in \[0, inf\), got -1"),
        (lambda: data.batches(DATASET, range(20), 0), "batch_size must be .*, got 0"),
        (lambda: data.batches(DATASET, range(20), 2.5), "batch_size must be .*, got 2.5"),
        (lambda: data.shift_images(generator(0), torch.zeros(5, 784)), r"got \(5, 784\)"),
        (lambda: data.shift_images(generator(0), torch.zeros(5, 8, 8), 0), "max_shift .* got 0"),
        (lambda: data.from_arrays(np.zeros((2, 2)), [0, 3], num_classes=3), r"got 3 at index 1"),
        (lambda: data.load("mnits"), "got 'mnits'"),
    ],
)
def test_wrong_use_is_answered_as_jaxnn_does(use, message):
    with pytest.raises(ValueError, match=message):
        use()


def test_reading_and_training_load_no_jax():
    program = (
        "import sys; from torch_port import data, lecture, train; data.load('mnist'); "
        "print('jax' in sys.modules)"
    )
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert process.stdout.strip() == "False", process.stderr
