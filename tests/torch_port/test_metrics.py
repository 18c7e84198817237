"""The twin's metrics: sums and counts in tensors, exact over a ragged last batch."""

import pytest
import torch

from torch_port import metrics

GENERATOR = torch.Generator().manual_seed(0)
LOGITS = torch.randn(11, 4, generator=GENERATOR)
LABELS = torch.randint(4, (11,), generator=GENERATOR)

METRICS = {
    "accuracy": metrics.accuracy,
    "top_k_accuracy": lambda logits, labels: metrics.top_k_accuracy(logits, labels, 2),
    "confusion_matrix": metrics.confusion_matrix,
    "calibration": lambda logits, labels: metrics.calibration(logits.softmax(-1), labels, 5),
}

each = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)


def flat(metric):
    return [leaf for part in metric for leaf in (part if isinstance(part, tuple) else [part])]


@each
def test_batches_add_up_to_the_whole(metric):
    parts = [metric(LOGITS[:8], LABELS[:8]), metric(LOGITS[8:], LABELS[8:])]
    for merged, whole in zip(
        flat(metrics.merge(*parts)), flat(metric(LOGITS, LABELS)), strict=True
    ):
        torch.testing.assert_close(merged, whole)


@each
def test_labels_may_be_any_integers(metric):
    for dtype in (torch.uint8, torch.int32):
        for ours, whole in zip(
            flat(metric(LOGITS, LABELS.to(dtype))), flat(metric(LOGITS, LABELS)), strict=True
        ):
            assert torch.equal(ours, whole)


@each
@pytest.mark.parametrize(
    "labels", [LABELS[:, None], LABELS[:3], LABELS.float(), LABELS + 4, LABELS - 4, LABELS > 1]
)
def test_labels_that_pytorch_would_compare_or_broadcast_are_refused(metric, labels):
    with pytest.raises(ValueError, match="labels must be"):
        metric(LOGITS, labels)


@each
def test_logits_without_a_batch_are_refused(metric):
    with pytest.raises(ValueError, match=r"\w+ must be floating of shape \(batch, classes\)"):
        metric(LOGITS[0], LABELS[0])


def test_metrics_keep_no_graph():
    """Else a list of them would keep the activations of every batch."""
    logits = LOGITS.clone().requires_grad_()
    values = logits.sum(-1)
    kept = [metrics.average(values), *(metric(logits, LABELS) for metric in METRICS.values())]
    assert not any(leaf.requires_grad for metric in kept for leaf in flat(metric))


def test_metrics_are_merged_and_totalled_through_dictionaries_and_named_tuples():
    one = {
        "calibration": METRICS["calibration"](LOGITS, LABELS),
        "loss": metrics.average(LOGITS[0]),
    }
    merged = metrics.merge(one, one, one)
    assert isinstance(merged["calibration"], metrics.Calibration)
    assert merged["loss"].count.item() == 12
    stacked = metrics.Average(torch.ones(3, 2), torch.ones(3, dtype=torch.int32))
    total = metrics.total({"loss": stacked})["loss"]
    assert total.sum.tolist() == [3, 3]
    assert (total.count.item(), total.count.dtype) == (3, torch.int32)


def test_the_value_of_a_count_is_a_fraction():
    logits = torch.tensor([[2.0, 1.0], [3.0, 0.0], [1.0, 0.0]])
    accuracy = metrics.accuracy(logits, torch.tensor([0, 1, 1]))
    assert accuracy.sum.dtype == accuracy.count.dtype == torch.int64
    assert accuracy.value.item() == pytest.approx(1 / 3)
    assert metrics.values({"accuracy": accuracy}) == {"accuracy": 1 / 3}


def test_of_equal_logits_the_first_counts():
    logits = torch.zeros(4, 4)
    assert metrics.accuracy(logits, torch.arange(4)).sum.item() == 1


def test_top_k_of_all_classes_is_everything_but_nan():
    assert metrics.top_k_accuracy(LOGITS, LABELS, 4).value.item() == 1
    assert metrics.top_k_accuracy(LOGITS * torch.nan, LABELS, 3).sum.item() == 0
    with pytest.raises(ValueError, match=r"k must be a number in \[1, 4\], got 5"):
        metrics.top_k_accuracy(LOGITS, LABELS, 5)


def test_rows_of_the_confusion_matrix_are_labels():
    logits = torch.tensor([[0.0, 1.0, 0.0]])
    assert metrics.confusion_matrix(logits, torch.tensor([2])).sum.nonzero().tolist() == [[2, 1]]


def test_a_confidence_on_the_edge_of_two_bins_belongs_to_the_lower():
    probabilities = torch.tensor([[0.5, 0.5], [1.0, 0.0], [0.75, 0.25]])
    found = metrics.calibration(probabilities, torch.tensor([0, 0, 1]), bins=4)
    assert found.confidence.count.tolist() == [0, 1, 1, 1]
    assert found.accuracy.sum.tolist() == [0, 1, 0, 1]
    assert found.error.item() == pytest.approx((0.5 + 0.75) / 3)
