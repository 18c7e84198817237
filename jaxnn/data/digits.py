"""Picture files as MNIST-like images: white ink on black, of MNIST's size, centred as MNIST is."""

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

SIZE = 28
"""Height and width of an image."""

BOX = 20
"""Height or width of the ink, whichever is larger."""

CENTRE = 14
"""The row and the column of the ink's centre of mass: in all of MNIST within 14 ± 0.52."""

MIN_CONTRAST = 16
"""Grey levels between ink and background, below which a picture counts as blank."""


FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
"""Those that Pillow reads by itself: for PostScript it would start another program."""

MAX_PIXELS = 2**24
"""Of a picture, which a small file can promise; to read so many takes 150 MB."""


LARGE_SIDE = 1024
"""Pixels: of larger pictures, whole blocks are averaged first, so that they take little memory."""


def read_image(path: str | Path) -> np.ndarray:
    """Reads a picture file and converts it as the images of MNIST were made.

    What is transparent is put on a background that shows it, and a bright background is inverted.
    Then the ink is scaled, smoothly and with its proportions, to fit a box of 20 × 20 pixels, which
    is put into 28 × 28 so that the ink's centre of mass is at the centre. A picture of 28 × 28
    pixels is taken to be such an image already, but for its background.

    Args:
      path: a PNG, JPEG, GIF, BMP, WebP, TIFF or PNM file, grey or colour, of up to 16 million
        pixels.

    Returns:
      uint8 `(28, 28)`, ink 255 on 0.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: it is no picture, a damaged, an enormous or a blank one.

    Source:
      Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits".

    Example:
      >>> import tempfile
      >>> from PIL import Image
      >>> picture = Image.new("RGB", (300, 200), "white")
      >>> picture.paste("navy", (180, 20, 220, 180))
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     picture.save(f"{folder}/one.png")
      ...     image = read_image(f"{folder}/one.png")
      >>> rows, columns = np.nonzero(image)
      >>> image.shape, rows.min(), rows.max(), columns.min(), columns.max()
      ((28, 28), np.int64(4), np.int64(23), np.int64(12), np.int64(16))
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"read_image: there is no file {path}")
    with open(path, "rb") as file:
        return convert(file, path)


def convert(file: BinaryIO, path: Path) -> np.ndarray:
    """Converts an open picture file, as `read_image` does; the path is for messages."""
    grey = _on_black(_read_grey(file, path))
    if np.ptp(grey) < MIN_CONTRAST:
        raise ValueError(f"{path}: there must be ink on a background, got a blank picture")
    if grey.shape == (SIZE, SIZE):
        return grey.round().astype(np.uint8)
    return (255 * _centred(_boxed(_ink(grey)))).round().astype(np.uint8)


def _read_grey(file: BinaryIO, path: Path) -> np.ndarray:
    """The picture's grey levels from 0 to 255, upright, as float32."""
    from PIL import Image, ImageOps

    try:
        with Image.open(file, formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise ValueError(f"{width} × {height} pixels, more than {MAX_PIXELS:,}")
            return _opaque(ImageOps.exif_transpose(picture))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: the picture is too large: {error}") from error
    except Exception as error:  # Pillow raises whatever a damaged file makes its readers do
        raise ValueError(f"{path}: not a picture that Pillow reads: {error}") from error


def _opaque(picture: Any) -> np.ndarray:
    """Grey levels, with what is transparent on the background farther from the ink."""
    if picture.mode.startswith("I;16"):
        return np.asarray(picture, np.float32) / 257
    colour = picture.convert("RGBA")
    colour = colour.reduce(max(1, max(colour.size) // LARGE_SIDE))
    grey, alpha = (
        np.asarray(colour.convert("L"), np.float32),
        np.asarray(colour.getchannel("A"), np.float32) / 255,
    )
    background = 255 if np.sum(alpha * grey) < 127.5 * np.sum(alpha) else 0
    return alpha * grey + (1 - alpha) * background


def _on_black(grey: np.ndarray) -> np.ndarray:
    """The picture, inverted if its frame is nearer to its brightest than to its darkest pixel."""
    frame = _frame(grey)
    return 255 - grey if frame.mean() > (grey.min() + grey.max()) / 2 else grey


def _frame(grey: np.ndarray) -> np.ndarray:
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


def _ink(grey: np.ndarray) -> np.ndarray:
    """Ink from 0 to 1; a tenth of the contrast at both ends is paper and pen, not ink."""
    ink = grey - np.median(_frame(grey))
    return np.clip((ink / ink.max() - 0.1) / 0.8, 0, 1)


def _boxed(ink: np.ndarray) -> np.ndarray:
    """The part of the picture that has ink, scaled so that its longer side is that of the box."""
    from PIL import Image

    rows, columns = np.nonzero(ink > 0.5)
    ink = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    height, width = (max(1, round(BOX * side / max(ink.shape))) for side in ink.shape)
    scaled = Image.fromarray(ink).resize((width, height), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(scaled), 0, 1)


def _centred(ink: np.ndarray) -> np.ndarray:
    """The box in its image, with its centre of mass as near to the centre as pixels allow."""
    image = np.zeros((SIZE, SIZE), np.float32)
    corner = []
    for axis, side in enumerate(ink.shape):
        mass = ink.sum(axis=1 - axis)
        centre_of_mass = mass @ np.arange(side) / mass.sum()
        corner.append(int(np.clip(round(CENTRE - centre_of_mass), 0, SIZE - side)))
    top, left = corner
    image[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return image
