"""An editable install in strict mode is one that a consumer's type checker can follow."""

import json
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.built import NOT_SOURCE, ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
PYRIGHT = Path(sys.executable).with_name("pyright")


@pytest.fixture
def consumer(tmp_path: Path) -> Path:
    """A project with an environment of its own, in which a checkout is installed as the README says."""
    checkout, project = tmp_path / "checkout", tmp_path / "project"
    shutil.copytree(ROOT, checkout, symlinks=True, ignore=shutil.ignore_patterns(*NOT_SOURCE, "tests", ".typing"))
    venv.create(project / ".venv", with_pip=False, symlinks=True)
    (site,) = (project / ".venv" / "lib").glob("python*/site-packages")
    # A folder named in a .pth is only searched: its own .pth files, the editable finder's among them, are not run.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(project / ".venv" / "bin" / "python"), "install", "-q"]
    options = ["--no-deps", "--no-index", "--no-build-isolation", "--config-settings", "editable_mode=strict"]
    subprocess.run([*pip, *options, "-e", str(checkout)], check=True, capture_output=True)
    shutil.copy(ROOT / "tests" / "consumer.py", project)
    settings = {"include": ["consumer.py"], "venvPath": ".", "venv": ".venv", "typeCheckingMode": "standard"}
    (project / "pyrightconfig.json").write_text(json.dumps(settings))
    return project


def test_pyright_follows_a_strict_editable_install(consumer: Path) -> None:
    done = subprocess.run([PYRIGHT, "--outputjson"], cwd=consumer, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)["generalDiagnostics"]
    lines = (consumer / "consumer.py").read_text(encoding="utf-8").splitlines()
    refused = [number for number, line in enumerate(lines) if "# refused" in line]
    assert sorted({one["range"]["start"]["line"] for one in found}) == refused, found
    python = consumer / ".venv" / "bin" / "python"
    command = [python, "-c", "import memento.graph; print(memento.graph.__file__)"]
    where = subprocess.run(command, cwd=consumer, check=True, capture_output=True, text=True).stdout.strip()
    assert Path(where).is_relative_to(consumer.parent / "checkout"), "editable: no copy in the environment"
