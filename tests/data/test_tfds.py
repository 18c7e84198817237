"""Data sets that TFDS has prepared as array_record are read without TensorFlow."""

import json
import subprocess
import sys

import numpy as np
import pytest

from jaxnn import data
from tests.prepared_data import FEATURES, TEST, TRAIN, as_png, prepare

PICTURE = FEATURES.Image(shape=(28, 28, 1))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"supervised": False},
        {"names": ("picture", "digit")},
        {"splits": ("train", "validation")},
        {
            "image": FEATURES.Tensor(shape=(28, 28), dtype=np.uint8),
            "convert": staticmethod(lambda image, index: image),
        },
        {"label": FEATURES.Scalar(dtype=np.int64)},
        {"image": PICTURE, "convert": staticmethod(lambda image, index: as_png(image))},
    ],
    ids=["tensor", "unsupervised", "names", "validation", "no channel", "integer", "png"],
)
def test_grey_images_are_read(tmp_path, changes):
    prepare(tmp_path, "digits", **changes)
    train, test = data.load_tfds("digits", tmp_path)
    np.testing.assert_array_equal(train.images, TRAIN.images[:300], strict=True)
    np.testing.assert_array_equal(train.labels, TRAIN.labels[:300], strict=True)
    np.testing.assert_array_equal(test.images, TEST.images[:100], strict=True)
    np.testing.assert_array_equal(test.labels, TEST.labels[:100], strict=True)


def test_colour_images_keep_their_channels(tmp_path):
    colour = lambda image: np.stack([image, image // 2, 255 - image], -1)
    convert = staticmethod(lambda image, index: as_png(colour(image)))
    prepare(tmp_path, "colours", image=FEATURES.Image(shape=(28, 28, 3)), convert=convert)
    train, _ = data.load_tfds("colours", tmp_path)
    np.testing.assert_array_equal(train.images, colour(TRAIN.images[:300]), strict=True)


def test_floating_images_are_read(tmp_path):
    convert = staticmethod(lambda image, index: image[..., None] / np.float32(255))
    image = FEATURES.Tensor(shape=(28, 28, 1), dtype=np.float32)
    prepare(tmp_path, "floats", image=image, convert=convert)
    train, _ = data.load_tfds("floats", tmp_path)
    np.testing.assert_array_equal(train.images, TRAIN.images[:300] / np.float32(255), strict=True)


def test_tensorflow_is_not_imported(tmp_path):
    prepare(tmp_path, "digits")
    program = f"""
import sys
from jaxnn import data
train, test = data.load_tfds("digits", {str(tmp_path)!r})
print(train.size, test.size, "tensorflow" in sys.modules, "jax" in sys.modules)
"""
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert process.stdout.strip() == "300 100 False False", process.stderr


def test_the_data_folder_may_come_from_the_environment(tmp_path, monkeypatch):
    prepare(tmp_path, "digits")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert data.load_tfds("digits")[0].size == 300


def test_of_several_versions_one_must_be_named(tmp_path):
    for version in ("1.0.0", "2.0.0"):
        prepare(tmp_path, "digits", version)
    with pytest.raises(ValueError, match=r"name one of digits/1\.0\.0, digits/2\.0\.0"):
        data.load_tfds("digits", tmp_path)
    assert data.load_tfds("digits/2.0.0", tmp_path)[0].size == 300


def test_what_is_not_prepared_is_answered_with_the_recipe(tmp_path):
    recipe = rf"tfds\.builder\('cats', data_dir='{tmp_path}', file_format='array_record'\)"
    with pytest.raises(FileNotFoundError, match=rf"nothing is prepared in .*cats; .*{recipe}"):
        data.load_tfds("cats", tmp_path)


def test_tfrecord_is_answered_with_the_recipe(tmp_path):
    """TFDS needs TensorFlow to write a TFRecord, so the folder is made to look as if it had."""
    prepare(tmp_path, "digits")
    folder = tmp_path / "digits" / "1.0.0"
    for path in folder.glob("*.array_record*"):
        path.rename(folder / path.name.replace("array_record", "tfrecord"))
    info = json.loads((folder / "dataset_info.json").read_text())
    (folder / "dataset_info.json").write_text(json.dumps(info | {"fileFormat": "tfrecord"}))
    message = r"must be prepared as array_record, got tfrecord.*file_format='array_record'"
    with pytest.raises(ValueError, match=message):
        data.load_tfds("digits", tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"splits": ("train", "extra")}, r"the splits train and test, got \['train', 'extra'\]"),
        (
            {"names": ("picture", "digit"), "supervised": False},
            "features image and label, got .*digit",
        ),
        (
            {
                "image": FEATURES.Image(shape=(None, None, 1)),
                "convert": staticmethod(lambda image, index: as_png(image[: 20 + index % 2])),
            },
            r"images of one size, got .*\(20, 28, 1\)",
        ),
    ],
    ids=["splits", "features", "sizes"],
)
def test_what_cannot_be_trained_on_is_named(tmp_path, changes, message):
    prepare(tmp_path, "digits", **changes)
    with pytest.raises(ValueError, match=message):
        data.load_tfds("digits", tmp_path)


@pytest.mark.parametrize("missing", ["tensorflow_datasets", "array_record"])
def test_a_missing_package_is_named(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ModuleNotFoundError, match=rf"{missing}.*pip install 'jaxnn\[tfds\]'"):
        data.load_tfds("mnist")
