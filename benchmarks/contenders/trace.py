"""The operations of this library's epoch, as XLA's own trace times them."""

import collections
import glob
import gzip
import json
import re
import tempfile
from pathlib import Path

import jax

import jaxnn
from jaxnn import data, losses, models, optim, train

BATCH_SIZE = 64


def operations(examples=60_000):
    """Traces an epoch and adds up its operations by the place in the library they come from."""
    train_set, _ = data.load("mnist")
    train_set = jax.device_put(jax.tree.map(lambda array: array[:examples], train_set))
    model, optimizer = models.simple_nn(), optim.adam(1e-3)
    epoch = train.make_epoch(model, optimizer, losses.softmax_cross_entropy, batch_size=BATCH_SIZE)
    train_state = train.init_train_state(model, optimizer, jax.random.key(0))
    program = epoch.lower(train_state, train_set).compile()
    places = _places(program.as_text())
    steps = -(-examples // BATCH_SIZE)

    def run():
        nonlocal train_state
        with tempfile.TemporaryDirectory() as folder:
            with jax.profiler.trace(folder, create_perfetto_trace=True):
                train_state, _ = jax.block_until_ready(program(train_state, train_set))
            found = collections.Counter()
            for name, microseconds in _events(folder):
                if name in places:
                    found[places[name]] += microseconds / steps
        return dict(found.most_common())

    return run


def _events(folder):
    """The names and the durations of all that the trace in a folder holds."""
    (path,) = glob.glob(f"{folder}/**/perfetto_trace.json.gz", recursive=True)
    with gzip.open(path) as file:
        events = json.load(file)["traceEvents"]
    return [(event["name"], event["dur"]) for event in events if event.get("ph") == "X"]


def _places(text):
    """From the name of each instruction of a compiled program to where it comes from.

    The program's text begins with tables: files, functions, places in files, and stack frames.
    """
    files = dict(re.findall(r'^(\d+) "(/.*)"$', text, re.M))
    functions = dict(re.findall(r'^(\d+) "([^/].*)"$', text, re.M))
    locations = dict(_table(text, "file_name_id=(\\d+) function_name_id=(\\d+)"))
    frames = dict(_table(text, "file_location_id=(\\d+) parent_frame_id=(\\d+)"))
    library = str(Path(jaxnn.__file__).parent)

    def place(frame):
        """The innermost function of the library in a stack of calls."""
        while frame in frames:
            location, parent = frames[frame]
            file, function = locations[location]
            if files[file].startswith(library):
                return f"{functions[function].partition('.')[0]} ({Path(files[file]).name})"
            frame = parent if parent != frame else None
        return "copies and sums of XLA's own"

    found = {}
    for line in text.splitlines():
        match = re.match(r"\s+(?:ROOT )?%?([\w.-]+) = ", line)
        if match and " while(" not in line:
            frame = re.search(r"stack_frame_id=(\d+)", line)
            where = place(frame and frame[1])
            is_product = " dot(" in line or "/dot_general" in line
            found[match[1]] = f"matrix products of {where}" if is_product else where
    return found


def _table(text, fields):
    return [(i, (a, b)) for i, a, b in re.findall(rf"^(\d+) {{{fields}", text, re.M)]
