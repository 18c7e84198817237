"""The shape of the code: what may import what, what loads when, how long files are, their docs."""

import ast
import graphlib
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import jaxnn

ROOT = Path(jaxnn.__file__).parent

TIERS = [
    ["_version", "typing", "checks", "files", "sealed", "storage", "prefetch"],
    [
        "elementary",
        "activations",
        "initializers",
        "losses",
        "penalties",
        "metrics",
        "optim",
        "data",
    ],
    ["combinators", "normalization", "layers"],
    ["models", "parallel"],
    [
        "steps",
        "pytrees",
        "checkpoint",
        "pieces",
        "streaming",
        "placement",
        "evaluation",
        "nonfinite",
        "train",
    ],
    ["sweep", "plots", "interop", "callbacks"],
    ["cli", "play", "__main__"],
]
"""Imports go upwards in this table or stay in their row, never downwards."""

ROW = {name: row for row, names in enumerate(TIERS) for name in names}

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages([str(ROOT)], "jaxnn.")
    if module.name != "jaxnn.__main__"
)


def source(module: str) -> Path:
    path = ROOT.parent / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def imports(module: str) -> set[str]:
    """The modules of jaxnn that a module imports anywhere, in functions and its stub too."""
    found = set()
    for path in (source(module), source(module).with_suffix(".pyi")):
        for node in ast.walk(ast.parse(path.read_text())) if path.exists() else []:
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                package = (
                    module if source(module).name == "__init__.py" else module.rpartition(".")[0]
                )
                base = f"{package}.{node.module or ''}".strip(".") if node.level else node.module
                children = {f"{base}.{alias.name}" for alias in node.names}
                found |= (children & {*MODULES}) or {base}
    return found & {*MODULES}


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_downwards_only(module):
    row = lambda name: ROW[name.split(".")[1]]
    assert {name for name in imports(module) if row(name) > row(module)} == set()


def test_no_module_imports_itself_in_a_circle():
    graph = {module: imports(module) - {module} for module in MODULES}
    assert len(list(graphlib.TopologicalSorter(graph).static_order())) == len(MODULES)


def imported_packages(module: str) -> set[str]:
    """The packages of others that a module imports anywhere."""
    names = set()
    for node in ast.walk(ast.parse(source(module).read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module)
    packages = {name.partition(".")[0] for name in names}
    return packages - {"jaxnn"} - sys.stdlib_module_names


@pytest.mark.parametrize("module", MODULES)
def test_every_package_that_is_imported_is_declared(module):
    project = tomllib.loads((ROOT.parent / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    declared = [*project["dependencies"], *extras["tfds"], *extras["flax"]]
    names = {re.match(r"[\w-]+", line)[0].replace("-", "_") for line in declared}
    names = (names | {"PIL"}) - {"pillow"}
    assert imported_packages(module) - names == set()


@pytest.mark.parametrize("module", MODULES)
def test_files_are_short(module):
    assert len(source(module).read_text().splitlines()) <= 320, "two ideas in one file?"


def loaded_after(program: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after a program."""
    program += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    return set(
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        ).stdout.split()
    )


NEVER = {"torch", "torch_port", "flax", "optax", "tensorflow", "tensorflow_datasets", "orbax"}
HEAVY = NEVER | {"jax", "numpy", "matplotlib", "safetensors", "rich", "PIL"}


@pytest.mark.parametrize(
    ("program", "forbidden"),
    [
        ("import jaxnn", HEAVY),
        ("from jaxnn import cli; cli.main(['--help'])", HEAVY),
        ("from jaxnn import data; data.load('mnist')", HEAVY - {"numpy"}),
        ("from jaxnn import plots", HEAVY - {"numpy"}),
        ("import jaxnn\n[getattr(jaxnn, name) for name in dir(jaxnn)]", NEVER | {"matplotlib"}),
    ],
)
def test_nothing_is_loaded_before_it_is_needed(program, forbidden):
    assert loaded_after(program) & forbidden == set()


def code_of(modules):
    """Every function and class of the modules that has no underscore, once, as test parameters."""
    found = {}
    for module in modules:
        for name in getattr(module, "__all__", vars(module)):
            value = getattr(module, name)
            is_code = inspect.isroutine(value) or inspect.isclass(value)
            if is_code and not name.startswith("_") and value.__module__.startswith("jaxnn"):
                found[f"{value.__module__}.{name}"] = value
    return [pytest.param(value, id=name) for name, value in found.items()]


EVERY_MODULE = [importlib.import_module(name) for name in MODULES]
PUBLIC_MODULES = [
    value for name in jaxnn.__all__ if inspect.ismodule(value := getattr(jaxnn, name))
]


@pytest.mark.parametrize("value", code_of(EVERY_MODULE))
def test_everything_says_what_it_is_in_one_sentence(value):
    sentence = (inspect.getdoc(value) or "").partition("\n\n")[0]
    assert sentence.endswith((".", ":")), "one sentence first"


@pytest.mark.parametrize("value", code_of(PUBLIC_MODULES))
def test_public_functions_document_their_arguments_and_have_an_example(value):
    text = inspect.getdoc(value) or ""
    if inspect.isroutine(value):
        missing = [name for name in inspect.signature(value).parameters if name not in text]
        assert not missing, f"undocumented arguments: {missing}"
        assert ">>>" in text, "an example that doctest runs"


def test_the_public_names_of_jaxnn_all_load():
    assert {name for name in jaxnn.__all__ if getattr(jaxnn, name, None) is None} == set()


def calls_in(module: str) -> set[str]:
    """What a module calls, by its last name, and the keywords it gives."""
    calls = [node for node in ast.walk(ast.parse(source(module).read_text()))
             if isinstance(node, ast.Call)]  # fmt: skip
    names = {ast.unparse(call.func) for call in calls}
    return names | {f"{word.arg}={ast.unparse(word.value)}" for call in calls
                    for word in call.keywords}  # fmt: skip


@pytest.mark.parametrize("module", MODULES)
def test_nothing_that_is_read_is_executed_or_unpickled(module):
    """But for the pipe between a training and its own two processes that draw."""
    dangerous = {"eval", "exec", "compile", "pickle.load", "pickle.loads", "torch.load",
                 "yaml.load", "marshal.loads", "allow_pickle=True", "shell=True"}  # fmt: skip
    allowed = {"pickle.load"} if module == "jaxnn.cli.beside" else set()
    assert calls_in(module) & dangerous == allowed
