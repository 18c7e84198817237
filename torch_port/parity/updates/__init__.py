"""Optimisers: their updates compared, and a reference whose settings are changed until it fits."""
