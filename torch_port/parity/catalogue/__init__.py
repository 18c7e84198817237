"""The known differences of meaning between PyTorch and JAX, Flax and Optax."""
