"""Images: convolutions, group norm, pooling, flattening, transposed convolutions."""

import jax
import jax.numpy as jnp
from flax import linen, nnx
from jax import lax
from torch import nn
from torch.nn import functional

from tests.parity.ports.port import Pair, Port, constants, wrong
from tests.parity.right_pairs import lively, normal


class ConvNet(nn.Module):
    """Takes images with channels first; the caller's have them last."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 4, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1)
        self.fc1 = nn.Linear(4 * 4 * 4, 5)
        self.fc2 = nn.Linear(5, 3)

    def forward(self, x):
        x = functional.relu(self.conv1(x.permute(0, 3, 1, 2)))
        x = functional.relu(self.conv2(x))
        x = functional.relu(self.fc1(x.flatten(1)))
        return self.fc2(x)


def channels_first(x):
    return jnp.transpose(x, (0, 3, 1, 2))


def channels_last(x):
    return x


def columns_first(x):
    return jnp.transpose(x, (0, 3, 2, 1))


class Conv(linen.Module):
    """A convolution whose kernel was copied with rows and columns exchanged."""

    features: int

    @linen.compact
    def __call__(self, x):
        shape = (3, 3, x.shape[-1], self.features)
        kernel = self.param("kernel", linen.initializers.lecun_normal(), shape)
        bias = self.param("bias", linen.initializers.zeros, (self.features,))
        turned = jnp.transpose(kernel, (1, 0, 2, 3))
        names = ("NHWC", "HWIO", "NHWC")
        return lax.conv_general_dilated(x, turned, (1, 1), "SAME", None, None, names) + bias


class LinenConvNet(linen.Module):
    padding: object = 1
    before_flatten: object = channels_first
    activations: tuple = (linen.relu, linen.relu, linen.relu)
    exchanged: bool = False
    has_bias: tuple = (True, True, True)

    @linen.compact
    def __call__(self, x):
        first, second, third = self.activations
        conv = linen.Conv(4, (3, 3), 2, padding=self.padding, use_bias=self.has_bias[0])
        x = first(conv(x))
        if self.exchanged:
            x = second(Conv(4, name="Conv_1")(x))
        else:
            x = second(linen.Conv(4, (3, 3), use_bias=self.has_bias[1])(x))
        x = self.before_flatten(x)
        x = third(linen.Dense(5)(x.reshape(len(x), -1)))
        return linen.Dense(3, use_bias=self.has_bias[2])(x)


def convolutions_in_linen(*, seed=0, scale=1.0, **settings) -> Pair:
    x = normal(3, 8, 8, 2, scale=scale, seed=seed)
    return LinenConvNet(**settings), ConvNet(), x, {"seed": seed}


R = linen.relu

CONVOLUTIONS = Port(
    convolutions_in_linen,
    (
        *wrong("conv-padding-same", "layer Conv_0", "padding", "SAME", ((2, 0), (2, 0))),
        *wrong("flatten-order", "layer Dense_0", "before_flatten", channels_last, columns_first),
        *wrong("kernel-transposed", "layer Conv_1", "exchanged", True),
        *wrong("activation-different", "layer Conv_1", "activations", (linen.gelu, R, R)),
        *wrong("activation-different", "layer Dense_0", "activations", (R, linen.silu, R)),
        *wrong("activation-different", "layer Dense_1", "activations", (R, R, jnp.tanh)),
        *wrong("activation-missing", "layer Conv_1", "activations", (channels_last, R, R)),
        *wrong("activation-missing", "layer Dense_1", "activations", (R, R, channels_last)),
        *wrong("bias-missing", "layer Conv_0", "has_bias", (False, True, True)),
        *wrong("bias-missing", "layer Conv_1", "has_bias", (True, False, True)),
        *wrong("bias-missing", "layer Dense_1", "has_bias", (True, True, False)),
    ),
)


class GroupNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.GroupNorm(4, 8)
        self.mix = nn.Conv2d(8, 8, 1, bias=False)
        self.pool = nn.AvgPool2d(2)
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        x = functional.silu(self.norm(self.stem(x.permute(0, 3, 1, 2))))
        x = self.pool(self.mix(x))
        return self.head(x.mean(dim=(2, 3)))


class NnxGroupNet(nnx.Module):
    def __init__(self, epsilon, groups, activation, padding, use_bias, use_scale, rngs):
        self.stem = nnx.Conv(3, 8, (3, 3), padding=padding, rngs=rngs)
        self.norm = nnx.GroupNorm(
            8, num_groups=groups, epsilon=epsilon, use_bias=use_bias[0], use_scale=use_scale,
            rngs=rngs,
        )  # fmt: skip
        self.activation = activation
        self.mix = nnx.Conv(8, 8, (1, 1), use_bias=False, rngs=rngs)
        self.head = nnx.Linear(8, 2, use_bias=use_bias[1], rngs=rngs)

    def __call__(self, x):
        x = self.mix(self.activation(self.norm(self.stem(x))))
        x = nnx.avg_pool(x, (2, 2), strides=(2, 2))
        return self.head(jnp.mean(x, axis=(1, 2)))


def group_norm_and_pooling_in_nnx(
    *, seed=0, scale=1.0, epsilon=1e-5, groups=4, activation=nnx.silu, padding="SAME",
    use_bias=(True, True), use_scale=True,
) -> Pair:  # fmt: skip
    ours = NnxGroupNet(epsilon, groups, activation, padding, use_bias, use_scale, nnx.Rngs(seed))
    x = normal(2, 4, 4, 3, scale=scale, seed=seed)
    return ours, lively(GroupNet()), x, {"seed": seed}


GROUP_NORM = Port(
    group_norm_and_pooling_in_nnx,
    (
        *constants("normalization-epsilon", "layer norm", "epsilon", 1e-6, 1e-3, 3e-6, 1e-4, 1e-12),
        *wrong("normalization-axis", "layer norm", "groups", 8, 2, 1),
        *wrong("activation-different", "layer mix", "activation", nnx.relu, nnx.gelu, nnx.elu),
        *wrong("conv-padding-same", "layer stem", "padding", "VALID", ((2, 0), (2, 0))),
        *wrong("bias-missing", "layer norm", "use_bias", (False, True)),
        *wrong("bias-missing", "layer head", "use_bias", (True, False)),
        *wrong("scale-missing", "layer norm", "use_scale", False),
    ),
)


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3 * 9)
        self.up = nn.ConvTranspose2d(3, 2, 4, stride=2, padding=1)

    def forward(self, z):
        x = functional.leaky_relu(self.fc(z), 0.2).view(-1, 3, 3, 3)
        return self.up(x).permute(0, 2, 3, 1)


def transposed_convolution_of_functions(
    *, seed=0, scale=1.0, flipped=True, padding=((2, 2), (2, 2)), slope=0.2, has_bias=True,
    channels_last=False,
) -> Pair:  # fmt: skip
    """Kernels stay as PyTorch holds them, (in, out, height, width)."""

    def ours(params, z):
        x = jax.nn.leaky_relu(z @ params["fc"]["w"] + params["fc"]["b"], slope)
        if channels_last:
            x = x.reshape(-1, 3, 3, 3)
        else:
            x = jnp.transpose(x.reshape(-1, 3, 3, 3), (0, 2, 3, 1))
        kernel = jnp.transpose(params["up"]["weight"], (2, 3, 0, 1))
        kernel = kernel[::-1, ::-1] if flipped else kernel
        names = ("NHWC", "HWIO", "NHWC")
        x = lax.conv_transpose(x, kernel, (2, 2), padding, dimension_numbers=names)
        return x + params["up"]["bias"] if has_bias else x

    params = {
        "fc": {"w": normal(4, 27, seed=seed + 1), "b": normal(27, seed=seed + 2)},
        "up": {"weight": normal(3, 2, 4, 4, seed=seed + 3), "bias": normal(2, seed=seed + 4)},
    }
    z = normal(3, 4, scale=scale, seed=seed)
    return ours, Decoder(), z, {"params": params, "seed": seed}


OUTPUT = "output output"

DECODER = Port(
    transposed_convolution_of_functions,
    (
        *wrong("conv-transpose-flip", OUTPUT, "flipped", False, module="up"),
        *wrong("conv-transpose-flip", OUTPUT, "padding", ((1, 3),) * 2, ((3, 1),) * 2, module="up"),
        *constants("leaky-relu-slope", OUTPUT, "slope", 0.01, 0.3, 0.1, module=""),
        *wrong("bias-missing", OUTPUT, "has_bias", False, module="up"),
        *wrong("flatten-order", OUTPUT, "channels_last", True, module=""),
    ),
)

PORTS = (CONVOLUTIONS, GROUP_NORM, DECODER)
