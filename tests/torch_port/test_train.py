"""The twin's training: `fit` against the plain loop, the ragged batch, modes, bad numbers."""

import ast
import copy
import difflib
import inspect

import pytest
import torch
from torch import nn

import jaxnn.train
from jaxnn.callbacks import early_stopping, print_epochs
from torch_port import convert, data, layers, losses, metrics, models, train
from torch_port.data import Dataset
from torch_port.seeds import fold_in
from torch_port.steps import draw

LOSS = losses.softmax_cross_entropy
TRAIN_SET, _ = data.load("mnist")


def digits(n: int) -> Dataset:
    """The first n training images of MNIST."""
    return Dataset(*TRAIN_SET[:n])


def network(**options):
    generator = torch.Generator().manual_seed(0)
    return models.ImageClassifier((28, 28), (32,), 10, generator=generator, **options)


def adam(model):
    return torch.optim.Adam(model.parameters())


def fitted(dataset, model=None, optimizer=None, **options):
    """A model after a training, by default a small one on images, with Adam, for two epochs."""
    model = network() if model is None else model
    optimizer = adam(model) if optimizer is None else optimizer
    options = {"epochs": 2, "batch_size": 64, "seed": 3, "loss": LOSS} | options
    return train.fit(model, optimizer, dataset, **options)


def explicit_loop(model, dataset, *, epochs, batch_size, seed, augment=None, penalty=None):
    """The loop of a person who has no `fit`, in plain PyTorch."""
    optimizer, step = adam(model), 0
    model.train()
    for epoch in range(epochs):
        for indices in data.permutation(seed, epoch, dataset.size).split(batch_size):
            images, labels = dataset[indices]
            step_seed = fold_in(seed, step)
            if augment:
                generator = torch.Generator().manual_seed(fold_in(step_seed, 1))
                images = augment(generator, images)
            torch.manual_seed(fold_in(step_seed, 0))
            loss = nn.functional.cross_entropy(model(images), labels)
            if penalty:
                loss = loss + penalty(model)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
    return model


def assert_bit_equal(model, other):
    ours, theirs = model.state_dict(), other.state_dict()
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert torch.equal(ours[name], theirs[name]), name


@pytest.mark.parametrize(
    ("options", "fit_options"),
    [
        ({}, {}),
        ({"batch_norm": True, "dropout": 0.3}, {}),
        ({"batch_norm": True, "dropout": 0.3}, {"augment": data.shift_images}),
        ({}, {"penalty": lambda model: 1e-3 * losses.l2(model)}),
    ],
    ids=["plain", "batch norm, dropout", "augmented", "penalised"],
)
def test_fit_is_the_explicit_loop_bit_for_bit(options, fit_options):
    dataset, common = digits(1000), {"epochs": 2, "batch_size": 64, "seed": 3}
    result = fitted(dataset, network(**options), **common, **fit_options)
    loop = explicit_loop(network(**options), dataset, **common, **fit_options)
    assert_bit_equal(result.train_state.model, loop)
    assert result.train_state.step == 32


@pytest.mark.parametrize("n", [1, 63, 64, 65, 128, 150])
def test_an_epoch_takes_every_example_once(n):
    seen = []
    model = nn.Linear(1, 2)
    model.register_forward_pre_hook(lambda module, inputs: seen.extend(inputs[0][:, 0].tolist()))
    dataset = Dataset(torch.arange(n, dtype=torch.float32)[:, None], torch.zeros(n).long())
    optimizer = torch.optim.SGD(model.parameters(), 0.0)
    epoch = train.make_epoch(model, optimizer, LOSS, batch_size=64)
    train_state, measured = epoch(train.init_train_state(model, optimizer, 0), dataset)
    assert sorted(seen) == list(range(n))
    assert measured["loss"].count == n
    assert train_state.step == -(-n // 64)


def test_the_ragged_batch_is_in_loss_accuracy_and_running_statistics():
    """With a learning rate of 0 the epoch's figures can be had in one pass over all examples."""
    n, batch_size = 150, 64
    dataset = digits(n)
    model = models.ImageClassifier((28, 28), (), 10).double()
    frozen = torch.optim.SGD(model.parameters(), 0.0)
    expected = train.evaluate(model, dataset, loss=LOSS, batch_size=n)
    (row,) = fitted(dataset, model, frozen, epochs=1, batch_size=batch_size).history
    assert {name: row[name] for name in expected} == pytest.approx(expected, rel=1e-12)

    norm = layers.BatchNorm(2).double()
    inputs = Dataset(torch.randn(n, 2, dtype=torch.float64), torch.zeros(n).long())
    fitted(inputs, norm, torch.optim.SGD(norm.parameters(), 0.0), epochs=1, batch_size=batch_size)
    mean = torch.zeros(2, dtype=torch.float64)
    for images, _ in data.batches(inputs, data.permutation(3, 0, n), batch_size):
        mean = 0.9 * mean + 0.1 * images.mean(0)
    torch.testing.assert_close(norm.running_mean, mean, rtol=1e-12, atol=1e-15)
    assert norm.num_batches_tracked == 3


@pytest.mark.parametrize("batch_size", [1, 7, 64, 100, 1000])
def test_evaluation_does_not_depend_on_the_batch_size(batch_size):
    model, dataset = network(batch_norm=True, dropout=0.5).double(), digits(100)
    outputs = copy.deepcopy(model).eval()(dataset.images)
    expected = {
        "loss": nn.functional.cross_entropy(outputs, dataset.labels).item(),
        "accuracy": (outputs.argmax(1) == dataset.labels).double().mean().item(),
    }
    found = train.evaluate(model, dataset, loss=LOSS, batch_size=batch_size)
    assert found == pytest.approx(expected, rel=1e-12)
    predicted = train.predict(model, dataset.images.numpy(), batch_size=batch_size)
    torch.testing.assert_close(predicted, outputs, rtol=1e-12, atol=1e-12, check_device=False)
    assert not predicted.requires_grad


def test_evaluation_leaves_every_layer_in_its_mode_and_changes_nothing():
    model, dataset = network(batch_norm=True, dropout=0.5), digits(20)
    model[3].eval()  # a frozen batch norm
    modes, before = [m.training for m in model.modules()], copy.deepcopy(model)
    train.evaluate(model, dataset, loss=LOSS, batch_size=7)
    train.predict(model, dataset.images, batch_size=7)
    assert [m.training for m in model.modules()] == modes
    assert_bit_equal(model, before)
    with pytest.raises(ValueError, match="dense: input must have 784 features"):
        train.predict(model, torch.zeros(3, 5), batch_size=7)
    assert [m.training for m in model.modules()] == modes


def test_targets_that_are_not_classes_have_a_loss_and_no_accuracy():
    inputs = torch.linspace(-1, 1, 20)[:, None]
    model = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.3)
    options = {"loss": losses.squared_error, "epochs": 100, "batch_size": 20}
    result = fitted(Dataset(inputs, 3 * inputs + 1), model, optimizer, **options)
    assert set(result.history[-1]) == {"epoch", "loss", "seconds"}
    assert (model.weight.item(), model.bias.item()) == pytest.approx((3, 1), abs=1e-4)


def test_training_is_repeatable_and_differs_by_seed():
    run = lambda seed: (
        fitted(digits(200), network(dropout=0.2), epochs=1, seed=seed).train_state.model
    )
    first = run(0)
    torch.rand(5)
    assert_bit_equal(first, run(0))
    assert not torch.equal(first[2].weight, run(1)[2].weight)


def test_a_training_can_be_taken_up_after_an_epoch():
    model, dataset = network(dropout=0.2), digits(200)
    optimizer = adam(model)
    epoch = train.make_epoch(model, optimizer, LOSS, batch_size=64)
    train_state, _ = epoch(train.init_train_state(model, optimizer, 3), dataset)
    copied = network(dropout=0.2)
    optimizer_copy = adam(copied)
    copied.load_state_dict(train_state.model.state_dict())
    optimizer_copy.load_state_dict(copy.deepcopy(train_state.optimizer.state_dict()))
    torch.rand(5)
    taken_up = train.TrainState(copied, optimizer_copy, train_state.seed, train_state.step)
    train.make_epoch(copied, optimizer_copy, LOSS, batch_size=64)(taken_up, dataset)
    assert_bit_equal(copied, fitted(dataset, network(dropout=0.2)).train_state.model)


def test_every_step_and_epoch_draws_anew():
    start, batch = train.TrainState(network(), None, seed=0, step=0), digits(2)[:]
    seeds = {draw(start._replace(step=step), batch, None)[1] for step in range(100)}
    assert len(seeds) == 100


def test_a_step_takes_given_masks_instead_of_drawing():
    """As the comparison with `jaxnn` needs it: the masks of a step are those of another program."""
    batch, masks = digits(8)[:], [torch.rand(8, 32) < 0.5]

    def after_a_step(seed):
        model = network(dropout=0.5)
        step = train.make_train_step(model, adam(model), LOSS)
        with convert.with_masks(model, masks):
            step(train.init_train_state(model, None, seed), batch)
        return model

    assert_bit_equal(after_a_step(0), after_a_step(1))


def test_the_penalty_is_minimised_and_not_reported():
    def after_a_step(penalty):
        model = network().double()
        optimizer = torch.optim.SGD(model.parameters(), 1.0)
        step = train.make_train_step(model, optimizer, LOSS, penalty=penalty)
        _, measured = step(train.init_train_state(model, optimizer, 0), digits(64)[:])
        return model, metrics.values(measured)

    plain, reported = after_a_step(None)
    decayed, also_reported = after_a_step(lambda model: 0.05 * losses.l2(model))
    assert reported == also_reported
    start = network().double()[2].weight
    torch.testing.assert_close(
        decayed[2].weight, plain[2].weight - 0.1 * start, rtol=1e-12, atol=1e-15
    )
    assert torch.equal(decayed[2].bias, plain[2].bias)


def test_callbacks_see_every_epoch_and_end_the_training():
    seen = []

    def callback(progress):
        seen.append((progress.epoch, progress.epochs, len(progress.history)))
        return "enough" if progress.epoch == 2 else None

    result = fitted(digits(100), epochs=5, validation=digits(30), callbacks=[callback])
    assert seen == [(1, 5, 1), (2, 5, 2)]
    assert result.stopped == "enough"
    assert [row["epoch"] for row in result.history] == [1, 2]
    assert result.history[0].keys() == {
        "epoch", "loss", "accuracy", "validation_loss", "validation_accuracy", "seconds",
    }  # fmt: skip


def test_callbacks_of_jaxnn_that_read_the_history_will_do():
    lines = []
    callbacks = [print_epochs(lines.append), early_stopping("loss", patience=1)]
    result = fitted(digits(100), epochs=2, callbacks=callbacks)
    assert [line[:9] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert result.stopped is None


class Explode(nn.Module):
    """Passes its input on, and what is above the limit as infinity."""

    def forward(self, x):
        return torch.where(x > 4.0, torch.inf, x)


def test_a_number_that_is_not_finite_names_epoch_and_step():
    model = network()
    model.insert(4, Explode())
    optimizer, dataset = torch.optim.SGD(model.parameters(), 0.05), digits(320)
    watched, optimizer_of_watched = copy.deepcopy((model, optimizer))
    step = train.make_train_step(watched, optimizer_of_watched, LOSS)
    train_state = train.init_train_state(watched, optimizer_of_watched, 0)
    for taken in range(100):
        parts = list(data.batches(dataset, data.permutation(0, taken // 5, 320), 64))
        train_state, measured = step(train_state, parts[taken % 5])
        if not torch.isfinite(measured["loss"].value):
            break
    assert 5 < taken < 99, "it happens within a later epoch"
    with pytest.raises(
        FloatingPointError, match=f"epoch {taken // 5 + 1}, step {taken + 1}: loss is nan"
    ):
        fitted(dataset, model, optimizer, epochs=20, seed=0)


def test_an_update_that_is_not_finite_is_noticed_though_the_loss_is():
    model = network()
    infinite = torch.optim.SGD(model.parameters(), torch.inf)
    with pytest.raises(FloatingPointError, match=r"epoch 1, step 1: loss is 2\."):
        fitted(digits(10), model, infinite)


def test_parameters_in_float64_train_in_float64():
    model = network(batch_norm=True, dropout=0.1).double()
    result = fitted(digits(100), model, epochs=1)
    moments = [state["exp_avg"] for state in result.train_state.optimizer.state.values()]
    assert {tensor.dtype for tensor in (*model.parameters(), *moments)} == {torch.float64}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "fit: epochs must be a whole number of at least 1, got 0"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1, got 0"),
        ({"validation": Dataset(torch.zeros(0, 1), torch.zeros(0))}, "fit: validation must hold"),
        ({"seed": -1}, "seed must be a whole number of at least 0, got -1"),
    ],
)
def test_wrong_use_is_answered_before_anything_is_computed(options, message):
    model = network()
    with pytest.raises(ValueError, match=message):
        fitted(digits(10), model, **options)
    assert_bit_equal(model, network())


@pytest.mark.parametrize("options", [{"callbacks": [0.1]}, {"stop": 0.1}], ids=["callback", "stop"])
def test_what_cannot_be_called_is_refused(options):
    place = next(iter(options))
    with pytest.raises(TypeError, match=rf"fit: .*{place} must be a function, got 0\.1"):
        fitted(digits(10), network(), **options)


def code_of(module) -> list[str]:
    """The lines of a module's code, without comments, docstrings and the layout."""
    tree = ast.parse(inspect.getsource(module))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            is_text = lambda part: (
                isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)
            )
            node.body = [part for part in body if not is_text(part)]
    return ast.unparse(tree).splitlines()


def test_the_twins_files_read_side_by_side():
    """A plain diff of the two is readable: most lines of code are the same."""
    ours, theirs = code_of(train), code_of(jaxnn.train)
    blocks = difflib.SequenceMatcher(None, ours, theirs).get_matching_blocks()
    same = sum(block.size for block in blocks)
    assert same / max(len(ours), len(theirs)) > 0.5, (same, len(ours), len(theirs))
