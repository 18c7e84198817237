"""Optax's own test files, run with `jaxnn.optim` in the place of Optax's functions of those names.

What passes with Optax's own functions is recorded in `optax_outcomes.json` for one version of Optax
and JAX (`python tests/optim/test_optax_drop_in.py` records it anew); under any other version it is
run as well. Optax itself skips 68 of the tests, all of optimisers that are not of ours: without
complex parameters, or without a schedule as learning rate.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import jax
import optax

from jaxnn import optim

HERE = Path(__file__).parent
RECORD = HERE / "optax_outcomes.json"
VERSIONS = {"optax": optax.__version__, "jax": jax.__version__}

SITE = Path(optax.__file__).parents[1]
TEST_FILES = [
    *(f"optax/_src/{name}_test.py" for name in ("alias", "transform", "update")),
    *sorted(str(path.relative_to(SITE)) for path in SITE.glob("optax/schedules/*_test.py")),
    *(
        f"optax/transforms/_{name}_test.py"
        for name in ("accumulation", "adding", "clipping", "combining", "conditionality", "masking")
    ),
]


def run(folder: Path, *, in_place: bool) -> dict[str, list[str]]:
    """The ids of the tests by outcome, and the names of ours that the test modules reach."""
    # Where the environment lies inside our checkout, our own conftest.py would be found above SITE.
    options = ["-c", os.devnull, "--rootdir", SITE, "--confcutdir", SITE]
    options += ["-p", "no:cacheprovider", "-p", "optax_plugin"]
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "JAX_"))}
    environment = inherited | {
        "JAX_PLATFORMS": "cpu",
        "OPTIM_IN_PLACE": str(int(in_place)),
        "OPTIM_OUTCOMES": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1])]),
    }
    finished = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-n",
            "2",
            *options,
            *(SITE / f for f in TEST_FILES),
        ],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert (folder / "outcomes.json").exists(), finished.stdout + finished.stderr
    reached = [json.loads(path.read_text()) for path in folder.glob("reached-*.json")]
    return json.loads((folder / "outcomes.json").read_text()) | {
        "reached": sorted(set.intersection(*map(set, reached))),
        "output": finished.stdout.splitlines()[-40:],
    }


def test_optaxs_own_tests_pass_with_ours_as_with_its_own(tmp_path):
    expected = json.loads(RECORD.read_text())
    if expected["versions"] != VERSIONS:
        (tmp_path / "plain").mkdir()
        expected = run(tmp_path / "plain", in_place=False)
        assert expected["reached"] == []
    (tmp_path / "ours").mkdir()
    ours = run(tmp_path / "ours", in_place=True)
    assert {*optim.__all__} <= {*ours["reached"]}
    assert len(expected["passed"]) > 700
    for outcome in ("passed", "skipped"):
        different = {*ours[outcome]} ^ {*expected[outcome]}
        assert not different, "\n".join([outcome, *sorted(different), *ours["output"]])


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        outcomes = run(Path(folder), in_place=False)
    record = {"versions": VERSIONS} | {k: outcomes[k] for k in ("passed", "skipped", "failed")}
    RECORD.write_text(json.dumps(record, indent=0) + "\n")
