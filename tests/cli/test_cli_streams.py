"""Commands whose standard streams are closed, broken or full: no traceback, an exit code that makes sense."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import MEMENTO, environment

PROBE = """
import os, sys
from memento.cli.streams import flushed, open_missing_streams, silence_broken_streams, written_if_possible
open_missing_streams()
open_missing_streams()
number = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
with written_if_possible(sys.stdout):
    print("x" * 100_000, flush=True)
with written_if_possible(sys.stderr):
    print("y", flush=True, file=sys.stderr)
silence_broken_streams()
print("after")
flushed(None)
os.write(number, str((number, sys.stdin.read() if len(sys.argv) > 2 else "")).encode())
"""
CLOSED = [">&-", "2>&-", "<&-", ">&- 2>&- <&-", "2>&- <&-", "> /dev/full", "2> /dev/full", "| true", "2>&1 | true"]


def shell(command: str, *words: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a line of bash; its exit code is that of the first command of a pipe."""
    line = f"{command}; exit ${{PIPESTATUS[0]}}"
    return subprocess.run(
        ["bash", "-c", line, "bash", *map(str, words)], capture_output=True, text=True, check=False, env=env
    )


@pytest.mark.parametrize("closed", CLOSED)
def test_files_never_get_the_numbers_of_closed_streams(tmp_path: Path, closed: str) -> None:
    done = shell(f'"$1" -c "$2" "$3" {closed}', sys.executable, PROBE, tmp_path / "file")
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    number = int((tmp_path / "file").read_text().strip("()").partition(",")[0])
    assert number > 2
    assert "x" not in (tmp_path / "file").read_text()


def test_nothing_is_read_from_a_closed_stdin(tmp_path: Path) -> None:
    done = shell('"$1" -c "$2" "$3" read <&-', sys.executable, PROBE, tmp_path / "file")
    assert (done.returncode, (tmp_path / "file").read_text().endswith("'')")) == (0, True)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streams")
    (folder / "cases.jsonl").write_text('{"state": "six times seven", "action": "multiply", "reward": 1.0}\n')
    command = [str(MEMENTO), "cases", "import", str(folder / "cases.jsonl")]
    subprocess.run(command, check=True, env=environment(folder / "home"), capture_output=True)
    return folder / "home"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "closed"),
    [
        *(("cases list", closed) for closed in CLOSED),
        *(("cases list --json", closed) for closed in (">&-", "> /dev/full")),
        *(("cases show nope --json", closed) for closed in (">&- 2>&- <&-", "2> /dev/full")),
        *(("--help", closed) for closed in (">&-", "| true")),
    ],
)
def test_a_command_ends_well_whatever_its_streams_are(home: Path, words: str, closed: str) -> None:
    done = shell(f'"$1" {words} {closed}', MEMENTO, env=environment(home))
    for sign in ("Traceback", "unexpected error", "Exception ignored"):
        assert sign not in done.stdout + done.stderr
    is_full = closed == "> /dev/full"
    if "nope" in words:
        assert done.returncode == 2
    elif words == "--help":
        assert done.returncode in (0, 1)  # 1: whether the reader went before or after it was written
    else:
        assert done.returncode == (1 if is_full else 0)
        assert ("No space left on device" in done.stderr) == is_full
    assert os.listdir(home)
