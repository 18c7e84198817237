"""Neural networks in functional JAX with nothing hidden.

The names below load when they are first used, so that reading data and drawing figures need no JAX.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
