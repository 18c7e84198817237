"""`jaxnn` models as Flax modules and back, parameters and running statistics included.

What the two libraries mean differently, and what becomes of it, stands in `docs/flax.md`.
"""

try:
    from jaxnn.interop.linen import from_linen as from_linen
    from jaxnn.interop.linen import to_linen as to_linen
    from jaxnn.interop.nnx import from_nnx as from_nnx
    from jaxnn.interop.nnx import to_nnx as to_nnx
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"jaxnn.interop: {error.name} is not installed: pip install 'jaxnn[flax]'"
    ) from error
