"""`torch-port compare port.py`: the answer as a status, and what is wrong with a file in words."""

import json
import subprocess
import sys

import pytest

from torch_port import cli

BEGIN = "import jax.numpy as jnp\nimport numpy as np\nimport torch\n"
WRONG = BEGIN + "jax_side, torch_side = jnp.tanh, torch.relu\ninputs = np.ones(3, np.float32)\n"
RIGHT = BEGIN + "jax_side, torch_side = jnp.tanh, torch.tanh\ninputs = np.ones(3, np.float32)\n"


@pytest.fixture
def compare(tmp_path, monkeypatch, capsys):
    """Runs the command on a file: status, standard output, standard error."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setitem(sys.modules, "__port__", None)  # so that it is gone after the test

    def run(source: str, *options: str) -> tuple[int, str, str]:
        (tmp_path / "port.py").write_text(source, encoding="utf-8")
        with pytest.raises(SystemExit) as stop:
            cli.main(["compare", str(tmp_path / "port.py"), *options])
        return (stop.value.code, *capsys.readouterr())

    return run


def test_the_status_is_1_for_a_difference_of_meaning_and_all_is_written(compare, tmp_path):
    html, data = tmp_path / "out" / "report.html", tmp_path / "out" / "report.json"
    status, out, err = compare(WRONG, "--html", str(html), "--json", str(data))
    assert (status, err) == (1, "")
    assert out.startswith("semantic: the two sides compute different functions.\n")
    assert len(out.splitlines()) <= 10
    assert "compute different functions" in html.read_text("utf-8")
    assert json.loads(data.read_text("utf-8"))["verdict"] == "semantic"


def test_the_status_is_0_for_the_same_function(compare):
    status, out, err = compare(RIGHT)
    assert (status, err) == (0, "")
    assert out.startswith(("rounding", "equal"))


def test_optimisers_alone_are_compared(compare):
    source = (
        "import optax\nimport torch\nsteps = 3\n"
        "optimizers = optax.sgd(0.1), lambda params: torch.optim.SGD(params, lr=0.1)\n"
    )
    status, out, err = compare(source)
    assert (status, err) == (0, "")
    assert "updates" in out
    status, _, err = compare(source, "--seed", "1")
    assert (status, err) == (
        2,
        "torch-port compare: --seed means nothing to parity.compare_optimizers\n",
    )


def test_trainings_are_compared_and_their_way_is_kept(compare, tmp_path):
    source = BEGIN + (
        "import optax\nfrom flax import linen\n"
        "jax_side, torch_side = linen.Dense(2), torch.nn.Linear(3, 2)\n"
        "losses = (lambda y, t: jnp.square(y - t).mean(), torch.nn.functional.mse_loss)\n"
        "optimizers = optax.sgd(0.2), lambda params: torch.optim.SGD(params, lr=0.1)\n"
        "batches = [(np.ones((4, 3), np.float32), np.ones((4, 2), np.float32))]\nsteps = 2\n"
    )
    status, out, err = compare(source, "--json", str(tmp_path / "report.json"))
    assert (status, err) == (1, "")
    assert "step 1" in out
    found = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert found["trajectory"]["steps"] == [1, 2]


def test_the_file_may_import_its_neighbours_and_define_dataclasses(compare, tmp_path):
    (tmp_path / "my_sides.py").write_text("import torch\nsine = torch.sin\n", encoding="utf-8")
    source = RIGHT + (
        "from dataclasses import dataclass\nimport my_sides\n"
        "@dataclass\nclass Side:\n    scale: float = 1.0\n"
        "    def __call__(self, x):\n        return jnp.sin(self.scale * x)\n"
        "jax_side, torch_side, gradients = Side(), my_sides.sine, False\n"
    )
    assert compare(source)[0] == 0


def test_train_and_seed_of_the_command_line_go_before_those_of_the_file(compare):
    source = RIGHT + (
        "seen = []\nclass Side(torch.nn.Module):\n    def forward(self, x):\n"
        "        if self.training: raise RuntimeError('it trains')\n        return torch.tanh(x)\n"
        "torch_side = Side()\n"
    )
    assert compare(source)[0] == 0
    status, _, err = compare(source, "--train", "--seed", "3")
    assert status == 2
    assert "RuntimeError: it trains" in err


WRONG_FILES = {
    "missing names": (
        "inputs = 1\n",
        "port.py does not define jax_side, torch_side; parity.compare takes jax_side, torch_side, "
        "inputs, and may have params",
    ),
    "missing names of a training": (
        "optimizers = losses = batches = 1\n",
        "does not define jax_side, torch_side; parity.compare_training takes",
    ),
    "one optimiser": (
        "import optax\noptimizers = optax.sgd(0.1)\n",
        "port.py: optimizers must be a pair, JAX's transformation and a function from",
    ),
    "not Python": ("x = 1\ny = (2\n", "port.py, line 2: '(' was never closed"),
    "stops": ("raise SystemExit(0)\n", "port.py stops the program before its end"),
    "parameters that do not match": (
        BEGIN + "from flax import linen\njax_side, torch_side = linen.Dense(4), "
        "torch.nn.Linear(8, 3)\ninputs = np.ones((2, 8), np.float32)\n",
        "torch-port compare: the parameters do not match. JAX has",
    ),
    "one input too few": (
        WRONG + "jax_side = lambda x, y: x\n",
        "missing 1 required positional argument: 'y'",
    ),
}


@pytest.mark.parametrize("name", WRONG_FILES)
def test_a_wrong_file_is_told_in_words(name, compare):
    source, says = WRONG_FILES[name]
    status, out, err = compare(source)
    assert (status, out) == (2, "")
    assert says in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        (
            "x = 1\nimport no_such_module\n",
            [
                "torch-port compare: an error in port.py",
                "  port.py, line 2, in <module>: import no_such_module",
                "ModuleNotFoundError: No module named 'no_such_module'",
            ],
        ),
        (
            WRONG + "def jax_side(x):\n    return helper(x)\ndef helper(x):\n    return x.wrong\n",
            [
                "  port.py, line 7, in jax_side: return helper(x)",
                "  port.py, line 9, in helper: return x.wrong",
            ],
        ),
    ],
    ids=["while it is read", "while it runs"],
)
def test_an_error_of_the_users_own_shows_the_users_lines(source, lines, compare):
    status, out, err = compare(source)
    assert (status, out) == (2, "")
    assert [line for line in err.splitlines() if line in lines] == lines
    assert "torch_port" not in err


def test_a_file_that_is_not_there(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["compare", str(tmp_path / "port.py")])
    assert stop.value.code == 2
    assert capsys.readouterr().err == (
        f"torch-port compare: there is no file {tmp_path / 'port.py'}\n"
    )


def test_it_runs_as_a_process(tmp_path):
    (tmp_path / "port.py").write_text(WRONG, encoding="utf-8")
    process = subprocess.run(
        [sys.executable, "-m", "torch_port", "compare", "port.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 1, process.stderr
    assert process.stdout.startswith("semantic")
