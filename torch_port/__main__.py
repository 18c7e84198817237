"""`python -m torch_port` is `torch-port`."""

from torch_port.cli import main

if __name__ == "__main__":
    main()
