"""Other libraries' models as `jaxnn` models and back.

The names below load when they are first used, so that nothing here loads Flax before.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
