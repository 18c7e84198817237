"""A data set that TFDS prepares as array_record: real images of MNIST, in any features."""

import io

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from jaxnn import data

TRAIN, TEST = data.load("mnist")
FEATURES = tfds.features


def as_png(image: np.ndarray) -> io.BytesIO:
    """A PNG file, which TFDS stores as it is: its own encoder is TensorFlow's."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    file.seek(0)
    return file


class Prepared(tfds.core.GeneratorBasedBuilder):
    """Real MNIST images, in the order of MNIST, in whatever features a test asks for."""

    VERSION = tfds.core.Version("1.0.0")
    image = FEATURES.Tensor(shape=(28, 28, 1), dtype=np.uint8)
    label = FEATURES.ClassLabel(num_classes=10)
    names = ("image", "label")
    splits = ("train", "test")
    supervised = True
    convert = staticmethod(lambda image, index: image[..., None])

    def _info(self):
        image, label = self.names
        return tfds.core.DatasetInfo(
            builder=self,
            features=FEATURES.FeaturesDict({image: self.image, label: self.label}),
            supervised_keys=self.names if self.supervised else None,
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager):
        parts = zip(self.splits, [(TRAIN, 300), (TEST, 100)], strict=True)
        return {split: self._generate_examples(*part) for split, part in parts}

    def _generate_examples(self, dataset, count):
        image, label = self.names
        for index in range(count):
            pixels = self.convert(dataset.images[index], index)
            yield index, {image: pixels, label: int(dataset.labels[index])}


def prepare(folder, name: str, version: str = "1.0.0", **changes) -> None:
    """Prepares a set of that name, with the changes to what `Prepared` says."""
    changes = {"VERSION": tfds.core.Version(version), "name": name} | changes
    builder = type(f"{name}_{version}", (Prepared,), changes, skip_registration=True)
    builder(data_dir=folder, file_format="array_record").download_and_prepare()
