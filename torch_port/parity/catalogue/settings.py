"""Differences that no run from the same values shows: initial values, precision, and indices.

They have no hypotheses. `parity.settings` reads them off both sides.
"""

from torch_port.parity.catalogue.entry import Entry


def _none(*_) -> tuple[()]:
    """What can only be read off has nothing to be put in."""
    return ()


INITIALIZER_DEFAULT = Entry(
    id="initializer-default",
    title="layers are initialised from other distributions",
    explanation=(
        "PyTorch draws the weight and the bias of Linear and Conv uniformly within ±1/√fan_in; "
        "Flax draws kernels from a truncated normal distribution with the standard deviation "
        "1/√fan_in (LeCun normal) and sets biases to 0. For 784 inputs the standard deviations "
        "are 0.0206 and 0.0357, a factor √3. Training from equal values hides it; two "
        "trainings, each from its own values, begin at different losses."
    ),
    jax_fix=(
        "kernel_init=nn.initializers.variance_scaling(1/3, 'fan_in', 'uniform') gives PyTorch's "
        "weights, and a uniform bias_init within ±1/√fan_in its biases; or start from copied "
        "values"
    ),
    torch_fix=(
        "nn.init.trunc_normal_(weight, std=s, a=-2*s, b=2*s) with s = fan_in**-0.5 / 0.8796, "
        "and nn.init.zeros_(bias), give Flax's values; or start from copied values"
    ),
    source=(
        "docs.pytorch.org, torch.nn.Linear; flax.readthedocs.io, flax.linen.Dense; "
        "github.com/google/flax/issues/3125; github.com/pytorch/pytorch/issues/57109"
    ),
    about="settings",
    hypotheses=_none,
)

EMBEDDING_INITIALIZER = Entry(
    id="embedding-initializer",
    title="embeddings are initialised on another scale",
    explanation=(
        "PyTorch draws an Embedding from N(0, 1); Flax draws it with the variance 1/features. "
        "With 64 features the standard deviations are 1 and 0.125, so that whatever follows "
        "sees inputs eight times as large. PyTorch also sets the row of padding_idx to 0 and "
        "gives it no gradient; Flax has no such row."
    ),
    jax_fix="embedding_init=nn.initializers.normal(1.0)",
    torch_fix="nn.init.normal_(embedding.weight, std=features**-0.5)",
    source="docs.pytorch.org, torch.nn.Embedding; flax.readthedocs.io, flax.linen.Embed",
    about="settings",
    hypotheses=_none,
)

TRUNCATED_NORMAL_CORRECTION = Entry(
    id="truncated-normal-correction",
    title="the standard deviation of a truncated normal distribution is that before, or after, "
    "truncation",
    explanation=(
        "Cut off at two standard deviations, a normal distribution is left with 0.8796 of its "
        "standard deviation. jax.nn.initializers.variance_scaling (and lecun_normal, he_normal, "
        "glorot_normal) divides by this; jax.nn.initializers.truncated_normal(σ) does not. "
        "PyTorch's trunc_normal_(std=σ) cuts off at the absolute values ±2 by default, not at "
        "±2σ: with σ = 0.02 it is not truncated at all, and its standard deviation is 0.0200 "
        "where JAX's is 0.0176."
    ),
    jax_fix="nn.initializers.truncated_normal(σ / 0.8796), or nn.initializers.normal(σ)",
    torch_fix="nn.init.trunc_normal_(weight, std=σ, a=-2*σ, b=2*σ)",
    source=(
        "docs.jax.dev, jax.nn.initializers.truncated_normal and variance_scaling; "
        "docs.pytorch.org, torch.nn.init.trunc_normal_"
    ),
    about="settings",
    hypotheses=_none,
)

MATMUL_PRECISION = Entry(
    id="matmul-precision",
    title="products of float32 matrices are computed in less than float32",
    explanation=(
        "On GPUs since Ampere JAX multiplies float32 matrices in TensorFloat32 by default, on "
        "TPUs in bfloat16; PyTorch multiplies matrices in float32, but its cuDNN convolutions "
        "in TensorFloat32. A product then has a relative error of about 3e-4 or 2e-3 instead of "
        "2e-7, whatever its size. On a CPU both compute in float32."
    ),
    jax_fix="jax.config.update('jax_default_matmul_precision', 'highest')",
    torch_fix=(
        "torch.backends.cudnn.allow_tf32 = False and "
        "torch.set_float32_matmul_precision('highest'); or 'high', for JAX's TensorFloat32"
    ),
    source=(
        "docs.jax.dev, Matmul precision; docs.pytorch.org, torch.set_float32_matmul_precision; "
        "github.com/google/flax/issues/963; github.com/jax-ml/jax/issues/7010"
    ),
    about="settings",
    hypotheses=_none,
)

DEFAULT_DTYPE = Entry(
    id="default-dtype",
    title="float64 is kept by one side and cast to float32 by the other",
    explanation=(
        "PyTorch keeps what it is given: float64 data stays float64, integers are int64. JAX "
        "casts float64 to float32 and int64 to int32 unless jax_enable_x64 is set, without an "
        "error; 2³¹ − 1 + 1 is then −2³¹. A comparison that is exact on one side and rounded on "
        "the other stops at a relative 6e-8."
    ),
    jax_fix="jax.config.update('jax_enable_x64', True) before the first array is made",
    torch_fix="tensors and modules in float32: x.float(), module.float()",
    source=(
        "docs.jax.dev, The Sharp Bits, double precision; docs.pytorch.org, "
        "torch.set_default_dtype; github.com/jax-ml/jax/issues/1333"
    ),
    about="settings",
    hypotheses=_none,
)

INDEX_OUT_OF_RANGE = Entry(
    id="index-out-of-range",
    title="an index outside the array raises, is clamped, or gives NaN",
    explanation=(
        "PyTorch raises an IndexError. In JAX x[5] of three values is the last one, x[-7] the "
        "first; jnp.take, Flax's Embed and Optax's losses of integer labels give NaN, but a "
        "label of −1 is the last class; .at[].set writes nothing. So a vocabulary that is one "
        "too small, or labels counted from 1, stop a PyTorch program and not its port."
    ),
    jax_fix="x.at[i].get(mode='fill') gives NaN; check labels and tokens before the first step",
    torch_fix="x[i.clamp(0, len(x) - 1)], if clamping is what is meant",
    source="docs.jax.dev, The Sharp Bits, out-of-bounds; github.com/jax-ml/jax/issues/9839",
    about="settings",
    hypotheses=_none,
)

ENTRIES = (
    INITIALIZER_DEFAULT,
    EMBEDDING_INITIALIZER,
    TRUNCATED_NORMAL_CORRECTION,
    MATMUL_PRECISION,
    DEFAULT_DTYPE,
    INDEX_OUT_OF_RANGE,
)
