"""A pytest plugin for Optax's own test files: puts `jaxnn.optim` in place, writes down what passed.

With `OPTIM_IN_PLACE=1` every attribute of every Optax module that is one of the functions whose
names `jaxnn.optim` has becomes ours. The folder `OPTIM_OUTCOMES` gets `outcomes.json`, the ids of
the tests by outcome, and from each worker the names of ours that the test modules reach.
"""

import json
import os
import sys
from pathlib import Path
from types import ModuleType

import optax

from jaxnn import optim
from jaxnn.optim.combine import MaskedNode, MaskedState

IN_PLACE = os.environ["OPTIM_IN_PLACE"] == "1"
FOLDER = Path(os.environ["OPTIM_OUTCOMES"])

# The placeholders that a mask leaves in a tree are told apart by their type, so they belong to it.
OURS = {name: getattr(optim, name) for name in optim.__all__}
OURS |= {"MaskedNode": MaskedNode, "MaskedState": MaskedState}

outcomes = {"passed": set(), "skipped": set(), "failed": set()}


def optax_modules() -> list[ModuleType]:
    return [module for name, module in sys.modules.items() if name.split(".")[0] == "optax"]


def put_in_place() -> None:
    replacement = {id(getattr(optax, name)): ours for name, ours in OURS.items()}
    for module in optax_modules():
        for attribute, value in list(vars(module).items()):
            if id(value) in replacement:
                setattr(module, attribute, replacement[id(value)])


if IN_PLACE:
    put_in_place()


def pytest_collection_finish(session):
    """What the test modules find under our names, in themselves or in Optax's modules, is ours."""
    test_modules = {item.module for item in session.items}
    optaxs = optax_modules()
    scopes = test_modules.union(
        *([m for m in vars(t).values() if m in optaxs] for t in test_modules)
    )
    found = [(name, value) for scope in scopes for name, value in vars(scope).items()]
    reached = {name for name, value in found if value is OURS.get(name)}
    others = {name for name, value in found if name in OURS and value is not OURS[name]}
    assert not IN_PLACE or not others, f"not in place: {others}"
    (FOLDER / f"reached-{os.getpid()}.json").write_text(json.dumps(sorted(reached)))


def pytest_runtest_logreport(report):
    if report.outcome != "passed" or report.when == "call":
        outcomes[report.outcome].add(report.nodeid)


def pytest_sessionfinish():
    if "PYTEST_XDIST_WORKER" not in os.environ:
        clean = {outcome: sorted(ids - outcomes["failed"]) for outcome, ids in outcomes.items()}
        clean["failed"] = sorted(outcomes["failed"])
        (FOLDER / "outcomes.json").write_text(json.dumps(clean))
