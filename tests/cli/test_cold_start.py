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


@pytest.mark.parametrize("policy", ["none", "similarity", "advantage"])
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
