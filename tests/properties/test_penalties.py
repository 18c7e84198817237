"""Penalties on any tree: homogeneous, blind to signs and to other names, with the right slopes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxnn import losses
from jaxnn.penalties import mask_by_name
from tests.properties.draws import reals, some

trees = st.builds(
    lambda kernel, bias, other: (
        {"kernel": jnp.asarray(kernel), "bias": jnp.asarray(bias)},
        {},
        {"kernel": jnp.asarray(other)},
    ),
    reals(2, 3),
    reals(3),
    reals(3),
)


def kernels(params):
    return np.concatenate([np.ravel(params[0]["kernel"]), params[2]["kernel"]])


@pytest.mark.parametrize(("penalty", "power"), [(losses.l1, 1), (losses.l2, 2)])
@some
@given(params=trees, factor=st.sampled_from([-2.0, 0.0, 0.5, 4.0]))
def test_a_penalty_is_a_sum_of_powers_of_the_kernels_alone(penalty, power, params, factor):
    value = float(penalty(params))
    assert value == pytest.approx(np.sum(np.abs(kernels(params)) ** power), rel=1e-13)
    scaled = jax.tree.map(lambda leaf: factor * leaf, params)
    assert float(penalty(scaled)) == pytest.approx(abs(factor) ** power * value, rel=1e-13)
    slopes = jax.grad(penalty)(params)
    np.testing.assert_array_equal(slopes[0]["bias"], np.zeros(3))
    expected = np.sign(kernels(params)) if power == 1 else 2 * kernels(params)
    np.testing.assert_array_equal(kernels(slopes), expected)


@some
@given(params=trees, names=st.sets(st.sampled_from(["kernel", "bias", "scale"])))
def test_a_mask_has_the_structure_of_the_tree_and_is_true_at_the_names(params, names):
    mask = mask_by_name(params, tuple(names))
    assert jax.tree.structure(mask) == jax.tree.structure(params)
    found = {path[-1].key for path, is_named in jax.tree.leaves_with_path(mask) if is_named}
    assert found == names & {"kernel", "bias"}
