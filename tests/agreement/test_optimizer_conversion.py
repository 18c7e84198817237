"""`convert.optimizer`: every configuration of PyTorch's own database, step by step in float64."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from jaxnn import optim
from torch_port import optim as torch_optim
from torch_port.convert.optimizer_states import load_optimizer_state, optimizer_state
from torch_port.convert.optimizers import optimizer

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of PyTorch's test machinery
    from torch.testing._internal.common_optimizers import OptimizerErrorEnum, optim_db

SUPPORTED = {"SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam"}
DATABASE = [
    (info.optim_cls, inputs.kwargs, inputs.desc)
    for info in optim_db
    if info.optim_cls.__name__ in SUPPORTED
    for inputs in info.optim_inputs_func(device="cpu")
]

TENTH = torch.tensor(0.1, dtype=torch.float64)
MORE = [
    (torch.optim.SGD, {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1}, "dampening, decay"),
    (torch.optim.RMSprop, {"alpha": 0.5, "momentum": 0.9, "eps": 1e-3}, "settings"),
    (torch.optim.Adam, {"betas": (0.5, 0.9), "eps": 1e-3}, "settings"),
    (torch.optim.Adam, {"lr": TENTH, "betas": (TENTH, 9 * TENTH)}, "tensors"),
    (torch.optim.Adam, {"weight_decay": 0.1, "decoupled_weight_decay": True}, "decoupled"),
    (torch.optim.Adam, {"fused": True}, "fused"),
    (torch.optim.AdamW, {"lr": TENTH}, "tensor"),
    (torch.optim.AdamW, {"amsgrad": True, "foreach": True}, "foreach"),
    (torch.optim.Adagrad, {"eps": 1e-3, "fused": True, "lr_decay": 0.1}, "fused"),
    (torch.optim.NAdam, {"betas": (0.5, 0.9), "eps": 1e-3, "momentum_decay": 0.5}, "settings"),
    (torch.optim.NAdam, {"foreach": True}, "foreach"),
    (torch_optim.SGD, {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}, "ours"),
    (torch_optim.RMSprop, {"learning_rate": 0.1, "momentum": 0.9, "eps": 1e-3}, "ours"),
    (torch_optim.RMSprop, {"learning_rate": 0.1, "centered": True, "eps": 1e-3}, "ours, centred"),
    (torch_optim.RMSprop, {"learning_rate": 0.1, "bias_correction": True}, "ours, corrected"),
    (torch_optim.Adagrad, {"learning_rate": 0.1}, "ours"),
    (torch_optim.Adam, {"learning_rate": 0.1}, "ours"),
    (torch_optim.AdamW, {"learning_rate": 0.1}, "ours"),
    (torch_optim.AMSGrad, {"learning_rate": 0.1}, "ours"),
    (torch_optim.NAdam, {"learning_rate": 0.1}, "ours"),
    (torch_optim.NAdam, {"learning_rate": 0.1, "mu_dtype": torch.bfloat16}, "ours, half"),
]
"""What the database does not try."""

CONFIGURATIONS = [
    pytest.param(kind, settings, id=f"{kind.__name__}, {words}")
    for kind, settings, words in DATABASE + MORE
]
each_configuration = pytest.mark.parametrize(("kind", "settings"), CONFIGURATIONS)
each_scale = pytest.mark.parametrize("scale", [1.0, 1e-3, 1e-6, 0.0])

SHAPES = [(3, 5), (5,), (), (1, 1)]
STEPS = 12


class Both:
    """A torch optimiser and the transformation that it is converted to, on the same gradients."""

    def __init__(self, kind, settings, scale=1.0):
        self.rng, self.scale = np.random.default_rng(0), scale
        self.start = [self.rng.normal(size=shape) for shape in SHAPES]
        self.tensors = [torch.nn.Parameter(torch.tensor(p)) for p in self.start]
        self.arrays = [jnp.asarray(p) for p in self.start]
        self.torch_optimizer = kind(self.tensors, **settings)
        self.transformation = optimizer(self.torch_optimizer)
        self.state = self.transformation.init(self.arrays)

    def gradients(self):
        """New ones at each step, of different sizes."""
        return [self.scale * self.rng.normal(size=shape) for shape in SHAPES]

    def step_torch(self, grads):
        for tensor, g in zip(self.tensors, grads, strict=True):
            tensor.grad = torch.tensor(g)
        self.torch_optimizer.step()

    def step_ours(self, grads):
        grads = [jnp.asarray(g) for g in grads]
        updates, self.state = self.transformation.update(grads, self.state, self.arrays)
        self.arrays = optim.apply_updates(self.arrays, updates)

    def assert_agree(self, where):
        for ours, tensor, start in zip(self.arrays, self.tensors, self.start, strict=True):
            close(ours - start, tensor.detach().numpy() - start, where, np.abs(start).max())
        converted = optimizer_state(self.torch_optimizer, self.arrays)
        assert jax.tree.structure(converted) == jax.tree.structure(self.state)
        pairs = zip(jax.tree.leaves(self.state), jax.tree.leaves(converted), strict=True)
        for ours, theirs in pairs:
            assert ours.dtype == theirs.dtype
            close(ours, theirs, f"{where}: state")


def close(ours, theirs, where, values=0.0):
    """To 1e-10 of the distance, beside the rounding of the values that were subtracted for it."""
    ours, theirs = np.asarray(ours, float), np.asarray(theirs, float)
    allowed = 1e-10 * np.abs(theirs).max() + 4 * np.finfo(float).eps * values
    assert np.abs(ours - theirs).max() <= allowed, where


@each_configuration
@each_scale
def test_the_transformation_takes_the_steps_of_the_optimiser(kind, settings, scale):
    both = Both(kind, settings, scale)
    both.assert_agree("before the first step")
    for step in range(STEPS):
        grads = both.gradients()
        both.step_torch(grads)
        both.step_ours(grads)
        both.assert_agree(f"step {step}")


@each_configuration
def test_a_training_begun_in_pytorch_goes_on_in_jaxnn(kind, settings):
    both = Both(kind, settings)
    for step in range(STEPS):
        grads = both.gradients()
        if step == 6:
            both.arrays = [jnp.array(tensor.detach().numpy()) for tensor in both.tensors]
            both.state = optimizer_state(both.torch_optimizer, both.arrays)
        both.step_torch(grads)
        if step >= 6:
            both.step_ours(grads)
            both.assert_agree(f"step {step}")


@each_configuration
@pytest.mark.parametrize("handover", [0, 6])
def test_a_training_begun_in_jaxnn_goes_on_in_pytorch(kind, settings, handover):
    both = Both(kind, settings)
    for step in range(STEPS):
        grads = both.gradients()
        if step == handover:
            for tensor, array in zip(both.tensors, both.arrays, strict=True):
                tensor.data = torch.tensor(np.asarray(array))
            load_optimizer_state(both.torch_optimizer, both.state)
        both.step_ours(grads)
        if step >= handover:
            both.step_torch(grads)
            both.assert_agree(f"step {step}")


@each_configuration
def test_a_state_comes_back_as_it_was(kind, settings):
    """Also PyTorch's own, in which a later `state_dict` is the same."""
    both = Both(kind, settings)
    for _ in range(3):
        both.step_torch(both.gradients())
    before = both.torch_optimizer.state_dict()["state"]
    load_optimizer_state(both.torch_optimizer, optimizer_state(both.torch_optimizer, both.arrays))
    after = both.torch_optimizer.state_dict()["state"]
    torch.testing.assert_close(after, before, rtol=0, atol=0)


@each_configuration
def test_a_second_step_traces_nothing(kind, settings):
    both, traces = Both(kind, settings), []

    @jax.jit
    def step(grads, state, params):
        traces.append(1)
        return both.transformation.update(grads, state, params)

    for _ in range(3):
        grads = [jnp.asarray(g) for g in both.gradients()]
        _, both.state = step(grads, both.state, both.arrays)
    assert len(traces) == 1


def test_the_momenta_of_nadam_have_the_dtype_that_pytorch_gives_them():
    """Its default dtype, whatever the parameters' is."""
    for dtype in (torch.float32, torch.float64):
        torch.set_default_dtype(dtype)
        try:
            both = Both(torch.optim.NAdam, {})
            for step in range(STEPS):
                grads = both.gradients()
                both.step_torch(grads)
                both.step_ours(grads)
                both.assert_agree(f"step {step}")
        finally:
            torch.set_default_dtype(torch.float32)
        assert both.state[0].mu_product.dtype == str(dtype).removeprefix("torch.")


OTHERS = [info.optim_cls for info in optim_db if info.optim_cls.__name__ not in SUPPORTED]


@pytest.mark.parametrize("kind", OTHERS, ids=lambda kind: kind.__name__)
def test_what_has_no_equal_is_refused_by_name(kind):
    torch_optimizer = kind([torch.nn.Parameter(torch.zeros(2, 2))], lr=0.1)
    with pytest.raises(ValueError, match=f"optimizer: {kind.__name__} cannot.*SGD.*NAdam"):
        optimizer(torch_optimizer)


def test_the_database_holds_every_optimiser_that_is_supported():
    assert {info.optim_cls.__name__ for info in optim_db} >= SUPPORTED
    assert len(OTHERS) >= 8


ERRORS = [
    pytest.param(info.optim_cls, error, id=f"{info.optim_cls.__name__}, {error.error_regex}")
    for info in optim_db
    if info.optim_cls.__name__ in SUPPORTED
    for error in info.optim_error_inputs_func(device="cpu", dtype=torch.float64)
    if error.error_on is OptimizerErrorEnum.CONSTRUCTION_ERROR and error.error_type is ValueError
]


@pytest.mark.parametrize(("kind", "error"), ERRORS)
def test_what_pytorch_refuses_never_comes_to_a_conversion(kind, error):
    inputs = error.optimizer_error_input
    with pytest.raises(ValueError, match=error.error_regex):
        optimizer(kind(inputs.params, **inputs.kwargs))


def two_groups(**of_second):
    first, second = (torch.nn.Parameter(torch.ones(2)) for _ in range(2))
    return torch.optim.SGD([{"params": [first]}, {"params": [second], **of_second}], lr=0.1)


def test_groups_with_the_same_settings_are_one_list_of_parameters():
    torch_optimizer = two_groups(foreach=True)
    state = optimizer(torch_optimizer).init([jnp.ones(2), jnp.ones(2)])
    assert jax.tree.structure(state) == jax.tree.structure(
        optimizer_state(torch_optimizer, [jnp.ones(2), jnp.ones(2)])
    )


def test_groups_with_different_settings_are_refused():
    with pytest.raises(ValueError, match=r"groups differ in 'lr': \[0.1, 0.2\].*optax.partition"):
        optimizer(two_groups(lr=0.2))


class Careful(torch.optim.SGD):
    """Subclass that leaves the step as it is."""


class Bold(torch.optim.SGD):
    """Subclass with a step of its own."""

    def step(self, closure=None):
        return super().step(closure)


def test_a_subclass_counts_as_its_base_unless_it_steps_otherwise():
    params = [torch.nn.Parameter(torch.ones(2))]
    assert optimizer(Careful(params, lr=0.1)).init([jnp.ones(2)]) == ((),)
    with pytest.raises(ValueError, match="Bold cannot be converted"):
        optimizer(Bold(params, lr=0.1))


def test_a_scheduler_changes_the_settings_of_now():
    torch_optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(2))], lr=0.1)
    torch.optim.lr_scheduler.LambdaLR(torch_optimizer, lambda step: 0.5)
    transformation = optimizer(torch_optimizer)
    updates, _ = transformation.update([jnp.ones(2)], transformation.init([jnp.ones(2)]))
    np.testing.assert_allclose(updates[0], -0.05, rtol=1e-15)


def test_complex_parameters_are_refused():
    params = [torch.nn.Parameter(torch.ones(2, dtype=torch.complex128))]
    with pytest.raises(ValueError, match="complex"):
        optimizer(torch.optim.Adam(params))


def test_parameters_that_were_not_always_trained_are_refused():
    """PyTorch counts the steps of each; a transformation, those of all."""
    used, unused = (torch.nn.Parameter(torch.ones(2)) for _ in range(2))
    torch_optimizer = torch.optim.Adam([used, unused])
    used.grad = torch.ones(2)
    torch_optimizer.step()
    with pytest.raises(ValueError, match=r"the same count .* \[1, 0\]"):
        optimizer_state(torch_optimizer, [jnp.ones(2), jnp.ones(2)])


def test_states_of_another_shape_or_kind_are_refused():
    params = [torch.nn.Parameter(torch.ones(2))]
    adam, sgd = torch.optim.Adam(params), torch.optim.SGD(params, momentum=0.9)
    state = optimizer_state(adam, [jnp.ones(2)])
    with pytest.raises(ValueError, match="params of shapes"):
        optimizer_state(adam, [jnp.ones(3)])
    with pytest.raises(ValueError, match="a state of shapes"):
        load_optimizer_state(sgd, state)
    with pytest.raises(ValueError, match="a state of shapes"):
        load_optimizer_state(adam, optimizer(adam).init([jnp.ones(3)]))


def test_a_converted_state_is_not_changed_by_later_steps():
    both = Both(torch.optim.Adam, {})
    both.step_torch(both.gradients())
    state = optimizer_state(both.torch_optimizer, both.arrays)
    before = jax.tree.map(np.array, state)
    both.step_torch(both.gradients())
    jax.tree.map(np.testing.assert_array_equal, state, before)
