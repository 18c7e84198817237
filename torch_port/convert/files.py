"""Weights in files: safetensors as PyTorch programs write them, and the checkpoints of `jaxnn`.

Nothing that is read is executed.
"""

import re
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from jaxnn.files import write_atomically
from jaxnn.typing import Params, State
from torch_port.convert.parameters import PARAMETERS, PIXELS, STATISTICS, to_torch


def save_safetensors(path: str | Path, params: Params, state: State) -> None:
    """Writes a `jaxnn` model's arrays as the `model.safetensors` of its twin in PyTorch.

    Args:
      path: of the file; what stood there is replaced at once or not at all.
      params: as `model.init` gives them.
      state: likewise.

    Raises:
      OSError: the file cannot be written.

    Example:
      >>> import tempfile
      >>> import jax
      >>> from jaxnn import layers
      >>> path = Path(tempfile.mkdtemp(), "model.safetensors")
      >>> save_safetensors(path, *layers.dense(3, 2).init(jax.random.key(0)))
      >>> torch.nn.Linear(3, 2).load_state_dict(load_safetensors(path))
      <All keys matched successfully>
    """
    tensors = {name: tensor.contiguous() for name, tensor in to_torch(params, state).items()}
    write_atomically(Path(path), save(tensors, metadata={"format": "pt"}))


def load_safetensors(path: str | Path) -> dict[str, torch.Tensor]:
    """Reads a file of safetensors as a `state_dict`, by whichever side it was written.

    For PyTorch, `module.load_state_dict(load_safetensors(path))`; for `jaxnn`,
    `from_torch(load_safetensors(path), model)`.

    Args:
      path: of a PyTorch program's weights, or of a checkpoint of `jaxnn`, of which the parameters
        and running statistics are read.

    Returns:
      Tensors by PyTorch's names.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: the file is not one of safetensors, or a folder.

    Example:
      >>> import tempfile
      >>> from safetensors.torch import save_file
      >>> path = Path(tempfile.mkdtemp(), "model.safetensors")
      >>> save_file(torch.nn.Linear(3, 2).state_dict(), path)
      >>> list(load_safetensors(path))
      ['bias', 'weight']
    """
    if Path(path).is_dir():
        raise ValueError(f"{path}: not a file of safetensors: a folder")
    try:
        with safe_open(path, framework="pt") as file:
            is_checkpoint = "jaxnn" in (file.metadata() or {}).get("format", "")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path}: not a file of safetensors: {error}") from None
    return _state_dict(tensors) if is_checkpoint else tensors


def _state_dict(saved: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """From paths such as `.params[2]['kernel']` to names such as `2.weight`."""
    found = {}
    for path, tensor in saved.items():
        if match := re.fullmatch(r"\.(params|state)((?:\[\d+\])*)\['(\w+)'\]", path):
            kind, place, name = match.groups()
            prefix = "".join(f"{i}." for i in re.findall(r"\d+", place))
            found[kind, prefix, name] = tensor
    tensors = {}
    for (kind, prefix, name), tensor in found.items():
        statistics = STATISTICS if ("state", prefix, "var") in found else PIXELS
        names = PARAMETERS if kind == "params" else statistics
        tensors[prefix + names[name]] = _in_torch_layout(name, tensor)
    return tensors


def _in_torch_layout(name: str, tensor: torch.Tensor) -> torch.Tensor:
    if name == "count":
        return tensor.long()
    return tensor.mT if name == "kernel" else tensor
