"""What is PyTorch's about the optimisers; whether they agree, tests/agreement sees."""

import copy
import inspect
import io

import numpy as np
import pytest
import torch
from torch.optim.lr_scheduler import LambdaLR

from jaxnn import optim as jax_optim
from torch_port import optim
from torch_port.optim.combine import EmptyState

RNG = np.random.default_rng(0)
SHAPES = [(3, 5), (5,), ()]


def tensors(dtype=torch.float64):
    return [torch.tensor(RNG.normal(size=shape), dtype=dtype) for shape in SHAPES]


def parameters(values=None):
    return [torch.nn.Parameter(p.clone()) for p in values or tensors()]


def take_step(optimizer, params, grads):
    for p, g in zip(params, grads, strict=True):
        p.grad = None if g is None else g.clone()
    optimizer.step()


def assert_same(ours, theirs):
    torch.testing.assert_close(list(ours), list(theirs), rtol=1e-13, atol=1e-15)


CLASSES = {
    "SGD": (lambda p: optim.SGD(p, 0.1, 0.9), lambda rate: [optim.trace(0.9), rate]),
    "SGD, Nesterov": (
        lambda p: optim.SGD(p, 0.1, 0.9, nesterov=True),
        lambda rate: [optim.trace(0.9, nesterov=True), rate],
    ),
    "Adam": (lambda p: optim.Adam(p, 0.1), lambda rate: [optim.scale_by_adam(), rate]),
    "AdamW": (
        lambda p: optim.AdamW(p, 0.1, weight_decay=0.5),
        lambda rate: [optim.scale_by_adam(), optim.add_decayed_weights(0.5), rate],
    ),
    "RMSprop": (
        lambda p: optim.RMSprop(p, 0.1, centered=True, momentum=0.9, eps=1e-3),
        lambda rate: [optim.scale_by_stddev(eps=1e-3), rate, optim.trace(0.9)],
    ),
    "RMSprop, corrected": (
        lambda p: optim.RMSprop(p, 0.1, bias_correction=True),
        lambda rate: [optim.scale_by_rms(bias_correction=True), rate],
    ),
    "Adagrad": (lambda p: optim.Adagrad(p, 0.1), lambda rate: [optim.scale_by_rss(), rate]),
    "AMSGrad": (lambda p: optim.AMSGrad(p, 0.1), lambda rate: [optim.scale_by_amsgrad(), rate]),
    "NAdam": (
        lambda p: optim.NAdam(p, 0.1),
        lambda rate: [optim.scale_by_adam(nesterov=True), rate],
    ),
}
"""Each class, and the chain that it equals, given the last link: the learning rate."""

each_class = pytest.mark.parametrize(("make", "chain_with"), CLASSES.values(), ids=CLASSES.keys())
OURS = [optim.RMSprop, optim.Adagrad, optim.AMSGrad, optim.NAdam]


def assert_class_follows(transformation, make, after_step=lambda optimizer: lambda: None):
    values = tensors()
    params = parameters(values)
    optimizer, state = make(params), transformation.init(values)
    then = after_step(optimizer)
    for _ in range(12):
        grads = tensors()
        take_step(optimizer, params, grads)
        then()
        updates, state = transformation.update(grads, state, values)
        optim.apply_updates(values, updates)
        assert_same([p.detach() for p in params], values)


@each_class
def test_a_class_takes_the_steps_of_its_transformation(make, chain_with):
    """PyTorch's own classes too, which makes them witnesses for the transformations."""
    assert_class_follows(optim.chain(*chain_with(optim.scale_by_learning_rate(0.1))), make)


@each_class
def test_a_schedule_is_given_to_lambda_lr(make, chain_with):
    """It multiplies the optimiser's rate by the schedule's."""
    schedule = optim.warmup_cosine_decay_schedule(0.0, 1.0, 3, 9)
    rate = optim.scale_by_learning_rate(lambda step: 0.1 * schedule(step))
    assert_class_follows(
        optim.chain(*chain_with(rate)), make, lambda optimizer: LambdaLR(optimizer, schedule).step
    )


@each_class
def test_a_state_dict_resumes_the_training(make, chain_with):
    """Through a file, read with `weights_only`, as PyTorch reads files."""
    params = parameters()
    optimizer = make(params)
    for _ in range(3):
        take_step(optimizer, params, tensors())
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    resumed_params = parameters([p.detach() for p in params])
    resumed = make(resumed_params)
    resumed.load_state_dict(torch.load(io.BytesIO(file.getvalue()), weights_only=True))
    for _ in range(3):
        grads = tensors()
        take_step(optimizer, params, grads)
        take_step(resumed, resumed_params, grads)
    assert_same([p.detach() for p in resumed_params], [p.detach() for p in params])


@each_class
def test_a_copy_goes_its_own_way(make, chain_with):
    params = parameters()
    optimizer = make(params)
    take_step(optimizer, params, tensors())
    before = copy.deepcopy(optimizer.state_dict()["state"])
    copied = copy.deepcopy(optimizer)
    take_step(copied, copied.param_groups[0]["params"], tensors())
    torch.testing.assert_close(optimizer.state_dict()["state"], before, rtol=0, atol=0)


@each_class
def test_groups_have_settings_of_their_own(make, chain_with):
    (slow,), (fast,) = parameters([torch.ones(2)]), parameters([torch.ones(2)])
    optimizer = make([{"params": [slow], "lr": 0.0}, {"params": [fast]}])
    slow.grad = fast.grad = torch.ones(2)
    optimizer.step()
    assert torch.equal(slow, torch.ones(2))
    assert (fast < 1).all()


@each_class
def test_a_parameter_without_a_gradient_stays(make, chain_with):
    params = parameters()
    optimizer, before = make(params), params[1].detach().clone()
    first, _, last = tensors()
    take_step(optimizer, params, [first, None, last])
    assert torch.equal(params[1], before)
    assert params[1] not in optimizer.state


@each_class
def test_a_step_gives_back_the_loss_of_its_closure(make, chain_with):
    (x,) = parameters([torch.ones(2)])
    optimizer = make([x])

    def closure():
        optimizer.zero_grad()
        loss = (x**2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure) == 2.0
    assert closure() < 2.0


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam, optim.AdamW, *OURS])
def test_a_schedule_as_the_rate_is_refused(kind):
    with pytest.raises(TypeError, match=rf"{kind.__name__}: a learning rate.*LambdaLR"):
        kind(parameters(), lambda step: 0.1)


@pytest.mark.parametrize("kind", OURS)
def test_our_defaults_are_those_of_jaxnn(kind):
    function = getattr(jax_optim, kind.__name__.lower())
    defaults = lambda f: {
        name: parameter.default
        for name, parameter in inspect.signature(f).parameters.items()
        if name != "params"
    }
    assert defaults(kind) == defaults(function)


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam, optim.AdamW])
def test_the_defaults_of_pytorchs_classes_are_those_of_jaxnn(kind):
    function = inspect.signature(getattr(jax_optim, kind.__name__.lower())).parameters
    for name, parameter in inspect.signature(kind).parameters.items():
        if name != "params":
            assert parameter.default == function[name].default, name


def test_a_setting_out_of_range_is_refused_when_the_optimiser_is_made():
    with pytest.raises(ValueError, match="decay"):
        optim.RMSprop(parameters(), 0.1, decay=1.5)


@pytest.mark.parametrize(
    "make",
    [
        lambda o: o.chain(0.1),
        lambda o: o.masked(0.1, [True]),
        lambda o: o.warmup_cosine_decay_schedule(0.0, 1.0, 10, 10),
        lambda o: o.chain(o.scale(1.0)).update([], ()),
        lambda o: o.add_decayed_weights(0.1).update([], o.add_decayed_weights(0.1).init([])),
    ],
)
def test_both_twins_refuse_it_in_the_same_words(make):
    """What is not one wrong argument; of those tests/wrong_use has a table."""
    with pytest.raises((TypeError, ValueError)) as ours:
        make(optim)
    with pytest.raises((TypeError, ValueError)) as theirs:
        make(jax_optim)
    assert ours.type is theirs.type
    assert str(ours.value).replace("tensor", "array") == str(theirs.value)


@pytest.mark.parametrize(
    "transformation",
    [optim.trace(0.9), optim.scale_by_adam(), optim.scale_by_rss(), optim.add_decayed_weights(0.1)],
)
def test_gradients_of_another_number_are_refused(transformation):
    values = tensors()
    with pytest.raises(ValueError, match="3 of them, got 2"):
        transformation.update(tensors()[:2], transformation.init(values), values)


def test_moments_keep_the_dtype_that_they_were_given():
    values = tensors(torch.float32)
    direction = optim.scale_by_adam(mu_dtype=torch.bfloat16)
    updates, state = direction.update(values, direction.init(values))
    assert {m.dtype for m in state.mu} == {torch.bfloat16}
    assert {v.dtype for v in [*state.nu, *updates]} == {torch.float32}


def test_what_masked_hides_has_no_state():
    values = tensors()
    direction = optim.masked(optim.scale_by_adam(), [True, False, True])
    _, state = direction.update(values, direction.init(values))
    assert state.inner_state.mu[1] is None
    assert state.inner_state.mu[0].shape == (3, 5)


def test_a_missing_gradient_leaves_its_moments_waiting():
    values = tensors()
    momentum = optim.trace(0.9)
    _, state = momentum.update(values, momentum.init(values))
    updates, after = momentum.update([None, *values[1:]], state)
    assert updates[0] is None
    assert after.trace[0] is state.trace[0]


def test_an_update_records_no_gradients():
    params = parameters()
    decay = optim.chain(optim.add_decayed_weights(0.1), optim.trace(0.9))
    updates, (_, state) = decay.update(tensors(), decay.init(params), params)
    assert not any(x.requires_grad for x in [*updates, *state.trace])
    assert optim.apply_updates(params, updates) is params


def test_a_small_gradient_is_not_shortened_as_pytorch_shortens_it():
    (p,) = parameters([torch.zeros(2, dtype=torch.float64)])
    p.grad = torch.tensor([0.6, 0.8], dtype=torch.float64)
    clipping = optim.clip_by_global_norm(1.0)
    assert torch.equal(clipping.update([p.grad], EmptyState())[0][0], p.grad)
    torch.nn.utils.clip_grad_norm_([p], 1.0)
    assert p.grad.norm() < 1 - 5e-7


def test_the_norm_of_tensors_of_two_dtypes():
    norm = optim.global_norm([torch.tensor([3.0]), None, torch.tensor([4.0], dtype=torch.float64)])
    assert norm == 5.0
