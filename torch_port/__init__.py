"""The twin of `jaxnn` in PyTorch: file beside file, function beside function.

The names below load when they are first used, so that `import torch_port` needs no PyTorch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
