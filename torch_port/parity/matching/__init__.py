"""Which parameters and layers of the two sides belong together."""
