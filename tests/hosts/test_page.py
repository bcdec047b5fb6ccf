"""docs/hosts.md is true: its table is fresh, each of its cells a test, its snippets run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hosts.brain import TOWN, YEAR, Brain
from tests.hosts.cells import FEATURES, ROWS, WITHOUT_LOOP, markdown, node_ids
from tests.hosts.page import PAGE, ROOT, snippets
from tests.provider_server import provider


def test_the_table_is_fresh() -> None:
    assert f"<!-- hosts:start -->\n{markdown()}\n<!-- hosts:end -->" in PAGE, "run `make docs`"


@pytest.mark.slow
def test_each_cell_is_a_test_that_is_collected() -> None:
    """By a pytest of its own, because this one may have been asked for some tests only."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "tests/hosts/test_conformance.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    collected = set(re.findall(r"test_conformance\.py::(\w+\[[^\]]+\])", done.stdout))
    cells = {name for name in collected if not name.startswith(f"{WITHOUT_LOOP}[")}
    assert cells == node_ids(), done.stdout[-2000:] + done.stderr[-2000:]
    assert len(cells) == len(ROWS) * len(FEATURES)


def test_no_cell_is_missing() -> None:
    table = PAGE.partition("<!-- hosts:start -->")[2].partition("<!-- hosts:end -->")[0]
    rows = re.findall(r"^\| (.+) \|$", table, re.MULTILINE)
    cells = [row.split(" | ") for row in rows[1:]]
    assert [cell[0] for cell in cells] == [row.title for row in ROWS]
    assert all(re.fullmatch(r"yes(\[\^\d+\])?", text) for cell in cells for text in cell[1:])


@pytest.mark.slow
def test_snippets_run_when_copied(tmp_path: Path) -> None:
    """One after the other in one process. The hosts' models share connections, which may not outlive an event loop."""
    codes = snippets("runs")
    program = "\n".join(
        f"exec(compile({code!r}, 'docs/hosts.md', 'exec'), {{'__name__': '__main__'}})" for code in codes
    )
    with provider(Brain().wire) as url:
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env={**os.environ, "OPENAI_BASE_URL": url, "OPENAI_API_KEY": "sk-of-a-test"},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert len(codes) == 4
    assert done.stdout.count("So far for 'Where was Columbus born?'") == 3, "the supervisor, the agent, the deep agent"
    assert re.search(rf"^{TOWN} \S+\n{YEAR}$", done.stdout, re.MULTILINE), "the graphs around it"
