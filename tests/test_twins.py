"""`torch_port` is `jaxnn` a second time: same names, same order, same arguments, and no JAX."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import torch_port

ROOT = Path(torch_port.__file__).parent

FILES = [
    "activations", "initializers", "losses", "penalties", "metrics", "combinators",
    "normalization", "layers", "models", "steps", "evaluation", "train", "optim.aliases",
    "optim.clipping", "optim.moments", "optim.rms", "optim.schedules", "optim.transforms",
]  # fmt: skip
"""Twins that are one file on both sides."""

PACKAGES = ["optim", "data"]
"""Twins that are a package on at least one side."""

each_pair = pytest.mark.parametrize("name", FILES + PACKAGES)


def plain(name: str) -> str:
    """What `batch_norm` and `BatchNorm` have in common."""
    return name.replace("_", "").lower()


def is_code(value: object) -> bool:
    return inspect.isroutine(value) or inspect.isclass(value)


def statements(module) -> list[ast.stmt]:
    """Those of the stub, where there is one."""
    path = Path(module.__file__)
    stub = path.with_suffix(".pyi")
    return ast.parse((stub if stub.exists() else path).read_text()).body


def public(module, names: list[str]) -> list[str]:
    return [n for n in names if not n.startswith("_") and is_code(getattr(module, n))]


def defined(module) -> list[str]:
    """The functions and classes that a file writes, aliases included, in its order."""
    names = []
    for node in statements(module):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign):
            names += [target.id for target in node.targets if isinstance(target, ast.Name)]
    return public(module, names)


def passed_on(module) -> list[str]:
    """The functions and classes that a file imports for others: `from x import y as y`."""
    imports = [node for node in statements(module) if isinstance(node, ast.ImportFrom)]
    return public(module, [a.name for node in imports for a in node.names if a.asname == a.name])


def names_of(module) -> list[str]:
    return getattr(module, "__all__", None) or passed_on(module) + defined(module)


def twins(name: str):
    return importlib.import_module(f"jaxnn.{name}"), importlib.import_module(f"torch_port.{name}")


@pytest.mark.parametrize("name", FILES)
def test_twin_files_have_the_same_names_in_the_same_order(name):
    """But for imports, which the formatter sorts."""
    ours, theirs = twins(name)
    assert [*map(plain, defined(theirs))] == [*map(plain, defined(ours))]
    assert sorted(map(plain, passed_on(theirs))) == sorted(map(plain, passed_on(ours)))


@pytest.mark.parametrize("name", PACKAGES)
def test_twin_packages_have_the_same_names(name):
    ours, theirs = twins(name)
    assert sorted(map(plain, names_of(theirs))) == sorted(map(plain, names_of(ours)))


HELD = {"params", "state", "model", "key", "generator", "seed", "train"}
"""What `jaxnn` passes and PyTorch keeps: parameters and mode in a module, draws in a generator."""

ELSEWHERE = {
    "init_train_state": {"dtype"},
    "masked": {"mask_compatible_extra_args"},
    "fit": {"mesh", "on_nonfinite"},
}
"""Arguments of `jaxnn` that PyTorch has no use for: `module.to`, no Optax to fit, `torchrun`; and
what a module that is changed in place cannot take back."""

PYTORCHS_OPTIMIZERS = torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW
"""They lack some of Optax's settings."""


def arguments(value) -> list[str]:
    return list(inspect.signature(value).parameters)


@each_pair
def test_twin_functions_take_the_same_arguments(name):
    """A class of PyTorch's own takes what PyTorch says; one of ours, what its function takes."""
    ours, theirs = twins(name)
    theirs_by_name = {plain(n): getattr(theirs, n) for n in names_of(theirs)}
    for function_name in names_of(ours):
        function, twin = getattr(ours, function_name), theirs_by_name[plain(function_name)]
        if not inspect.isroutine(function) or not twin.__module__.startswith("torch_port"):
            continue
        left_out = HELD | ELSEWHERE.get(function_name, set())
        expected = [n for n in arguments(function) if n not in left_out]
        found = [n for n in arguments(twin) if n not in HELD]
        if inspect.isclass(twin) and issubclass(twin, PYTORCHS_OPTIMIZERS):
            expected = [n for n in expected if n in found]
        assert found == expected, function_name


@each_pair
def test_what_draws_takes_a_generator_or_a_seed(name):
    ours, theirs = twins(name)
    theirs_by_name = {plain(n): getattr(theirs, n) for n in names_of(theirs)}
    for function_name in {*names_of(ours)} - {"intermediates"}:  # its dropout draws as PyTorch's
        function, twin = getattr(ours, function_name), theirs_by_name[plain(function_name)]
        if inspect.isroutine(function) and "key" in arguments(function):
            assert {"generator", "seed"} & {*arguments(twin)}, function_name


@each_pair
def test_every_name_of_a_twin_has_a_docstring_and_every_function_an_example(name):
    _, theirs = twins(name)
    for public_name in names_of(theirs):
        value = getattr(theirs, public_name)
        text = value.__doc__ or ""  # its own: getdoc would give a class its parent's
        assert text.partition("\n\n")[0].endswith((".", ":")), f"{public_name}: one sentence first"
        if inspect.isroutine(value):
            missing = [n for n in arguments(value) if n not in text]
            assert not missing, f"{public_name}: undocumented arguments {missing}"
            assert ">>>" in text, f"{public_name}: an example that doctest runs"


MODULES = [
    module.name
    for module in pkgutil.walk_packages([str(ROOT)], "torch_port.")
    if not module.name.endswith("__main__")
]
SEES_BOTH = ("torch_port.convert", "torch_port.parity")
PYTORCH_ONLY = [name for name in MODULES if not name.startswith(SEES_BOTH)]

READABLE = {"jaxnn.data", "jaxnn.plots", "jaxnn.files", "jaxnn._version"}
"""What of `jaxnn` needs no JAX."""


def source(module: str) -> Path:
    path = ROOT.parent / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def imports(module: str) -> set[str]:
    """The modules that a module imports, anywhere."""
    names = set()
    for node in ast.walk(ast.parse(source(module).read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "jaxnn":
            names |= {f"jaxnn.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module)
    return names


@pytest.mark.parametrize("module", PYTORCH_ONLY)
def test_the_twin_imports_nothing_of_jax(module):
    packages = {name.partition(".")[0] for name in imports(module)}
    assert packages & {"jax", "flax", "optax"} == set()
    assert {name for name in imports(module) if name.startswith("jaxnn")} <= READABLE


def loaded_after(program: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after a program."""
    program += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    command = [sys.executable, "-c", program]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_the_twin_runs_without_jax():
    assert "jax" not in loaded_after("import " + ", ".join(PYTORCH_ONLY))


def test_import_torch_port_loads_neither_framework():
    assert loaded_after("import torch_port") & {"torch", "jax", "numpy"} == set()


def test_the_public_names_of_torch_port_all_load():
    assert {name for name in torch_port.__all__ if getattr(torch_port, name, None) is None} == set()


@pytest.mark.parametrize("module", ["torch_port", *MODULES])
def test_files_are_short(module):
    assert len(source(module).read_text().splitlines()) <= 320, "two ideas in one file?"
