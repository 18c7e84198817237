from .files import load_safetensors as load_safetensors
from .files import save_safetensors as save_safetensors
from .masks import dropout_masks as dropout_masks
from .masks import with_masks as with_masks

# from .optimizers import load_optimizer_state as load_optimizer_state
# from .optimizers import optimizer as optimizer
# from .optimizers import optimizer_state as optimizer_state
from .parameters import from_torch as from_torch
from .parameters import to_array as to_array
from .parameters import to_tensor as to_tensor
from .parameters import to_torch as to_torch
