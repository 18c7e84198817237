"""The twin's losses and penalties: PyTorch's per example, and what PyTorch's would get wrong."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from torch_port import losses, penalties

GENERATOR = torch.Generator().manual_seed(0)
LOGITS = torch.randn(9, 4, dtype=torch.float64, generator=GENERATOR)
LABELS = torch.tensor([0, 1, 2, 3, 0, 1, 2, 0, 0])
TARGETS = torch.softmax(torch.randn(9, 4, dtype=torch.float64, generator=GENERATOR), -1)
WEIGHTS = torch.tensor([0.5, 1.0, 2.0, 0.0], dtype=torch.float64)


def gradient(loss, x):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(loss(x).sum(), x)[0]


MEANS = {
    "cross-entropy": (
        losses.mean(losses.softmax_cross_entropy(LOGITS, LABELS)),
        F.cross_entropy(LOGITS, LABELS),
    ),
    "of distributions, smoothed": (
        losses.mean(losses.softmax_cross_entropy(LOGITS, TARGETS, label_smoothing=0.1)),
        F.cross_entropy(LOGITS, TARGETS, label_smoothing=0.1),
    ),
    "weighted": (
        losses.mean(losses.softmax_cross_entropy(LOGITS, LABELS), WEIGHTS[LABELS]),
        F.cross_entropy(LOGITS, LABELS, WEIGHTS),
    ),
    "ignored": (
        losses.mean(losses.softmax_cross_entropy(LOGITS, LABELS, ignore_label=2), LABELS != 2),
        F.cross_entropy(LOGITS, LABELS, ignore_index=2),
    ),
    "of probabilities": (
        losses.mean(losses.cross_entropy(LOGITS.softmax(-1), LABELS)),
        F.cross_entropy(LOGITS, LABELS),
    ),
    "binary": (
        losses.mean(losses.binary_cross_entropy(LOGITS.sigmoid(), TARGETS)),
        nn.BCELoss()(LOGITS.sigmoid(), TARGETS),
    ),
    "binary of logits": (
        losses.mean(losses.sigmoid_binary_cross_entropy(LOGITS, TARGETS)),
        nn.BCEWithLogitsLoss()(LOGITS, TARGETS),
    ),
    "squared": (losses.mean(losses.squared_error(LOGITS, TARGETS)), nn.MSELoss()(LOGITS, TARGETS)),
    "absolute": (losses.mean(losses.absolute_error(LOGITS, TARGETS)), nn.L1Loss()(LOGITS, TARGETS)),
    "huber": (
        losses.mean(losses.huber(LOGITS, TARGETS, 0.3)),
        nn.HuberLoss(delta=0.3)(LOGITS, TARGETS),
    ),
    "kl": (
        losses.mean(losses.kl_divergence(LOGITS.log_softmax(-1), TARGETS)),
        nn.KLDivLoss(reduction="batchmean")(LOGITS.log_softmax(-1), TARGETS),
    ),
}


@pytest.mark.parametrize(("ours", "pytorchs"), MEANS.values(), ids=MEANS)
def test_the_mean_over_the_batch_is_pytorchs_own(ours, pytorchs):
    torch.testing.assert_close(ours, pytorchs, rtol=1e-14, atol=0)


def test_labels_may_be_any_integers():
    expected = losses.softmax_cross_entropy(LOGITS, LABELS)
    for dtype in (torch.uint8, torch.int32):
        assert torch.equal(losses.softmax_cross_entropy(LOGITS, LABELS.to(dtype)), expected)


def test_the_label_that_pytorch_ignores_in_silence_is_refused():
    labels = torch.full((9,), -100)
    assert F.cross_entropy(LOGITS, labels, reduction="none").eq(0).all()
    with pytest.raises(ValueError, match="labels must be classes in 0 … 3, got -100"):
        losses.softmax_cross_entropy(LOGITS, labels)
    assert losses.softmax_cross_entropy(LOGITS, labels, ignore_label=-100).eq(0).all()


def test_a_loss_of_one_example_can_be_mapped_though_its_labels_are_checked():
    """The usual way to the gradient of each example on its own."""
    of_one = lambda x, label: losses.softmax_cross_entropy(x[None], label[None]).sum()
    mapped = torch.vmap(torch.func.grad(of_one))(LOGITS, LABELS)
    whole = gradient(lambda x: losses.softmax_cross_entropy(x, LABELS), LOGITS)
    torch.testing.assert_close(mapped, whole)


@pytest.mark.parametrize("name", ["softmax_cross_entropy", "cross_entropy"])
def test_a_loss_can_be_compiled_whole_though_its_labels_are_checked(name):
    loss, outputs = getattr(losses, name), LOGITS.softmax(-1)
    compiled = torch.compile(loss, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(outputs, LABELS), loss(outputs, LABELS))


def test_zero_times_log_zero_is_zero_in_the_gradient_too():
    certain, label = torch.tensor([[1.0, 0.0]]), torch.tensor([0])
    for labels in (label, certain):
        of_labels = lambda p, q=labels: losses.cross_entropy(p, q)
        assert of_labels(certain).item() == 0
        assert gradient(of_labels, certain).tolist() == [[-1, 0]]
    assert gradient(lambda p: F.nll_loss(p.log(), label), certain).isnan().any()

    log_p = certain.log()
    assert losses.kl_divergence(log_p, certain).item() == 0
    assert gradient(lambda x: losses.kl_divergence(x, certain), log_p).tolist() == [[-1, 0]]
    assert gradient(lambda t: losses.kl_divergence(log_p, t), certain).tolist() == [[1, 0]]
    assert F.kl_div(log_p, certain, reduction="sum").isnan()


def test_pytorch_cuts_binary_cross_entropy_off():
    p, y = torch.tensor([0.0, 1.0, 1.0, 0.0]), torch.tensor([1, 0, 1, 0])
    assert losses.binary_cross_entropy(p, y).tolist() == [100, 100, 0, 0]
    assert gradient(lambda p: losses.binary_cross_entropy(p, y), p)[2:].tolist() == [0, 0]


@pytest.mark.parametrize("name", ["squared_error", "absolute_error", "huber"])
def test_shapes_that_pytorch_would_broadcast_are_refused(name):
    with pytest.raises(ValueError, match=r"targets must be torch.float32 of shape \(5, 1\)"):
        getattr(losses, name)(torch.zeros(5, 1), torch.zeros(5))


@pytest.mark.parametrize(
    ("loss", "arguments"),
    [
        (losses.squared_error, (torch.zeros(5), torch.zeros(5).double())),
        (losses.softmax_cross_entropy, (torch.zeros(5, 2), torch.zeros(5, 2).double())),
        (losses.softmax_cross_entropy, (torch.zeros(5, 2, 3), torch.zeros(5, 3).long())),
        (losses.cross_entropy, (torch.zeros(5, 2), torch.zeros(1).long())),
        (losses.binary_cross_entropy, (torch.zeros(5, 2), torch.zeros(5))),
        (losses.sigmoid_binary_cross_entropy, (torch.zeros(5, 1), torch.zeros(5).long())),
        (losses.kl_divergence, (torch.zeros(5, 2), torch.zeros(2))),
        (losses.mean, (torch.zeros(5, 1),)),
        (losses.mean, (torch.zeros(5), torch.ones(5, 1))),
    ],
)
def test_what_does_not_fit_is_refused(loss, arguments):
    with pytest.raises(ValueError, match=r"must (be|have)"):
        loss(*arguments)


def test_the_mean_leaves_out_what_weighs_nothing():
    values, weights = torch.tensor([2.0, torch.inf, 4.0]), torch.tensor([1.0, 0.0, 3.0])
    assert losses.mean(values, weights).item() == 3.5
    assert gradient(lambda v: losses.mean(v, weights), values).tolist() == [0.25, 0, 0.75]
    assert losses.mean(values, torch.zeros(3)).item() == 0


class Network(nn.Sequential):
    """A kernel, a scale, two biases, of known values."""

    def __init__(self):
        super().__init__(nn.Linear(2, 1), nn.BatchNorm1d(1))
        with torch.no_grad():
            self[0].weight.copy_(torch.tensor([[3.0, -4.0]]))
            self[0].bias.fill_(10.0)
            self[1].weight.fill_(-100.0)
            self[1].bias.fill_(1000.0)


def test_penalties_tell_kernels_scales_and_biases_apart():
    model = Network()
    assert losses.l1(model).item() == 7
    assert losses.l2(model).item() == 25
    assert losses.l1(model, ("scale",)).item() == 100
    assert losses.l1(model, ("bias",)).item() == 1010
    assert losses.l2(model, ("kernel", "scale")).item() == 10_025
    with pytest.raises(
        ValueError, match="l1: names must hold that of a parameter, got \\('kernal',\\)"
    ):
        losses.l1(model, ("kernal",))


def test_half_a_penalty_is_pytorchs_weight_decay():
    decayed, penalised = nn.Linear(3, 2, bias=False), nn.Linear(3, 2, bias=False)
    penalised.load_state_dict(decayed.state_dict())
    x = torch.ones(1, 3)
    for model, decay in [(decayed, 0.1), (penalised, 0.0)]:
        optimizer = torch.optim.SGD(model.parameters(), 0.5, weight_decay=decay)
        penalty = 0 if decay else 0.1 / 2 * losses.l2(model)
        (model(x).sum() + penalty).backward()
        optimizer.step()
    torch.testing.assert_close(decayed.weight, penalised.weight)


def test_the_mask_stands_in_the_order_of_the_parameters():
    model = Network()
    mask = penalties.mask_by_name(model, ("kernel", "scale"))
    assert mask == [name.endswith("weight") for name, _ in model.named_parameters()]
