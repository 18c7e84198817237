"""One training over many devices and processes: where its arrays lie on a mesh of devices.

Programs are those of one device. XLA reads from the arrays how to split them, and sums over the
devices wherever one device would sum over the batch, so that gradients, metrics and the statistics
of batch norm are those of the global batch, and masks are drawn as for one device.

A mesh has an axis "data", over which the examples of each batch are split, and may have an axis
"model", over which the outputs of wide kernels are split:

    jax.make_mesh((8,), ("data",))
    jax.make_mesh((4, 2), ("data", "model"))
"""

from typing import Any

import jax
import numpy as np
from jax.sharding import AbstractMesh, AxisType, Mesh, NamedSharding, PartitionSpec

from jaxnn.penalties import mask_by_name
from jaxnn.typing import ArrayLike, Dataset


def shard(dataset: Dataset, mesh: Mesh) -> Dataset:
    """Splits the images of a data set over the devices of a mesh; labels are copied to each.

    Of images that the process can read whole, such as a memory-mapped array, it reads the rows of
    its own devices alone. Zeros fill up the last part, so that all are of one size; the number of
    labels is still the number of examples.

    Args:
      dataset: images `(n, ...)` and labels `(n, ...)`, the same in each process.
      mesh: of devices, with an axis "data".

    Returns:
      The data set on the devices.

    Raises:
      ValueError: if the mesh has no axis "data", or one that is neither "data" nor "model".

    Example:
      >>> mesh = jax.make_mesh((1,), ("data",))
      >>> dataset = shard(Dataset(np.zeros((5, 28, 28), np.uint8), np.arange(5)), mesh)
      >>> dataset.images.sharding.spec[0], dataset.size
      ('data', 5)
    """
    mesh = _automatic(mesh)
    parts = mesh.shape["data"]
    rows = -(-dataset.size // parts) * parts
    split = NamedSharding(mesh, PartitionSpec("data"))
    whole = NamedSharding(mesh, PartitionSpec())
    return Dataset(_place(dataset.images, rows, split), _place(dataset.labels, dataset.size, whole))


def replicate(train_state: Any, mesh: Mesh) -> Any:
    """Copies a training state to each device of a mesh; wide kernels are split as `shardings` says.

    Args:
      train_state: a `TrainState`, or any pytree of arrays, the same in each process.
      mesh: of devices, with an axis "data".

    Returns:
      The training state on the devices.

    Raises:
      ValueError: if the mesh has no axis "data", or one that is neither "data" nor "model".

    Example:
      >>> import jax.numpy as jnp
      >>> mesh = jax.make_mesh((1,), ("data",))
      >>> replicate({"kernel": jnp.ones((2, 3))}, mesh)["kernel"].is_fully_replicated
      True
    """
    places = shardings(train_state, mesh)
    if mesh.is_multi_process:  # there `device_put` takes no random keys
        return jax.jit(lambda tree: tree, out_shardings=places)(train_state)
    return jax.device_put(train_state, places, may_alias=False)


def shardings(train_state: Any, mesh: Mesh | AbstractMesh) -> Any:
    """Where each array of a training state lies: whole on every device, but for wide kernels.

    An array named `kernel`, be it a parameter or an optimiser's moment of one, is split over the
    axis "model" along its outputs, if the mesh has that axis and the outputs divide by its size.

    Args:
      train_state: a `TrainState`, or any pytree of arrays.
      mesh: of devices, with an axis "data".

    Returns:
      A pytree of shardings of the same structure.

    Raises:
      ValueError: if the mesh has no axis "data", or one that is neither "data" nor "model".

    Example:
      >>> import jax.numpy as jnp
      >>> mesh = jax.make_mesh((1, 1), ("data", "model"))
      >>> tuple(shardings({"kernel": jnp.ones((2, 3)), "bias": jnp.ones(3)}, mesh)["kernel"].spec)
      (None, 'model')
    """
    mesh = _automatic(mesh)

    def place(leaf, is_kernel):
        divides = leaf.ndim > 1 and leaf.shape[-1] % mesh.shape.get("model", 1) == 0
        is_wide = is_kernel and divides and "model" in mesh.shape
        spec = (None,) * (leaf.ndim - 1) + ("model",) if is_wide else ()
        return NamedSharding(mesh, PartitionSpec(*spec))

    return jax.tree.map(place, train_state, mask_by_name(train_state))


def take(data: Any, indices: jax.Array) -> Any:
    """The examples at some indices, split over the devices that the data are split over.

    Every device looks for all of them among its own rows, and what is found is summed over the
    devices; the data themselves stay where they are. Of a batch that the devices do not divide some
    get fewer examples than others.

    Args:
      data: a data set, or any pytree of arrays with examples first.
      indices: int `(batch,)`.

    Returns:
      A pytree like the data, of `batch` examples.

    Example:
      >>> import jax.numpy as jnp
      >>> take(Dataset(jnp.eye(3), jnp.arange(3)), jnp.array([2, 0])).labels
      Array([2, 0], dtype=int32)
    """
    mesh = _mesh_of(data)
    if mesh is None:
        return jax.tree.map(lambda array: array[indices], data)
    indices = jax.lax.with_sharding_constraint(indices, NamedSharding(mesh, PartitionSpec()))
    batch = jax.tree.map(lambda array: array[indices], data)
    return jax.lax.with_sharding_constraint(batch, NamedSharding(mesh, PartitionSpec("data")))


def keep(train_state: Any, data: Any) -> Any:
    """The training state where `shardings` has it, on the mesh of the data if there is one.

    Left to itself, XLA may have results lie elsewhere than the arguments that they replace.

    Args:
      train_state: a `TrainState`, or any pytree of arrays.
      data: a data set, or any pytree of arrays.

    Returns:
      The same training state.

    Example:
      >>> import jax.numpy as jnp
      >>> keep({"kernel": jnp.ones(2)}, jnp.ones(3))
      {'kernel': Array([1., 1.], dtype=float32)}
    """
    mesh = _mesh_of(data)
    if mesh is None:
        return train_state
    return jax.lax.with_sharding_constraint(train_state, shardings(train_state, mesh))


def _mesh_of(data: Any) -> AbstractMesh | None:
    """The mesh that data lie on, known while a program is traced; None for a single device."""
    mesh = jax.typeof(jax.tree.leaves(data)[0]).sharding.mesh
    return mesh if "data" in mesh.axis_names else None


def _automatic(mesh: Mesh | AbstractMesh) -> Any:
    """The mesh with axes along which XLA, not the types of arrays, says where results lie."""
    names = mesh.axis_names
    if "data" not in names or not {*names} <= {"data", "model"}:
        raise ValueError(
            'parallel: mesh must have an axis "data", and beside it at most an axis "model", '
            f"got {names}"
        )
    return mesh.update(axis_types=(AxisType.Auto,) * len(names))


def _place(array: ArrayLike, rows: int, sharding: NamedSharding) -> jax.Array:
    """The array on the devices, with zeros behind it up to the number of rows."""
    if isinstance(array, jax.Array) and not array.is_fully_addressable:
        return jax.device_put(array, sharding)

    def read(index):
        start, stop, _ = index[0].indices(rows)
        part = np.zeros((stop - start, *array.shape[1:]), array.dtype)
        found = array[start:stop]
        part[: len(found)] = found
        return part

    return jax.make_array_from_callback((rows, *array.shape[1:]), sharding, read)
