"""The process of one contender: `python -m benchmarks.worker package.module:function '{options}'`.

It makes the contender and says so, then runs it once for every line that it reads, and answers each
with a line of JSON. Whatever the contender prints goes to standard error.
"""

import importlib
import json
import os
import sys
import time

from benchmarks.frame import Unavailable


def main():
    """Answers until the input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    say = lambda **answer: print(json.dumps(answer), file=answers)
    path, options = sys.argv[1:]
    module, _, function = path.partition(":")
    try:
        run = getattr(importlib.import_module(module), function)(**json.loads(options))
    except ModuleNotFoundError as error:
        return say(missing=f"not installed: {error.name}")
    except Unavailable as error:
        return say(missing=str(error))
    say(ready=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        value = run()
        say(seconds=time.perf_counter() - started, value=value)


if __name__ == "__main__":
    main()
