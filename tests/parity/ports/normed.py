"""Layer norm, and standardisation by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import torch
from flax import nnx
from torch import nn
from torch.nn import functional

from tests.parity.ports.functions import exact_gelu
from tests.parity.ports.port import Mutant, Pair, Port, constants, wrong
from tests.parity.right_pairs import lively, normal


class ResidualNet(nn.Module):
    """Pre-norm residual blocks over tokens."""

    def __init__(self, depth=2):
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(6) for _ in range(depth))
        self.mixes = nn.ModuleList(nn.Linear(6, 6) for _ in range(depth))

    def forward(self, x):
        for norm, mix in zip(self.norms, self.mixes, strict=True):
            x = x + functional.gelu(mix(norm(x)))
        return x


class NnxResidualNet(nnx.Module):
    def __init__(self, epsilons, axes, use_bias, use_scale, activation, rngs):
        norm = lambda epsilon, axes, bias, scale: nnx.LayerNorm(
            6, epsilon=epsilon, reduction_axes=axes, use_bias=bias, use_scale=scale, rngs=rngs
        )
        norms = map(norm, epsilons, axes, use_bias, use_scale)
        self.norms = nnx.List([*norms])
        self.mixes = nnx.List([nnx.Linear(6, 6, rngs=rngs) for _ in epsilons])
        self.activation = activation

    def __call__(self, x):
        for norm, mix in zip(self.norms, self.mixes, strict=True):
            x = x + self.activation(mix(norm(x)))
        return x


def layer_norm_residuals_in_nnx(
    *, seed=0, scale=1.0, epsilons=(1e-5, 1e-5), axes=(-1, -1), use_bias=(True, True),
    use_scale=(True, True), activation=exact_gelu,
) -> Pair:  # fmt: skip
    ours = NnxResidualNet(epsilons, axes, use_bias, use_scale, activation, nnx.Rngs(seed))
    x = normal(4, 5, 6, scale=scale, seed=seed)
    return ours, lively(ResidualNet()), x, {"seed": seed}


def epsilon_in(place, position, *epsilons):
    pair = lambda epsilon: (epsilon, 1e-5) if position == 0 else (1e-5, epsilon)
    return tuple(
        Mutant({"epsilons": pair(e)}, "normalization-epsilon", place, constant=e) for e in epsilons
    )


LAYER_NORM = Port(
    layer_norm_residuals_in_nnx,
    (
        *epsilon_in("layer norms/0", 0, 1e-6, 3e-6, 1e-3, 1e-12, 1.0001e-5),
        *epsilon_in("layer norms/1", 1, 1e-6, 1e-8, 5e-6, 1e-2),
        *wrong("normalization-axis", "layer norms/0", "axes", ((0,), -1), ((1,), -1)),
        *wrong("normalization-axis", "layer norms/1", "axes", (-1, (1, 2)), (-1, (0, 1))),
        *wrong("bias-missing", "layer norms/0", "use_bias", (False, True)),
        *wrong("bias-missing", "layer norms/1", "use_bias", (True, False)),
        *wrong("scale-missing", "layer norms/1", "use_scale", (True, False)),
        *wrong("gelu-approximation", "layer norms/1", "activation", nnx.gelu),
        *wrong("activation-different", "layer norms/1", "activation", nnx.relu, nnx.silu),
    ),
)


class StandardisedNet(nn.Module):
    """Features standardised over the batch by hand, then each example over its features."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 6)
        self.head = nn.Linear(6, 2)

    def forward(self, x):
        x = (x - x.mean(dim=0)) / (x.std(dim=0) + 1e-3)
        x = torch.tanh(self.fc(x))
        variance = x.var(dim=-1, keepdim=True)
        x = (x - x.mean(dim=-1, keepdim=True)) / torch.sqrt(variance + 1e-5)
        return self.head(x)


def standardisation_of_functions(
    *, seed=0, scale=1.0, ddof_std=1, ddof_var=1, small=1e-3, epsilon=1e-5, activation=jnp.tanh
) -> Pair:
    def ours(params, x):
        x = (x - jnp.mean(x, 0)) / (jnp.std(x, 0, ddof=ddof_std) + small)
        x = activation(x @ params["fc"]["w"] + params["fc"]["b"])
        variance = jnp.var(x, -1, ddof=ddof_var, keepdims=True)
        x = (x - jnp.mean(x, -1, keepdims=True)) / jnp.sqrt(variance + epsilon)
        return x @ params["head"]["w"] + params["head"]["b"]

    params = {
        "fc": {"w": normal(6, 6, seed=seed + 1), "b": normal(6, seed=seed + 2)},
        "head": {"w": normal(6, 2, seed=seed + 3), "b": normal(2, seed=seed + 4)},
    }
    x = normal(8, 6, scale=scale, seed=seed) + np.float32(3 * scale)
    return ours, StandardisedNet(), x, {"params": params, "seed": seed}


STANDARDISED = Port(
    standardisation_of_functions,
    (
        *wrong("variance-correction", "output output", "ddof_std", 0, module=""),
        *wrong("variance-correction", "output output", "ddof_var", 0, module=""),
        *constants(
            "normalization-epsilon", "output output", "small", 1e-5, 1e-6, 1e-8, 1e-2, module=""
        ),
        *constants(
            "normalization-epsilon", "output output", "epsilon", 1e-6, 1e-3, 3e-6, 1e-8, module=""
        ),
        *wrong(
            "activation-different", "output output", "activation", jax.nn.relu, jax.nn.gelu,
            module="",
        ),
    ),
)  # fmt: skip

PORTS = (LAYER_NORM, STANDARDISED)
