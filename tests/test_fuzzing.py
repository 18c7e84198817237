"""What fuzzing has found, and its corpus, without the fuzzer: refused by name, and cheaply."""

import gzip
import io
import json
import struct
import tracemalloc
from pathlib import Path

import pytest
from PIL import Image

from fuzzing.readers import PATH, READERS, refuses
from jaxnn.cli import UsageError, records

CORPUS = Path(__file__).parents[1] / "fuzzing" / "corpus"
FILES = sorted(path.relative_to(CORPUS).as_posix() for path in CORPUS.glob("*/*"))
REFUSED = {
    "idx/promise", "idx/gzipped-promise", "idx/no-values", "image/forty-million-pixels.png",
    "checkpoint/other-tree.json", "config/batch-size-0.json",
    "image/offset-that-is-no-integer.tiff",
}  # fmt: skip


def test_every_reader_has_a_corpus():
    assert {file.partition("/")[0] for file in FILES} == READERS.keys()


@pytest.mark.parametrize("file", FILES)
def test_the_corpus_is_read_or_refused_by_name(file):
    reader = READERS[file.partition("/")[0]]
    assert refuses(reader, (CORPUS / file).read_bytes()) == (file in REFUSED)


def idx(dimensions: list[int], values: bytes) -> bytes:
    header = struct.pack(">HBB", 0, 8, len(dimensions))
    return header + struct.pack(f">{len(dimensions)}I", *dimensions) + values


BOMB = idx([300, 1000, 1000], bytes(300 * 10**6))
NESTED = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    ("reader", "content", "says"),
    [
        ("idx", idx([2**31, 28, 28], b"abc"), "truncated: got 3 bytes"),
        ("idx", gzip.compress(BOMB, 1), "must hold at most"),
        ("image", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
        ("config", NESTED.encode(), "is not JSON"),
        ("history", NESTED.encode(), "is not JSON"),
        ("checkpoint", NESTED.encode(), "is not JSON"),
        ("safetensors", struct.pack("<Q", 2**62) + b"{}", "not a sealed file"),
        ("safetensors", struct.pack("<Q", len(NESTED)) + NESTED.encode(), "not a sealed file"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_what_promises_much_is_refused_without_taking_it(reader, content, says):
    tracemalloc.start()
    with pytest.raises(ValueError, match=says) as refusal:
        READERS[reader](content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert str(PATH) in str(refusal.value)
    assert peak < 10 * len(content) + 2**20


def test_a_large_picture_is_made_small_before_it_is_converted():
    picture = Image.new("L", (4000, 4100))
    picture.paste(255, (500, 500, 3000, 3000))
    file = io.BytesIO()
    picture.save(file, "PNG")
    tracemalloc.start()
    image = READERS["image"](file.getvalue())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert image[4:24, 4:24].min() == 255
    assert peak < 64 * 2**20


def test_a_checkpoint_deeper_than_the_stack_is_refused():
    metadata = json.loads((CORPUS / "checkpoint" / "training.json").read_text())
    deep = '{"list": [' * 450 + '"array"' + "]}" * 450
    content = json.dumps(metadata | {"train_state": "deep"}).replace('"deep"', deep).encode()
    with pytest.raises(ValueError, match=f"{PATH}: "):
        READERS["checkpoint"](content)


CONFIG = json.loads((CORPUS / "config" / "run.json").read_text())

WRONG = {
    "epochs": ({"options": {"epochs": "five"}}, "epochs: str is not an instance of int"),
    "hidden": ({"options": {"model": {"hidden": "256"}}}, "hidden"),
    "a width": ({"options": {"model": {"hidden": [256, "x"]}}}, "item 1"),
    "activation": ({"options": {"model": {"activation": "__class__"}}}, "activation"),
    "optimizer": ({"options": {"optimization": {"optimizer": "chain"}}}, "optimizer"),
    "endless warm-up": ({"options": {"optimization": {"warmup_epochs": float("inf")}}}, "2³¹"),
    "a width of 400 digits": (
        {"options": {"model": {"hidden": [10**400]}}},
        "hidden: numbers must",
    ),
    "an image of 400 digits": ({"data": {"image_shape": [10**400]}}, "data: numbers must be below"),
    "an unknown option": ({"options": {"depth": 3}}, r"unknown options \['depth'\]"),
    "data": ({"options": {"data": 3}}, "data"),
    "image shape": ({"data": {"image_shape": "28x28"}}, "image_shape"),
    "class names": ({"data": {"class_names": [1, 2]}}, "class_names"),
}


def changed(values, changes):
    """A copy of nested dictionaries with some values changed."""
    if not isinstance(changes, dict):
        return changes
    return values | {
        name: changed(values.get(name, {}), change) for name, change in changes.items()
    }


@pytest.mark.parametrize(("changes", "says"), WRONG.values(), ids=WRONG)
def test_a_configuration_of_other_types_is_refused_by_name(changes, says):
    with pytest.raises(UsageError, match=f"{PATH} is not a run's configuration: .*{says}"):
        records.options_of(changed(CONFIG, changes), PATH)


@pytest.mark.parametrize("step", ["../../elsewhere", "/etc/passwd", -1, 1.5, None])
def test_results_lead_to_no_file_but_a_checkpoint(step, tmp_path):
    (tmp_path / "results.json").write_text(json.dumps({"step": step, "accuracy": 0.5}))
    with pytest.raises(UsageError, match=r"results\.json is not a run's results: step"):
        records.read_results(tmp_path)
