"""On the lecture's five points NumPy, `jaxnn`, PyTorch and Optax agree at every step."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch

from jaxnn import optim
from torch_port import numpy_optim
from torch_port import optim as torch_optim

START = np.random.default_rng(1).normal(size=2)
ORDERS = numpy_optim.draw_orders(epochs=100, seed=2)


def numpy_path(program, batch_size, factor):
    return [*program(START, ORDERS, batch_size=batch_size, factor=factor)]


def jax_path(transformation, batch_size, factor):
    """Of `jaxnn` and Optax, with the gradient that JAX derives."""

    @jax.jit
    def step(w, state, x, y):
        grad = jax.grad(lambda w: factor / 2 * jnp.mean((x @ w - y) ** 2))(w)
        updates, state = transformation.update(grad, state, w)
        return w + updates, state

    w = jnp.asarray(START)
    state, path = transformation.init(w), []
    for x, y in numpy_optim.batches(ORDERS, batch_size):
        w, state = step(w, state, x, y)
        path.append(np.asarray(w))
    return path


def torch_path(make_optimizer, batch_size, factor):
    """Of PyTorch, with the gradient that autograd derives."""
    w, path = torch.nn.Parameter(torch.tensor(START)), []
    optimizer = make_optimizer([w])
    for x, y in numpy_optim.batches(ORDERS, batch_size):
        optimizer.zero_grad()
        (factor / 2 * torch.mean((torch.tensor(x) @ w - torch.tensor(y)) ** 2)).backward()
        optimizer.step()
        path.append(w.detach().numpy().copy())
    return path


def rmsprop_outside(w, orders, **settings):
    return numpy_optim.rmsprop(w, orders, eps_in_sqrt=False, **settings)


PROGRAMS = {
    "SGD": (
        numpy_optim.sgd,
        optim.sgd(0.01),
        optax.sgd(0.01),
        lambda params: torch.optim.SGD(params, lr=0.01),
    ),
    "RMSProp, ε in the root": (
        numpy_optim.rmsprop,
        optim.rmsprop(0.01),
        optax.rmsprop(0.01),
        lambda params: torch_optim.RMSprop(params, 0.01),  # torch.optim's has ε outside
    ),
    "RMSProp, ε outside": (
        rmsprop_outside,
        optim.rmsprop(0.01, eps_in_sqrt=False),
        optax.rmsprop(0.01, eps_in_sqrt=False),
        lambda params: torch.optim.RMSprop(params, lr=0.01, alpha=0.9),
    ),
    "Adam": (
        numpy_optim.adam,
        optim.adam(0.01),
        optax.adam(0.01),
        lambda params: torch.optim.Adam(params, lr=0.01),
    ),
}
each_program = pytest.mark.parametrize("programs", PROGRAMS.values(), ids=PROGRAMS.keys())


@each_program
@pytest.mark.parametrize("batch_size", [5, 2])  # the lecture's for RMSProp and Adam, and for SGD
@pytest.mark.parametrize("factor", [2.0, 1.0, 2e-6])  # right, as printed, and where ε shows
def test_the_four_agree_at_every_step_of_a_hundred_epochs(programs, batch_size, factor):
    program, ours, optax_, make_optimizer = programs
    expected = numpy_path(program, batch_size, factor)
    assert len(expected) == 100 * (1 if batch_size == 5 else 3)
    others = {
        "jaxnn": jax_path(ours, batch_size, factor),
        "PyTorch": torch_path(make_optimizer, batch_size, factor),
    }
    with jax.numpy_dtype_promotion("standard"):  # Optax raises β to the power of an integer
        others["Optax"] = jax_path(optax_, batch_size, factor)
    for name, path in others.items():
        for step, (w, witness) in enumerate(zip(path, expected, strict=True)):
            travelled = np.abs(witness - START).max()
            rounding = 4 * np.finfo(float).eps * np.abs(START).max()
            assert np.abs(w - witness).max() <= 1e-10 * travelled + rounding, f"{name}, {step}"


def last(program, **settings):
    *_, w = program(START, ORDERS, **settings)
    return w


def test_half_a_gradient_is_half_a_learning_rate():
    halved = last(numpy_optim.sgd, factor=1.0)
    np.testing.assert_allclose(halved, last(numpy_optim.sgd, learning_rate=0.005), rtol=1e-12)
    assert np.abs(halved - last(numpy_optim.sgd)).max() > 0.1


def test_the_place_of_eps_shows_where_gradients_are_small():
    def apart(factor):
        inside = last(numpy_optim.rmsprop, factor=factor)
        return np.abs(inside - last(rmsprop_outside, factor=factor)).max()

    assert apart(2.0) < 1e-6
    assert apart(2e-6) > 0.1


def test_the_factor_two_is_the_gradient_of_the_loss_that_is_printed():
    x, y = numpy_optim.POINTS, numpy_optim.TARGETS
    expected = jax.grad(lambda w: jnp.mean((x @ w - y) ** 2))(jnp.asarray(START))
    np.testing.assert_allclose(numpy_optim.gradient(START, x, y), expected, rtol=1e-14)


def test_main_prints_a_row_for_each_program(capsys):
    numpy_optim.main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0].split()[0] for line in lines[1:]] == [
        "SGD",
        *2 * ["RMSProp"],
        "Adam",
    ]
