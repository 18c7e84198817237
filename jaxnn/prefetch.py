"""Work done ahead of its need, by a thread beside the one that waits for it."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

THREADS = "jaxnn-prefetch"


@contextmanager
def prefetched(
    read: Callable[[int], Any], count: int, *, ahead: int = 2
) -> Iterator[Iterator[tuple[float, Any]]]:
    """Calls `read(0)`, `read(1)`, … in one thread, some calls ahead of who takes the results.

    What a call raises is raised where its result is taken. However the block is left, the thread
    ends with it, after the call that it is at.

    Args:
      read: called once for each number, never twice at a time.
      count: how many calls.
      ahead: how many results may wait to be taken, or be in the making.

    Yields:
      An iterator over pairs: the seconds that the taker had to wait, and the result.

    Example:
      >>> with prefetched(lambda i: i * i, 4) as results:
      ...     [square for waited, square in results]
      [0, 1, 4, 9]
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix=THREADS)
    try:
        pool.submit(int)  # interrupted while its thread starts, a pool forgets it: it reads nothing
        yield _in_order(lambda i: pool.submit(read, i), range(count), ahead)
    finally:
        pool.shutdown(cancel_futures=True)


def _in_order(submit: Callable[[int], Future], numbers: Sequence[int], ahead: int):
    """The results, each with the seconds until it was there."""
    pending = deque(submit(number) for number in numbers[:ahead])
    for number in [*numbers[ahead:], *[None] * len(pending)]:
        asked = time.perf_counter()
        result = pending.popleft().result()
        waited = time.perf_counter() - asked
        if number is not None:
            pending.append(submit(number))
        yield waited, result
        del result  # the next is not kept in memory beside it
