"""How a comparison is shown: ten lines, a page, data, scripts."""

import ast
import importlib
import io
import json
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser

import jax.numpy as jnp
import numpy as np
import pytest
import torch

from tests.parity.handmade import (
    EPSILON,
    EVIL,
    GELU,
    NORM,
    ONE,
    TWO,
    difference,
    everything,
    evil,
    report,
)
from torch_port import parity
from torch_port.parity import report as types
from torch_port.parity.reports import data, page, scripts, terminal, words


def test_one_fault_is_told_whole():
    found = report(ONE, not_compared=("JAX drop",), notes=("float32 had to decide",))
    assert str(found).splitlines() == [
        "semantic: the two sides compute different functions.",
        "where         layer jax/norm (JAX), torch.norm (PyTorch)",
        "figures       relative error 2.0e-5 (float32), 1.9e-5 (float64): 6e10 times what rounding "
        "explains",
        "why           the epsilon of a normalisation differs: PyTorch 1e-5, JAX 1e-6",
        "fix           JAX: epsilon=1e-05",
        "              PyTorch: eps=1e-06",
        "shown by      with epsilon 1e-06 the difference in float64 falls from 1.9e-05 to rounding",
        "differ        2 of 3 layers, 1 of 1 output, 1 of 1 parameter",
        "not compared  JAX drop",
        "note          float32 had to decide",
    ]


def test_two_faults_are_both_told_with_both_fixes():
    said = str(report(ONE, TWO, not_compared=("JAX drop",), notes=("a note",) * 3))
    assert len(said.splitlines()) == 10
    for part in ("norm (JAX)", "gelu (JAX)", EPSILON.title, GELU.title):
        assert part in said
    for cause in (EPSILON, GELU):
        for fix in cause.fix.split("; or "):
            assert fix in said


def test_one_mistake_at_many_places_is_told_once():
    layers = [difference("layer", f"norm_{i}") for i in range(12)]
    said = str(report(*(types.Fault(layer, (EPSILON,)) for layer in layers), TWO))
    assert said.count(EPSILON.title) == 1
    assert "jax/norm_0 (JAX), torch.norm_0 (PyTorch), and at 11 more" in said
    assert GELU.title in said


def test_more_mistakes_than_there_is_room_for_are_counted():
    causes = [replace(EPSILON, id=f"cause-{i}", title=f"mistake {i}") for i in range(6)]
    said = str(report(*(types.Fault(NORM, (cause,)) for cause in causes)))
    assert len(said.splitlines()) <= 10
    assert "and more      3 further faults: mistake 3" in said


def test_two_causes_of_one_fault_are_both_named():
    said = str(report(types.Fault(NORM, (EPSILON, GELU))))
    assert EPSILON.title in said
    assert f"and           {GELU.title}" in said


def test_what_is_unexplained_shows_how_it_differs():
    evidence = "nothing in the catalogue fits; PyTorch / JAX is 0.5"
    said = str(report(types.Fault(NORM, evidence=evidence)))
    assert "why           nothing in the catalogue fits\nevidence      PyTorch / JAX is 0.5" in said


def test_other_explanations_come_with_the_probe():
    fault = types.Fault(NORM, (EPSILON,), ((GELU,),), "inputs above 3 part them")
    said = " ".join(str(report(fault)).split())
    assert f"or {GELU.title}; inputs above 3 part them" in said


def test_a_step_is_named():
    late = difference("update", "kernel", step=7)
    assert "where         update jax/kernel (JAX), torch.kernel (PyTorch), step 7" in str(
        report(types.Fault(late, (EPSILON,)))
    )


def test_what_float32_hides_is_said_to_be_hidden():
    judgement = replace(NORM.judgement, hidden=True)
    said = " ".join(
        str(report(types.Fault(replace(NORM, judgement=judgement), (EPSILON,)))).split()
    )
    assert "times what rounding explains; too small to be seen in float32" in said


LONG = "word " * 200 + "x" * 300


@pytest.mark.parametrize("many", [0, 1, 2, 5])
def test_it_never_is_more_than_ten_lines_of_a_hundred_columns(many):
    cause = lambda i: replace(EPSILON, id=str(i), title=LONG, fix=f"{LONG}\n{LONG}", evidence=LONG)
    place = replace(NORM, jax_path=LONG, judgement=replace(NORM.judgement, note=LONG))
    faults = [types.Fault(place, (cause(i),), ((cause(9),),), LONG) for i in range(many)]
    lines = str(report(*faults, not_compared=(LONG,) * 5, notes=(LONG,) * 5)).splitlines()
    assert len(lines) == 10
    assert max(map(len, lines)) <= 100


def test_show_prints_the_same_words(capsys):
    found = report(ONE, TWO)
    found.show()
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == str(
        found
    ).splitlines()


def test_show_is_coloured_on_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.stdout", Terminal())
    terminal.show(report(ONE))
    written = sys.stdout.getvalue()
    assert "\x1b[" in written
    assert EPSILON.title in written


@pytest.fixture(scope="module")
def trained():
    return everything()


class Page(HTMLParser):
    """The tags of a page with their attributes, and its words."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_says_all_that_is_known(trained, tmp_path):
    trained.to_html(tmp_path / "report.html")
    said = " ".join(Page((tmp_path / "report.html").read_text("utf-8")).words)
    for part in (
        "The two sides compute different functions.", EPSILON.title[1:], GELU.title[1:],
        "epsilon=1e-05", "eps=1e-06", EPSILON.explanation, EPSILON.evidence,
        "inputs above 3 part them", "PyTorch 1e-5, JAX 1e-6",
        "uniform", "the shapes differ", "JAX drop", "a note", "6.0e10", "1.9e-5", "Loss",
    ):  # fmt: skip
        assert part in said, part


def test_the_page_needs_nothing_but_itself(trained):
    text = page.page(trained)
    parsed = Page(text)
    assert "http" not in text.replace("http-equiv", "")
    assert not {"script", "iframe", "object", "embed", "base", "img"} & {t for t, _ in parsed.tags}
    for tag, attributes in parsed.tags:
        for name in {"src", "href", "srcset", "data", "action"} & attributes.keys():
            assert attributes[name].startswith(("data:", "#")), (tag, name)
    assert "@import" not in text
    assert not re.search(r"url\(", text)
    assert page.page(trained) == text, "equal reports give equal pages"


def test_a_training_that_diverges_is_drawn_as_far_as_it_is_finite(trained):
    broken = replace(trained.trajectory, losses_jax=(1.0, np.nan, np.inf) * 6 + (1.0, 2.0))
    text = page.page(replace(trained, trajectory=broken))
    assert "nan" not in re.findall(r' d="([^"]*)"', text)[-2]
    flat = replace(
        trained.trajectory, between=(0.0,) * 20, jax_own=(0.0,) * 20, torch_own=(0.0,) * 20
    )
    assert "The training, step by step" in page.page(replace(trained, trajectory=flat))


def test_words_from_outside_stay_words(trained):
    ordinary = {tag for tag, _ in Page(page.page(trained)).tags}
    parsed = Page(page.page(evil(trained)))
    assert {tag for tag, _ in parsed.tags} <= ordinary | {"p"}
    assert not any(name.startswith("on") for _, attributes in parsed.tags for name in attributes)
    assert "".join(parsed.words).count(EVIL) >= 15


def test_a_report_of_nothing_wrong_is_a_page_too(tmp_path):
    same = parity.compare(jnp.tanh, torch.tanh, np.ones(3, np.float32), gradients=False)
    text = page.page(same)
    assert "Compared: 1 output." in text
    assert "What is wrong" not in text
    assert "only what differs" not in text


def test_json_holds_all(trained, tmp_path):
    trained.to_json(tmp_path / "report.json")
    found = json.loads((tmp_path / "report.json").read_text("utf-8"))
    described = set(re.findall(r"^    (\w+) ", data.__doc__, re.M))
    assert described == found.keys()
    first, second = found["faults"]
    assert first["causes"][0]["constants"] == {"torch": 1e-5, "jax": 1e-6}
    assert first["causes"][0].keys() == vars(EPSILON).keys()
    assert first["alternatives"][0][0]["id"] == "gelu-approximation"
    assert first["evidence"] == "inputs above 3 part them"
    assert second["difference"]["jax_path"] == "jax/gelu"
    assert found["causes"] == ["normalization-epsilon", "gelu-approximation"]
    assert found["settings"][0] == {
        "place": "norm", "name": "epsilon", "jax": 1e-6, "torch": 1e-5, "differs": True,
    }  # fmt: skip
    assert found["differences"][-1]["ratio"] is None
    assert found["trajectory"]["steps"] == [*range(1, 21)]
    assert found["trajectory"].keys() == vars(trained.trajectory).keys()
    assert {"python", "jax", "torch", "flax", "optax", "jaxnn"} == found["versions"].keys()


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.float64(0.5), 0.5),
        (float("nan"), None),
        (np.arange(3), [0, 1, 2]),
        (torch.nn.Parameter(torch.ones(2)), [1.0, 1.0]),
        (jnp.zeros(1), [0.0]),
        ({1: (True, None)}, {"1": [True, None]}),
        (torch.float32, "torch.float32"),
    ],
    ids=str,
)
def test_any_setting_can_be_written(value, plain):
    assert data.plain(value) == plain
    json.dumps(data.plain(value), allow_nan=False)


def test_the_numbers_read_as_a_person_writes_them():
    assert [words.power(x) for x in (2e-5, 1.0, 0.0, 6.04e10)] == ["2.0e-5", "1.0", "0", "6.0e10"]
    assert [words.number(x) for x in (1e-5, 0.1, 3, "tanh")] == ["1e-5", "0.1", "3", "tanh"]


def test_a_reproduction_has_the_constants_that_were_found(tmp_path):
    epsilon = replace(EPSILON, constants={"torch": 2e-5, "jax": np.float64(3e-6)})
    source = epsilon.reproduction()
    assert {"TORCH = 2e-05", "JAX = 3e-06"} <= {*source.splitlines()}
    ast.parse(source)
    written = report(types.Fault(NORM, (epsilon,)), TWO).write_reproductions(tmp_path / "scripts")
    assert [path.name for path in written] == ["normalization_epsilon.py", "gelu_approximation.py"]
    assert written[0].read_text("utf-8") == source


def test_words_are_no_constants_and_a_difference_without_a_script_has_none():
    worded = replace(EPSILON, constants={"torch": "inside", "jax": True})
    assert worded.reproduction() == scripts.script("normalization-epsilon", {})
    assert replace(EPSILON, id="no-such-difference").reproduction() is None


def test_the_script_of_any_setting_keeps_its_own():
    decay = replace(EPSILON, id="optimizer-hyperparameter", constants={"torch": 0.01, "jax": 1e-4})
    assert decay.reproduction() == scripts.script(decay.id, {})


def test_the_page_holds_the_script():
    said = "".join(Page(page.page(report(ONE))).words)
    assert EPSILON.reproduction() in said


WITH_CONSTANTS = [
    "attention_scale", "batch_norm_momentum", "dropout_rate_complement", "elu_alpha",
    "label_smoothing", "leaky_relu_slope", "normalization_epsilon",
]  # fmt: skip


@pytest.mark.parametrize("name", WITH_CONSTANTS)
def test_a_script_means_by_its_constants_what_the_engine_recovers(name):
    pair = vars(importlib.import_module(f"torch_port.parity.reproductions.{name}"))
    given = {key: pair[key] for key in ("params", "train", "mapping") if key in pair}
    found = parity.compare(pair["jax_side"], pair["torch_side"], pair["inputs"], **given)
    assert found.causes[0].constants == {"torch": pair["TORCH"], "jax": pair["JAX"]}
