"""What a command imports: nothing that its run does not use."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.cold_start import STUB, answered
from tests.commands import environment
from tests.provider_server import provider

UNUSED = frozenset(
    {
        "torch",
        "alembic",
        "sklearn",
        "scipy",
        "pandas",
        "transformers",
        "sentence_transformers",
        "onnxruntime",
        "qdrant_client",
        "psycopg",
        "mcp",
        "trafilatura",
        "lxml",
        "bs4",
        "PIL",
        "openpyxl",
        "matplotlib",
        "memento.evals.runs",
        "xllamacpp",
    }
)
PROGRAM = """
import atexit, sys
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
from memento.cli.start import main
main()
"""


@pytest.mark.parametrize(
    "policy", [*(pytest.param(name, marks=pytest.mark.slow) for name in ("none", "similarity")), "advantage"]
)
def test_a_run_imports_nothing_that_it_does_not_use(policy: str, tmp_path: Path) -> None:
    words = ("ask", "What is six times seven?", "-r", "forty-two", "--policy", policy, "--json")
    with provider(answered) as url:
        env = environment(tmp_path / "home", url, MEMENTO_ENCODER=STUB)
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *words], env=env, cwd=tmp_path, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    modules = set(done.stderr.splitlines()[-1].split())
    assert "memento.memory.case_memory" in modules
    assert sorted(UNUSED & modules) == []


def test_the_garbage_collection_of_a_host_is_left_alone_when_commands_are_imported() -> None:
    program = "import gc; before = gc.get_threshold(); import memento.cli.main; assert gc.get_threshold() == before"
    subprocess.run([sys.executable, "-c", program], check=True, env=dict(os.environ))


@pytest.mark.parametrize("said", [None, "active"])
def test_threads_of_openmp_sleep_while_they_wait_unless_the_environment_says_otherwise(said: str | None) -> None:
    program = (
        "import atexit, os, sys\n"
        "atexit.register(lambda: print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules, file=sys.stderr))\n"
        "from memento.cli.start import main; main()"
    )
    env = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    env |= {} if said is None else {"OMP_WAIT_POLICY": said}
    done = subprocess.run(
        [sys.executable, "-c", program, "--help"], env=env, capture_output=True, text=True, check=True
    )
    assert done.stderr.splitlines()[-1] == f"{said or 'passive'} False"
