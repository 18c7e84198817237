"""Data sets as two arrays: the real MNIST, IDX folders, TensorFlow Datasets, arrays of one's own.

The names below load when they are first used, so that reading data needs no JAX.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
