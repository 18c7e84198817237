"""Data sets that `tensorflow-datasets` has prepared in array_record form, without TensorFlow."""

import importlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from jaxnn.data.arrays import from_arrays
from jaxnn.data.sources import read_labels, stored_images
from jaxnn.typing import Dataset


def load_tfds(name: str, data_dir: str | Path | None = None) -> tuple[Dataset, Dataset]:
    """The training and the test set of an image-classification set prepared by TFDS.

    Args:
      name: the set's folder in `data_dir`: `"mnist"`, `"emnist/letters"`, or with the version,
        `"mnist/3.0.1"`, where there are several.
      data_dir: where TFDS keeps its data; None for `$TFDS_DATA_DIR` or `~/tensorflow_datasets`.

    Returns:
      `(train, test)`: images uint8 or floating `(n, height, width)`, colour ones
      `(n, height, width, 3)`; labels int32 `(n,)`. A set without a test split gives its validation
      split.

    Raises:
      ModuleNotFoundError: `tensorflow-datasets` or `array-record` is not installed.
      FileNotFoundError: no such set is prepared there.
      ValueError: several versions are prepared, or none as array_record; the set has no such
        splits, no image and label, or images of several sizes.

    Example:
      >>> load_tfds("mnist", "nowhere")
      Traceback (most recent call last):
          ...
      FileNotFoundError: load_tfds: nothing is prepared in nowhere/mnist; prepare it with
      tfds.builder('mnist', data_dir='nowhere', file_format='array_record').download_and_prepare()
    """
    info, sources = _open(name, data_dir)
    train, test = (_dataset(source, info) for source in sources)
    return train, test


def open_tfds(name: str, data_dir: str | Path | None = None) -> tuple[Dataset, Dataset]:
    """The training and the test set of a set prepared by TFDS, larger than memory if need be.

    What `load_tfds` reads into memory stays on disk here: images are read when they are needed.
    The labels are read once, now, without decoding the images.

    Args:
      name: as for `load_tfds`.
      data_dir: as for `load_tfds`.

    Returns:
      `(train, test)`, as of `load_tfds`, but the images are stored arrays.

    Raises:
      ModuleNotFoundError, FileNotFoundError, ValueError: as `load_tfds`, but that images are of
        several sizes is noticed when they are read.

    Example:
      >>> open_tfds("mnist", "nowhere")
      Traceback (most recent call last):
          ...
      FileNotFoundError: load_tfds: nothing is prepared in nowhere/mnist; prepare it with
      tfds.builder('mnist', data_dir='nowhere', file_format='array_record').download_and_prepare()
    """
    info, sources = _open(name, data_dir)
    image, label = _keys(info)
    _, label_sources = _open(name, data_dir, skip=image)
    train, test = (
        Dataset(stored_images(source, image), read_labels(labels, label, _num_classes(info)))
        for source, labels in zip(sources, label_sources, strict=True)
    )
    return train, test


def _open(name: str, data_dir: str | Path | None, skip: str | None = None) -> tuple[Any, list]:
    """What TFDS says of the set, and the sources of its two splits, a feature not decoded."""
    tfds = _import_tfds()
    data_dir = Path(data_dir or os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets"))
    builder = tfds.builder_from_directory(_prepared_folder(name, data_dir.expanduser()))
    splits = list(builder.info.splits)
    test = "test" if "test" in splits else "validation"
    if "train" not in splits or test not in splits:
        raise ValueError(f"load_tfds: {name} must have the splits train and test, got {splits}")
    decoders = skip and {skip: tfds.decode.SkipDecoding()}
    try:
        return builder.info, builder.as_data_source(["train", test], decoders=decoders)
    except NotImplementedError as error:
        raise ValueError(
            f"load_tfds: {name} must be prepared as array_record, got "
            f"{builder.info.file_format.value}, which takes TensorFlow to read; "
            + _recipe(name, "ANOTHER_FOLDER")
        ) from error


def _import_tfds() -> Any:
    try:
        importlib.import_module("array_record")  # TFDS imports it only when it reads
        return importlib.import_module("tensorflow_datasets")
    except ImportError as error:
        raise ModuleNotFoundError(
            f"load_tfds: {error.name} is not installed: pip install 'jaxnn[tfds]'"
        ) from error


def _recipe(name: str, data_dir: Path | str) -> str:
    return (
        f"prepare it with tfds.builder('{name}', data_dir='{data_dir}', "
        "file_format='array_record').download_and_prepare()"
    )


def _prepared_folder(name: str, data_dir: Path) -> Path:
    """The one folder below the set's own that holds a prepared version."""
    prepared = sorted(path.parent for path in (data_dir / name).rglob("dataset_info.json"))
    if not prepared:
        raise FileNotFoundError(
            f"load_tfds: nothing is prepared in {data_dir / name}; {_recipe(name, data_dir)}"
        )
    if len(prepared) > 1:
        names = ", ".join(str(path.relative_to(data_dir)) for path in prepared)
        raise ValueError(f"load_tfds: {name} is prepared more than once; name one of {names}")
    return prepared[0]


def _dataset(source: Any, info: Any) -> Dataset:
    """All examples of one split, grey images `(n, height, width)` without a channel axis."""
    image, label = _keys(info)
    examples = source.__getitems__(range(len(source)))  # three times as fast as one by one
    shapes = {np.shape(example[image]) for example in examples}
    if len(shapes) > 1:
        raise ValueError(f"load_tfds: {info.name} must have images of one size, got {shapes}")
    images = np.stack([example[image] for example in examples])
    if images.shape[-1] == 1:
        images = images[..., 0]
    labels = np.array([example[label] for example in examples])
    return from_arrays(images, labels, num_classes=_num_classes(info))


def _keys(info: Any) -> tuple[str, str]:
    """The names of the image and the label in an example."""
    image, label = info.supervised_keys or ("image", "label")
    if not {image, label} <= set(info.features):
        raise ValueError(
            f"load_tfds: {info.name} must have the features image and label, "
            f"got {', '.join(info.features)}"
        )
    return image, label


def _num_classes(info: Any) -> int | None:
    return getattr(info.features[_keys(info)[1]], "num_classes", None)
