"""Models of `jaxnn` and of Flax run on the same numbers: outputs, gradients, running statistics.

Flax runs under JAX's standard promotion of dtypes: in float64 its normalisations mix it with
float32, which strict promotion refuses. All that is compared must have equal dtypes.
"""

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxnn import layers
from jaxnn.interop import from_linen, from_nnx
from jaxnn.interop.linen import Serial

KEY = jax.random.key(0)
LEARNING_RATE = 0.01


class Step(NamedTuple):
    """What a step of training computes, in the layout of `jaxnn`."""

    outputs: Any
    gradients: Any
    state: Any


def objective(outputs):
    """A sum with weights of both signs, so that every output has a gradient of its own."""
    return jnp.sum(
        outputs * jnp.cos(jnp.arange(outputs.size, dtype=outputs.dtype)).reshape(outputs.shape)
    )


def with_gradients(run, params, x):
    """The outputs and what comes with them, and the gradients of parameters and of real inputs."""
    inputs = (params, x) if jnp.issubdtype(x.dtype, jnp.floating) else (params,)

    def loss(inputs):
        outputs, rest = run(inputs[0], inputs[1] if len(inputs) == 2 else x)
        return objective(outputs), (outputs, rest)

    gradients, (outputs, rest) = jax.grad(loss, has_aux=True)(inputs)
    return outputs, rest, gradients


def descend(params, gradients):
    return jax.tree.map(lambda p, g: p - jnp.asarray(LEARNING_RATE, p.dtype) * g, params, gradients)


class JaxnnSide:
    """A `jaxnn` model in training."""

    def __init__(self, model, params, state):
        self.model, self.params, self.state = model, params, state

        @jax.jit
        def run(params, state, x, masks):
            masked = given_masks(model, masks)
            apply = lambda params, x: masked.apply(params, state, x, key=KEY, train=True)
            return with_gradients(apply, params, x)

        self.run = run

    def step(self, x, masks):
        outputs, self.state, gradients = self.run(self.params, self.state, x, masks)
        self.params = descend(self.params, gradients[0])
        return Step(outputs, gradients, self.state)

    def evaluate(self, x):
        return jax.jit(self.model.apply)(self.params, self.state, x)[0]


class LinenSide:
    """A linen module in training, called with `train` or made for it by `make(train)`."""

    def __init__(self, make, variables, key):
        self.make, self.variables, self.key = make, variables, key

        @jax.jit
        def run(variables, x, key):
            def apply(params, x):
                return self.apply(
                    {**variables, "params": params},
                    x,
                    train=True,
                    mutable=["batch_stats", "intermediates"],
                    rngs={"dropout": key},
                    capture_intermediates=lambda module, _: isinstance(module, nn.Dropout),
                )

            return with_gradients(apply, variables["params"], x)

        self.run = run

    def apply(self, variables, x, train, **kwargs):
        module = self.make(train)
        called = {"train": train} if isinstance(module, Serial) else {}
        return module.apply(variables, x, **called, **kwargs)

    def step(self, x):
        self.key, key = jax.random.split(self.key)
        with jax.numpy_dtype_promotion("standard"):
            outputs, collections, gradients = self.run(self.variables, x, key)
        statistics = {"batch_stats": collections.get("batch_stats", {})}
        read = from_linen(self.make(True), {"params": gradients[0], **statistics})
        params = descend(self.variables["params"], gradients[0])
        self.variables = {"params": params, **statistics}
        masks = linen_masks(collections.get("intermediates", {}))
        return Step(outputs, (read[1], *gradients[1:]), read[2]), masks

    def evaluate(self, x):
        with jax.numpy_dtype_promotion("standard"):
            return jax.jit(partial(self.apply, train=False))(self.variables, x)


class NnxSide:
    """An nnx module in training."""

    def __init__(self, module):
        self.module = module

        @nnx.jit
        def run(module, x):
            def loss(module, x):
                outputs = module(x)
                return objective(outputs), outputs

            argnums = (0, 1) if jnp.issubdtype(x.dtype, jnp.floating) else (0,)
            return nnx.grad(loss, argnums=argnums, has_aux=True)(module, x)

        self.run = run

    def step(self, x):
        masks = nnx_masks(self.module, x)
        self.module.train()
        with jax.numpy_dtype_promotion("standard"):
            gradients, outputs = self.run(self.module, x)
        graph, params, others = nnx.split(self.module, nnx.Param, ...)
        read = from_nnx(nnx.merge(graph, gradients[0], others))
        self.module = nnx.merge(graph, descend(params, gradients[0]), others)
        return Step(outputs, (read[1], *gradients[1:]), read[2]), masks

    def evaluate(self, x):
        self.module.eval()
        with jax.numpy_dtype_promotion("standard"):
            return nnx.jit(self.module)(x)


def given_masks(model, masks):
    """The model with given masks, by path, in the place of those that its dropout would draw."""

    def give(path, leaf):
        if leaf.name != "dropout":
            return leaf
        rate, mask = leaf.settings["rate"], masks[path]
        apply = lambda params, state, x, **_: (layers.apply_mask(x, mask, rate), state)
        return replace(leaf, apply=apply)

    return layers.map_layers(give, model)


def linen_masks(intermediates, path=""):
    """The masks that a linen module drew: what its dropouts gave, of values that are never 0."""
    masks = {}
    for name, inner in intermediates.items():
        if name == "__call__":
            masks[f"{path}dropout"] = inner[0] != 0
        else:
            masks |= linen_masks(inner, f"{path}{name.removeprefix('layers_')}/")
    return masks


def nnx_masks(module, x):
    """The masks that an nnx module is about to draw: what copies of its dropouts make of ones."""
    model, params, state = from_nnx(module)
    outputs = jax.eval_shape(partial(layers.intermediates, model), params, state, x)
    masks = {}
    for path, inner in nnx.iter_modules(module):
        if isinstance(inner, nnx.Dropout):
            place = "/".join([str(i) for i in path if i != "layers"] + ["dropout"])
            masks[place] = (
                nnx.clone(inner)(jnp.ones(outputs[place].shape, outputs[place].dtype)) != 0
            )
    return masks


def largest_error(actual, expected):
    """The largest difference relative to the largest value, of two trees of the same structure."""
    shapes = lambda tree: jax.tree.map(lambda x: (x.shape, x.dtype), tree)
    assert shapes(actual) == shapes(expected)
    pairs = zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True)
    pairs = [(np.float64(a), np.float64(e)) for a, e in pairs]
    largest = max((np.abs(e).max() for _, e in pairs), default=1)
    return max((np.abs(a - e).max() / largest for a, e in pairs), default=0)
