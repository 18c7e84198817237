"""`jaxnn train --distributed`: several processes, on one machine or on many, train one network."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

import jax

from jaxnn import checks
from jaxnn.cli import UsageError
from jaxnn.cli.options import ProcessOptions


def start(options: ProcessOptions) -> jax.sharding.Mesh:
    """Waits for the other processes and joins them, before JAX computes anything.

    Args:
      options: which process this is, of how many; where nothing is said, what JAX finds out from
        SLURM, Kubernetes or Open MPI.

    Returns:
      The mesh of the devices of all processes.

    Raises:
      UsageError: if nothing says which process this is.
    """
    by_hand = options.coordinator is not None
    patience = threading.Timer(options.start_timeout, _give_up, [options])
    patience.daemon = True
    patience.start()
    try:
        jax.distributed.initialize(
            options.coordinator,
            options.process_count,
            options.process_index,
            cluster_detection_method="deactivate" if by_hand else None,
            initialization_timeout=options.start_timeout + 60,
        )
    except ValueError as error:
        raise UsageError(
            "--distributed finds no SLURM, Kubernetes or Open MPI to ask: give --coordinator, "
            "--process-count and --process-index"
        ) from error
    finally:
        patience.cancel()
    return jax.make_mesh((jax.device_count(),), ("data",))


def is_helper() -> bool:
    """Whether this process only computes: process 0 alone prints, writes and draws."""
    return jax.process_index() > 0


def own_copy(train_state: Any) -> Any:
    """A training state that all devices hold, as an array of this process's first device alone.

    Only then may one process compute with it while the others do not.
    """
    return jax.tree.map(lambda array: array.addressable_data(0), train_state)


def require_sound(options: ProcessOptions) -> None:
    """Raises a `UsageError` unless all that is said of the processes can be so."""
    given = {
        "--coordinator": options.coordinator,
        "--process-count": options.process_count,
        "--process-index": options.process_index,
    }
    named = [name for name, value in given.items() if value is not None]
    if named and not options.distributed:
        raise UsageError(f"{named[0]} is for training with --distributed")
    if named and len(named) < len(given):
        raise UsageError(f"{', '.join(given)} go together, got only {', '.join(named)}")
    checks.require_positive_integer(options.start_timeout, "--start-timeout")
    if options.coordinator is None or options.process_index is None:
        return
    host, _, port = options.coordinator.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise UsageError(f"--coordinator must be HOST:PORT, got {options.coordinator!r}")
    checks.require_positive_integer(options.process_count, "--process-count")
    if options.process_index not in range(options.process_count or 0):
        raise UsageError(
            f"--process-index must be one of 0 to {options.process_count} − 1, "
            f"got {options.process_index}"
        )


def _give_up(options: ProcessOptions) -> None:
    """Ends the process, which waits in code that would end it with a stack trace."""
    where = options.coordinator or "the coordinator"
    print(
        f"jaxnn train: not all processes have met at {where} within {options.start_timeout} s",
        file=sys.stderr,
        flush=True,
    )
    os._exit(2)
