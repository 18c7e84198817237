"""Right ports from PyTorch to JAX, as people write them, and what they get wrong."""
