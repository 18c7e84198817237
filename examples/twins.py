"""What the PyTorch twins share: the parameters and the orders that `jaxnn.train.fit` draws."""

from typing import Any

import jax
from torch.utils.data import DataLoader

import jaxnn
from torch_port import convert, data, models


def simple_nn(seed: int, **options: Any) -> models.SimpleNN:
    """The lecture's network in PyTorch, with the parameters that a training in `jaxnn` begins with.

    Args:
      seed: of the training.
      **options: those of `SimpleNN`.
    """
    start = _start(seed)
    model = models.SimpleNN(**options)
    model.load_state_dict(convert.to_torch(start.params, start.state))
    return model


def batches(dataset: data.Dataset, seed: int, epoch: int, batch_size: int) -> DataLoader:
    """The batches of an epoch, in the order in which a training in `jaxnn` takes them.

    Args:
      dataset: what is trained on.
      seed: of the training.
      epoch: from 0 on.
      batch_size: examples in each batch but the last.
    """
    order = jaxnn.data.permutation(_start(seed).key, epoch, dataset.size)
    return data.batches(dataset, order, batch_size)


def _start(seed: int) -> Any:
    optimizer = jaxnn.optim.identity()
    model = jaxnn.models.simple_nn()
    return jaxnn.train.init_train_state(model, optimizer, jax.random.key(seed))
