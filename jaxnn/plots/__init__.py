"""Figures of networks in training, and the report of a run: one file per kind of picture.

Every function takes arrays and returns a matplotlib `Figure` in the one style of `plots.style`.
A figure's label (`figure.get_label()`) describes it in words, for those who cannot see it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
