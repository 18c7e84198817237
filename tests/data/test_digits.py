"""Pictures become images as MNIST's: the same digit, centred, whatever the picture looks like."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from jaxnn import data

DIGITS = data.load("mnist")[1].images[:60]

same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def upscaled(digit: np.ndarray, side: int = 140) -> np.ndarray:
    """A digit's ink, from 0 to 1, on a canvas of 200 × 300 pixels, away from its middle."""
    canvas = np.zeros((200, 300))
    large = Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC)
    canvas[10 : 10 + side, 150 : 150 + side] = np.asarray(large) / 255
    return canvas


def picture(ink: np.ndarray, paper, pen) -> Image.Image:
    """Ink of one colour on paper of another."""
    mix = ink[..., None]
    return Image.fromarray(((1 - mix) * np.array(paper) + mix * np.array(pen)).astype(np.uint8))


def likeness(image: np.ndarray, digit: np.ndarray) -> float:
    """The correlation of the pixels, at the best of the nine shifts by up to one pixel."""
    moved = [np.roll(image, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    return max(np.corrcoef(each.ravel(), digit.ravel())[0, 1] for each in moved)


def read(folder, image: Image.Image, name: str = "picture.png", **options) -> np.ndarray:
    image.save(folder / name, **options)
    return data.read_image(folder / name)


@pytest.mark.parametrize("bright", [False, True])
def test_an_image_of_mnist_comes_out_as_it_went_in(tmp_path, bright):
    for digit in DIGITS:
        image = Image.fromarray(255 - digit if bright else digit)
        np.testing.assert_array_equal(read(tmp_path, image), digit)


@pytest.mark.parametrize(
    ("paper", "pen", "noise"),
    [
        ((255, 255, 255), (0, 0, 0), 0),
        ((250, 245, 220), (20, 30, 140), 0),
        ((0, 0, 0), (255, 255, 255), 0),
        ((30, 60, 30), (240, 240, 200), 0),
        ((120, 120, 120), (40, 40, 40), 0),
        ((200, 190, 180), (60, 50, 50), 6),
    ],
    ids=["black on white", "blue on cream", "white on black", "chalk", "dull", "noisy"],
)
def test_a_picture_becomes_the_image_it_shows(tmp_path, paper, pen, noise):
    likenesses = []
    for digit in DIGITS:
        pixels = np.asarray(picture(upscaled(digit), paper, pen))
        pixels = pixels + noise * np.random.default_rng(0).standard_normal((*pixels.shape[:2], 1))
        image = read(tmp_path, Image.fromarray(pixels.clip(0, 255).astype(np.uint8)))
        assert image.shape == (28, 28)
        assert image.dtype == np.uint8
        for axis in (0, 1):
            mass = image.sum(axis=axis)
            assert mass @ np.arange(28) / mass.sum() == pytest.approx(14, abs=0.51)
        rows, columns = np.nonzero(image > 100)
        assert 18 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 20
        likenesses.append(likeness(image, digit))
    assert np.mean(likenesses) > 0.96
    assert np.min(likenesses) > 0.8


INK = upscaled(DIGITS[0])
SEVEN = picture(INK, (255, 255, 255), (0, 0, 0))


def transparent(pen: int) -> Image.Image:
    """Ink that is opaque on nothing."""
    alpha = Image.fromarray((INK * 255).astype(np.uint8))
    return Image.merge("LA", [Image.new("L", SEVEN.size, pen), alpha])


@pytest.mark.parametrize(
    ("image", "name", "options"),
    [
        (SEVEN.convert("1", dither=Image.Dither.NONE), "picture.png", {}),
        (SEVEN.convert("L"), "picture.png", {}),
        (SEVEN.convert("LA"), "picture.png", {}),
        (SEVEN.convert("P"), "picture.png", {}),
        (SEVEN.convert("P"), "picture.gif", {}),
        (SEVEN.convert("RGBA"), "picture.png", {}),
        (
            Image.fromarray(np.asarray(SEVEN.convert("L")).astype(np.uint16) * 257),
            "picture.png",
            {},
        ),
        (SEVEN.convert("CMYK"), "picture.tif", {}),
        (SEVEN, "picture.jpg", {"quality": 60}),
        (SEVEN, "picture.webp", {}),
        (SEVEN, "picture_without_suffix", {"format": "PNG"}),
        (transparent(0), "picture.png", {}),
        (transparent(255), "picture.png", {}),
        (SEVEN.resize((40, 27)), "picture.png", {}),
        (SEVEN.resize((1500, 1000)), "picture.png", {}),
    ],
    ids=lambda value: getattr(value, "mode", None),
)
def test_pictures_of_every_kind_are_read(tmp_path, image, name, options):
    assert likeness(read(tmp_path, image, name, **options), DIGITS[0]) > 0.93


def test_a_photograph_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: 90° clockwise to be shown upright
    image = read(tmp_path, SEVEN.rotate(90, expand=True), exif=exif)
    assert likeness(image, DIGITS[0]) > 0.93


def test_proportions_are_kept(tmp_path):
    bar = np.zeros((100, 300))
    bar[40:44, 20:280] = 1
    image = read(tmp_path, picture(bar, (255, 255, 255), (0, 0, 0)))
    rows, columns = np.nonzero(image)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (1, 20)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a picture that Pillow reads"),
        (b"no picture", "not a picture that Pillow reads"),
        (b"\x89PNG\r\n\x1a\n", "not a picture that Pillow reads"),
        (Image.new("L", (50, 50), 255), "must be ink on a background, got a blank picture"),
        (Image.new("L", (28, 28), 0), "must be ink on a background, got a blank picture"),
        (Image.new("LA", (50, 50), (9, 0)), "must be ink on a background, got a blank picture"),
        (Image.new("1", (9500, 9500)), r"the picture is too large: Image size \(90250000 pixels\)"),
    ],
    ids=["empty", "text", "cut", "white", "black", "transparent", "large"],
)
def test_what_is_no_picture_is_named(tmp_path, content, message):
    path = tmp_path / "picture.png"
    content.save(path) if isinstance(content, Image.Image) else path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{path}: .*{message}"):
        data.read_image(path)


def test_a_missing_picture_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no file .*picture"):
        data.read_image(tmp_path / "picture.png")


@given(start=st.integers(0, 10_000), new=st.binary(min_size=1, max_size=8), cut=st.booleans())
@same_folder
def test_a_damaged_picture_is_named(tmp_path, start, new, cut):
    path = tmp_path / "picture.png"
    SEVEN.save(path)
    content = bytearray(path.read_bytes())
    start %= len(content)
    content[start : start + len(new)] = new
    path.write_bytes(content[:start] if cut else content)
    try:
        image = data.read_image(path)
    except ValueError as error:
        message = str(error)
    else:
        assert image.shape == (28, 28)
        return
    assert str(path) in message
