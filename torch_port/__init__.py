"""The twin of `jaxnn` in PyTorch: file beside file, function beside function."""
