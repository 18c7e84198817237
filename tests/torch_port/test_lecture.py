"""The lecture's program from beginning to end on the real MNIST, as meant and as printed."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

import torch_port
from torch_port import data, evaluation, lecture, losses, models

ONE_THREAD = {"OMP_NUM_THREADS": "1"}


@pytest.fixture(autouse=True)
def _one_thread():
    """Two threads that share their processors with other tests wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run(*arguments: str, folder: Path) -> list[str]:
    """The lines that `torch-port lecture` prints, as from a terminal in a folder."""
    checkout = str(Path(torch_port.__file__).parents[1])
    process = subprocess.run(
        [sys.executable, "-m", "torch_port", "lecture", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, **ONE_THREAD, "PYTHONPATH": checkout},
    )
    assert (process.returncode, process.stderr) == (0, "")
    return process.stdout.splitlines()


def is_picture(path: Path) -> bool:
    return path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_the_program_runs_from_the_data_to_the_test(tmp_path):
    lines = run("--epochs", "1", folder=tmp_path)
    assert lines[0] == "SimpleNN("
    epoch, end, accuracy = lines[-3:]
    assert epoch.startswith("epoch 1/1  loss 0.")
    assert end == "pictures in runs/lecture; the weights of epoch 1 go to the test"
    assert 0.92 < float(accuracy.removeprefix("test accuracy ")) < 0.96
    pictures = {"samples.png", "loss.png", "accuracy.png"}
    assert {path.name for path in (tmp_path / "runs/lecture").iterdir()} == pictures
    assert all(is_picture(path) for path in (tmp_path / "runs/lecture").iterdir())


def test_as_printed_sets_the_two_side_by_side(tmp_path):
    lines = run("--epochs", "1", "--as-printed", "loop", "--out", "out", "--quiet", folder=tmp_path)
    header, meant, printed = lines
    assert header.split("  ")[-1] == "test accuracy"
    assert meant.startswith("as meant ")
    assert printed.startswith("as printed: loop ")
    assert float(meant.split()[-1]) > 0.92
    assert float(printed.split()[-1]) < 0.5, "one step an epoch is one step"
    for name in ("samples.png", "loss.png", "accuracy.png"):
        assert is_picture(tmp_path / "out" / name)
        assert is_picture(tmp_path / "out" / "as-printed-loop" / name)


def a_few_digits(n: int) -> data.Dataset:
    train_set, _ = data.load("mnist")
    return data.Dataset(*train_set[:n])


def parts(*, softmax_output: bool = False):
    model = models.SimpleNN(
        softmax_output=softmax_output, generator=torch.Generator().manual_seed(0)
    )
    return model, nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters())


def test_the_running_figures_weigh_the_ragged_batch_by_its_size():
    model, criterion, _ = parts()
    still = torch.optim.SGD(model.parameters(), 0.0)
    few = a_few_digits(150)
    expected = evaluation.evaluate(model, few, loss=losses.softmax_cross_entropy, batch_size=150)
    loader = DataLoader(few, batch_size=64)
    measured = lecture.train(model, loader, criterion, still)
    assert measured == pytest.approx(expected, rel=1e-6)
    assert lecture.evaluate(model, loader, criterion) == pytest.approx(expected, rel=1e-6)


def test_evaluation_is_in_eval_mode_and_training_in_train_mode():
    model, criterion, optimizer = parts()
    modes = []
    model.register_forward_pre_hook(lambda module, _: modes.append(module.training))
    loader = DataLoader(a_few_digits(64), batch_size=64)
    lecture.evaluate(model, loader, criterion)
    lecture.train(model, loader, criterion, optimizer)
    assert modes == [False, True]


def test_the_printed_loop_takes_one_step_on_the_last_batch():
    few = a_few_digits(150)
    printed, criterion, optimizer = parts()
    measured = lecture.train_as_printed(printed, DataLoader(few, 64), criterion, optimizer)
    meant, criterion, optimizer = parts()
    last = DataLoader(data.Dataset(*few[128:]), 64)
    of_last = lecture.train(meant, last, criterion, optimizer)
    for ours, theirs in zip(printed.parameters(), meant.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert measured["loss"] == pytest.approx(of_last["loss"] / 3)
    assert measured["accuracy"] == pytest.approx(of_last["accuracy"] * 22 / 150)


def test_the_loss_after_a_softmax_has_a_floor():
    """Of probabilities that are exactly right the loss is ln(1 + 9/e), as far as it falls."""
    certain = 1000 * nn.functional.one_hot(torch.tensor([3]), 10).double()
    floor = nn.functional.cross_entropy(torch.softmax(certain, 1), torch.tensor([3]))
    assert floor.item() == pytest.approx(math.log(1 + 9 / math.e))
    model, criterion, optimizer = parts(softmax_output=True)
    loader = DataLoader(a_few_digits(64), batch_size=64)
    for _ in range(60):
        measured = lecture.train(model, loader, criterion, optimizer)
    assert floor.item() < measured["loss"] < floor.item() + 0.5


def test_the_weights_of_the_best_epoch_are_tested(tmp_path):
    """The printed loop takes so few steps that an epoch may well be worse than the one before."""
    result = lecture.lecture(3, 1, tmp_path, "loop", write=lambda line: None)
    accuracies = [row["validation_accuracy"] for row in result.history]
    assert accuracies[1] == max(accuracies)
    assert result.best == result.history[1]
    shorter = lecture.lecture(2, 1, tmp_path, "loop", write=lambda line: None)
    assert (shorter.test_accuracy, shorter.history) == (result.test_accuracy, result.history[:2])
