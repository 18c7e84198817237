"""Every optimiser is a pure function of trees that survives jit, vmap, scan, grad and sharding."""

import subprocess
import sys
import textwrap

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnn import optim

# All that is a number here is traced in some test; it comes first as Python's own.
NUMBERS = {
    "sgd": {"learning_rate": 0.1, "momentum": 0.9},
    "rmsprop": {"learning_rate": 0.1, "decay": 0.8, "eps": 1e-3, "initial_scale": 0.5},
    "adagrad": {"learning_rate": 0.1, "initial_accumulator_value": 0.2, "eps": 1e-3},
    "adam": {"learning_rate": 0.1, "b1": 0.8, "b2": 0.99, "eps": 1e-3, "eps_root": 1e-4},
    "adamw": {"learning_rate": 0.1, "b1": 0.8, "b2": 0.99, "weight_decay": 0.1},
    "nadam": {"learning_rate": 0.1, "b1": 0.8, "b2": 0.99, "eps": 1e-3},
    "amsgrad": {"learning_rate": 0.1, "b1": 0.8, "b2": 0.99, "eps_root": 1e-4},
    "clip": {"max_delta": 0.5},
    "clip_by_global_norm": {"max_norm": 0.5},
    "scale_by_stddev": {"decay": 0.8, "eps": 1e-2},
}
CASES = {name: (getattr(optim, name), numbers) for name, numbers in NUMBERS.items()} | {
    "rmsprop, all options": (
        lambda **n: optim.rmsprop(**n, centered=True, nesterov=True, bias_correction=True),
        {"learning_rate": 0.1, "eps": 0.1, "momentum": 0.5},
    ),
    "all in a chain": (
        lambda rate: optim.chain(
            optim.clip_by_global_norm(1.0),
            optim.masked(optim.add_decayed_weights(0.1), {"kernel": True, "bias": [False]}),
            optim.trace(0.5),
            optim.adam(optim.warmup_cosine_decay_schedule(0.0, rate, 2, 5)),
        ),
        {"rate": 0.1},
    ),
}
cases = pytest.mark.parametrize(("make", "numbers"), CASES.values(), ids=CASES.keys())


def tree(seed: int, *leading: int, dtype=jnp.float64):
    keys = jax.random.split(jax.random.key(seed))
    normal = lambda key, *shape: jax.random.normal(key, leading + shape, dtype)
    return {"kernel": normal(keys[0], 4, 2), "bias": [normal(keys[1], 2)]}


def run(optimizer, params, grads):
    """The updates of one step after another."""

    def step(carry, grads):
        params, state = carry
        updates, state = optimizer.update(grads, state, params)
        return (optim.apply_updates(params, updates), state), updates

    return jax.lax.scan(step, (params, optimizer.init(params)), grads)[1]


def assert_close(a, b, rtol=1e-12):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_allclose(x, y, rtol=rtol, atol=rtol * np.abs(y).max())


@cases
def test_a_compiled_step_is_traced_once_and_does_what_the_plain_one_does(make, numbers):
    optimizer, params, traces = make(**numbers), tree(0), []

    @jax.jit
    def step(grads, state, params):
        traces.append(1)
        return optimizer.update(grads, state, params)

    state = compiled_state = optimizer.init(params)
    for seed in range(4):
        grads = tree(10 + seed)
        updates, state = optimizer.update(grads, state, params)
        compiled_updates, compiled_state = step(grads, compiled_state, params)
        assert_close(compiled_updates, updates)
        params = optim.apply_updates(params, updates)
    assert len(traces) == 1


@cases
@pytest.mark.parametrize(("tracing", "dtype"), [("jit", jnp.float64), ("vmap", jnp.float32)])
def test_every_number_may_be_traced(make, numbers, tracing, dtype):
    params, grads = tree(0, dtype=dtype), tree(1, 5, dtype=dtype)
    train = lambda numbers: run(make(**numbers), params, grads)
    expected = train(numbers)
    arrays = {name: jnp.float64(number) for name, number in numbers.items()}
    if tracing == "jit":
        updates = jax.jit(train)(arrays)
    else:
        batched = {name: jnp.stack([0.5 * a, a]) for name, a in arrays.items()}
        updates = jax.tree.map(lambda u: u[1], jax.vmap(train)(batched))
    # A traced 1 − β is the difference of rounded numbers.
    assert_close(updates, expected, rtol=1e-11 if dtype == jnp.float64 else 1e-4)


@cases
def test_many_models_at_once_are_each_what_they_are_alone(make, numbers):
    params, grads = tree(0, 3), tree(1, 3, 5)
    together = jax.vmap(lambda p, g: run(make(**numbers), p, g))(params, grads)
    for i in range(3):
        one = lambda t, i=i: jax.tree.map(lambda x: x[i], t)
        assert_close(one(together), run(make(**numbers), one(params), one(grads)))


@cases
def test_derivatives_with_respect_to_every_number_and_gradient(make, numbers):
    params, grads = tree(0), tree(1, 3)
    total = lambda numbers, grads: sum(
        jnp.sum(jnp.sin(u)) for u in jax.tree.leaves(run(make(**numbers), params, grads))
    )
    numbers = {name: jnp.float64(number) for name, number in numbers.items()}
    slopes = jax.grad(total, argnums=(0, 1))(numbers, grads)
    direction = jax.tree.map(lambda x: jnp.cos(x + 1), (numbers, grads))
    along = lambda h: total(*jax.tree.map(lambda x, d: x + h * d, (numbers, grads), direction))
    products = jax.tree.map(lambda s, d: jnp.sum(s * d), slopes, direction)
    expected = (along(1e-6) - along(-1e-6)) / 2e-6
    np.testing.assert_allclose(sum(jax.tree.leaves(products)), expected, rtol=1e-6)


def test_eps_root_keeps_derivatives_finite_where_the_gradient_is_zero():
    zero = jnp.zeros(2)
    first = lambda g, opt: jnp.sum(opt.update(g, opt.init(zero))[0])
    slope = lambda opt: jax.grad(first)(zero, opt)
    assert jnp.isfinite(slope(optim.adam(0.1, eps_root=1e-8))).all()
    assert not jnp.isfinite(slope(optim.adam(0.1))).any()


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        (name, dtype)
        for name in CASES
        for dtype in ("float16", "bfloat16", "float32", "float64", "complex64")
        if (name, dtype) != ("clip", "complex64")  # they have no order to be clipped by
    ],
)
def test_dtypes_stay(name, dtype):
    make, numbers = CASES[name]
    optimizer, params = make(**numbers), tree(0, dtype=dtype)
    state = optimizer.init(params)
    updates, new_state = optimizer.update(tree(1, dtype=dtype), state, params)
    described = lambda t: jax.tree.map(lambda x: (x.shape, x.dtype), t)
    assert described(updates) == described(params)
    assert described(new_state) == described(state)
    assert described(optim.apply_updates(params, updates)) == described(params)


def test_a_complex_number_is_two_reals_to_sgd_and_one_to_adam():
    z, g = jnp.complex64(1 + 2j), jnp.complex64(3 - 4j)
    updates = lambda optimizer: complex(optimizer.update(g, optimizer.init(z))[0])
    np.testing.assert_allclose(updates(optim.sgd(0.5, 0.9)), -0.5 * (3 - 4j))
    np.testing.assert_allclose(updates(optim.adam(1.0)), -(3 - 4j) / 5, rtol=1e-6)


@pytest.mark.parametrize("name", NUMBERS)
def test_none_stays_none(name):
    full, pruned = tree(0), {"kernel": tree(0)["kernel"], "bias": [None]}
    optimizer = getattr(optim, name)(**NUMBERS[name])
    updates, _ = optimizer.update(pruned, optimizer.init(pruned), pruned)
    assert updates["bias"] == [None]
    assert optim.apply_updates(pruned, updates)["bias"] == [None]
    partly, _ = optimizer.update(pruned, optimizer.init(full), full)
    assert_close(partly, updates)


def test_the_count_stays_at_the_largest_integer():
    optimizer = optim.adam(0.1)
    (adam, _), last = optimizer.init(jnp.zeros(1)), jnp.int32(2**31 - 1)
    updates, state = optimizer.update(
        jnp.ones(1), (adam._replace(count=last), optim.identity().init(None))
    )
    assert state[0].count == last
    assert jnp.isfinite(updates).all()


SHARDED = """
    import jax, jax.numpy as jnp, numpy as np
    from jax.sharding import NamedSharding, PartitionSpec as P
    from jaxnn import optim

    jax.config.update("jax_num_cpu_devices", 2)
    mesh = jax.make_mesh((2,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    split = NamedSharding(mesh, P("data"))
    params = jax.device_put({"kernel": jnp.ones((4, 3)), "bias": jnp.ones(2)}, split)
    grads = jax.tree.map(jnp.cos, params)
    for name in ("sgd", "rmsprop", "adagrad", "adam", "adamw", "nadam", "amsgrad"):
        options = {"momentum": 0.9} if name in ("sgd", "rmsprop") else {}
        optimizer = getattr(optim, name)(0.1, **options)
        state = optimizer.init(params)
        update = jax.jit(optimizer.update).lower(grads, state, params).compile()
        updates, new_state = update(grads, state, params)
        alone, _ = optimizer.update(*jax.device_get((grads, state, params)))
        for x in jax.tree.leaves((state, updates, new_state)):
            assert x.ndim == 0 or x.sharding.is_equivalent_to(split, x.ndim), (name, x.sharding)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), updates, alone)
        assert "all-" not in update.as_text(), f"{name}: the devices talk to each other"
    print("sharded")
"""


def test_state_and_updates_are_sharded_as_the_parameters_and_no_device_asks_another():
    program = [sys.executable, "-c", textwrap.dedent(SHARDED)]
    finished = subprocess.run(program, capture_output=True, text=True)
    assert finished.stdout == "sharded\n", finished.stderr


def test_numpys_numbers_count_as_pythons():
    """Rounded to float32 first, 1 − 0.999 would be wrong in the fifth digit."""
    params, grads = tree(0, dtype=jnp.float32), tree(1, 5, dtype=jnp.float32)
    theirs = {name: np.float64(number) for name, number in NUMBERS["adamw"].items()}
    ours, expected = (run(optim.adamw(**n), params, grads) for n in (theirs, NUMBERS["adamw"]))
    jax.tree.map(np.testing.assert_array_equal, ours, expected)
