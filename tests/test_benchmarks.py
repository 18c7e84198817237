"""The benchmarks: contenders take turns and do the same work; the pages show what was measured."""

import json
import os
import subprocess
import sys

import pytest

from benchmarks import __main__ as command
from benchmarks import epoch, gpu, pages, prediction, sweep
from benchmarks.frame import ROOT, Contender, Target, best, in_turn, medians, ratio, times

HERE = "tests.benchmark_contenders"
ON_THE_CPU = {
    **os.environ,
    "JAX_PLATFORMS": "cpu",
    "OMP_NUM_THREADS": "1",
}


def test_contenders_run_once_a_round_in_turn_each_in_a_process_of_its_own(tmp_path):
    log = tmp_path / "log"
    entered = {
        name: Contender(f"{HERE}:writer", {"name": name, "log": str(log)}, {"TOLD": name})
        for name in "abc"
    }
    found = in_turn(entered, rounds=2, warm_up=1)
    assert log.read_text().split() == [*"abc", *"abc", *"bca"]
    assert [len(found[name]["seconds"]) for name in "abc"] == [2, 2, 2]
    assert [found[name]["value"]["runs"] for name in "abc"] == [3, 3, 3]
    assert [found[name]["value"]["told"] for name in "abc"] == [*"abc"]
    assert len({found[name]["value"]["process"] for name in "abc"}) == 3


def test_who_cannot_run_has_a_row_that_says_why(tmp_path):
    ours = Contender(f"{HERE}:writer", {"name": "a", "log": str(tmp_path / "log")})
    entered = {"ours": ours}
    entered |= {name: Contender(f"{HERE}:{name}", {}) for name in ("absent", "unwilling")}
    table = times("", in_turn(entered, rounds=1), "ours")
    said = {row[0]: row[1] for row in table.rows}
    assert said["absent"] == "not installed: a_package_that_nobody_has"
    assert said["unwilling"] == "no such machine"


def test_the_best_is_one_that_could_run():
    measured = {"a": {"seconds": [3.0]}, "b": {"missing": "not here"}, "c": {"seconds": [2.0]}}
    assert best(measured, ["a", "b", "c"]) == "c"
    assert best(measured, ["b"]) == "b"
    assert medians(measured) == {"a": 3.0, "c": 2.0}


def test_a_contender_that_fails_ends_the_run():
    with pytest.raises(RuntimeError, match="theirs: its process has ended"):
        in_turn({"theirs": Contender(f"{HERE}:broken", {})}, rounds=1)


def test_ratios_are_of_medians_and_targets_have_two_sides():
    measured = {"a": {"seconds": [1.0, 2.0, 90.0]}, "b": {"seconds": [4.0, 4.0, 4.0]}, "c": {}}
    assert ratio(measured, "b", "a") == 2
    assert ratio(measured, "c", "a") != ratio(measured, "c", "a"), "not a number"
    assert [Target("", 2, bound, 2.1).met for bound in ("at most", "at least")] == [True, False]
    assert "not measured" in pages.target_line(Target("", float("nan"), "at most", 1))


RUN_ALL = """
import json, sys
from importlib import import_module
for key, function, options, times in json.loads(sys.argv[1]):
    module, _, name = function.partition(":")
    try:
        run = getattr(import_module(f"benchmarks.contenders.{module}"), name)(**options)
        print(json.dumps([key, [run() for _ in range(times)]]), flush=True)
    except ModuleNotFoundError as error:
        print(json.dumps([key, error.name]))
"""

EPOCH = {name: f for name, f in epoch.CONTENDERS.items() if name != "PyTorch, torch.compile"}
EXAMPLES = 3 * 64 + 32
SWEEP = {name: f for name, f in sweep.CONTENDERS.items() if name != sweep.OURS}


@pytest.fixture(scope="module")
def values():
    """What every contender returns, tiny sizes, all in one process: it is the imports that cost.

    That of `torch.compile` is left out, which takes a minute; ours of the sweep has its own tests.
    """
    learning = {"examples": EXAMPLES}
    regularised = epoch.BATCH_NORM_AND_DROPOUT | {"examples": 3 * 64}
    plan = [
        ("epoch", EPOCH, learning, 3),
        ("regularised", epoch.REGULARISED, regularised, 3),
        ("prediction", prediction.CONTENDERS, {"images": 5, "batch_size": 5, "calls": 1}, 1),
        ("sweep", SWEEP, {"runs": 4, "examples": 640}, 1),
    ]
    jobs = [
        (f"{topic}: {name}", function, options, runs)
        for topic, contenders, options, runs in plan
        for name, function in contenders.items()
    ]
    process = subprocess.run(
        [sys.executable, "-c", RUN_ALL, json.dumps(jobs)],
        cwd=ROOT,
        env=ON_THE_CPU,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return dict(map(json.loads, process.stdout.splitlines()))


def of(values, key):
    if isinstance(values[key], str):
        pytest.skip(f"not installed: {values[key]}")
    return values[key]


@pytest.mark.parametrize("name", EPOCH)
def test_every_contender_sees_every_example_and_learns(values, name):
    first, *_, last = of(values, f"epoch: {name}")
    assert first["examples"] == EXAMPLES
    if name != epoch.FLOOR:
        assert 2.0 < first["loss"] < 3.0
        assert last["loss"] < first["loss"] - 0.2


@pytest.mark.parametrize("name", epoch.REGULARISED)
def test_with_batch_norm_and_dropout_they_learn_too(values, name):
    first, *_, last = of(values, f"regularised: {name}")
    assert last["loss"] < first["loss"] - 0.2


@pytest.mark.parametrize("name", prediction.CONTENDERS)
def test_every_contender_gives_a_row_of_logits_for_every_image(values, name):
    assert of(values, f"prediction: {name}") == [{"logits": [5, 10]}]


def test_every_contender_of_the_sweep_trains_all_runs_alike(values):
    found = [of(values, f"sweep: {name}")[0] for name in SWEEP]
    assert {value["runs"] for value in found} == {4}
    assert max(value["loss"] for value in found) - min(value["loss"] for value in found) < 0.3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["speed"], "topics are epoch"),
        (["--rounds", "0"], "at least 1"),
        (["--quick", "--write"], "--write"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_measured(
    monkeypatch, capsys, options, message
):
    monkeypatch.setattr(sys, "argv", ["benchmarks", *options])
    with pytest.raises(SystemExit):
        command.main()
    assert message in capsys.readouterr().err


def test_the_pages_show_what_was_measured():
    entries = pages.read()
    for path in (pages.PAGE, pages.README):
        text = path.read_text(encoding="utf-8")
        assert text == pages.page(text, entries), "python -m benchmarks --write"


@pytest.mark.parametrize("name", [*pages.read()])
def test_every_picture_says_what_it_shows(name):
    for figure in pages.topic(name).figures(pages.read()[name]["measured"]).values():
        assert figure.get_label().endswith(".")


def test_without_a_gpu_its_benchmark_says_so(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmarks.gpu"])
    gpu.main()
    assert capsys.readouterr().out.startswith("no GPU")


def test_all_of_the_gpu_benchmark_runs_on_the_cpu():
    printed = subprocess.run(
        [sys.executable, "-W", "error", "-m", "benchmarks.gpu", "--cpu-check"],
        cwd=ROOT,
        env=ON_THE_CPU,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    assert printed.count(" yes |") == 5
    for row in ("command buffers of loops too", "unroll=2", "bfloat16 throughout", "4 "):
        assert f"| {row}" in printed


@pytest.mark.parametrize(
    ("here", "here_in_float64", "agrees"),
    [(2e-7, 1e-15, True), (1e-3, 1e-15, False), (2e-7, 1e-7, False)],
)
def test_a_gpu_agrees_if_both_precisions_do(here, here_in_float64, agrees):
    errors = {
        "float32 here": here,
        "float32 on the CPU": 1e-7,
        "float64 here": here_in_float64,
    }
    assert gpu.agrees(errors) is agrees
