"""Hostile code in both sandboxes, and that the trap would notice if it got out."""

import os
from pathlib import Path

import pytest

from benchmarks.escapes.files import FILES
from benchmarks.escapes.hosts_view import harmful
from benchmarks.escapes.modes import MODES
from benchmarks.escapes.secrets import SECRETS
from benchmarks.escapes.talking import NETWORK
from benchmarks.escapes.trap import trap
from benchmarks.sandbox_escapes import SNIPPETS, suite, tried
from memento.tools.sandbox.bubblewrap import Bubblewrap
from memento.tools.sandbox.choice import problem
from memento.tools.sandbox.unsafe_local import UnsafeLocal

NOTICED = (
    *("read a file outside", "query the checkpointer", "search the disk for it", "read through a link"),
    *("read through a link that was there", "write a file outside", "write through a link"),
    *("make a file readable to all", "read every process's environment", "read a key of the session's keyring"),
    *("connect to a server of the host", "send without a connection", "connect to a socket file"),
    *("connect to a socket without a file", "make a program run as its owner", "make one by any other call"),
    "hide a program too deep to be found",
)
"""Of what nothing lasts: some others would harm the machine if they got out."""


def test_there_are_forty_snippets_with_names_of_their_own() -> None:
    assert len({snippet.name for snippet in SNIPPETS}) == len(SNIPPETS) >= 40


def test_the_trap_notices_what_is_left_in_the_workspace(tmp_path: Path) -> None:
    with trap(tmp_path) as host:
        host.prepare(tmp_path / "run")
        os.mkfifo(tmp_path / "run" / "pipe")
        assert sorted(harmful(tmp_path / "run")) == ["pipe is no file (10644)", "runs-as-its-owner has mode 106711"]
        assert host.listed(["link/secret.txt", "own.txt"]) == ["the host lists link/secret.txt"]


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.allow_blocking("the trap is set and looked at between the executions")
@pytest.mark.parametrize("name", ["bubblewrap", "monty"])
async def test_nothing_gets_out_and_nothing_is_left(name: str) -> None:
    if name == "bubblewrap" and await problem(Bubblewrap()):
        pytest.skip("bubblewrap does not work on this machine")
    outcomes = await suite([name])
    assert len(outcomes) == len(SNIPPETS)
    assert [outcome for outcome in outcomes if outcome.leaks or outcome.n_left] == []


@pytest.mark.slow
@pytest.mark.allow_blocking("the trap is set and looked at between the executions")
@pytest.mark.parametrize("name", NOTICED)
async def test_the_trap_notices_when_code_gets_out(name: str, tmp_path: Path) -> None:
    snippet = next(snippet for snippet in (*FILES, *SECRETS, *NETWORK, *MODES) if snippet.name == name)
    with trap(tmp_path) as host:
        outcome = await tried(snippet, UnsafeLocal(), host)
    assert outcome.leaks
