from .flax import from_linen as from_linen
from .flax import from_nnx as from_nnx
from .flax import to_linen as to_linen
from .flax import to_nnx as to_nnx
from .normalization import biased_batch_norm as biased_batch_norm
