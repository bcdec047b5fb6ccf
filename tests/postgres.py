"""A throw-away Postgres for the ledger's tests: Debian's binaries, a temporary folder, loopback, no durability."""

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest

_PLACES = ["/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin"]


def _binaries() -> Path | None:
    """The folder that holds initdb: on PATH, else where the distributions hide it, newest version first."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    folders = [folder for place in _PLACES for folder in Path("/").glob(place[1:]) if (folder / "initdb").exists()]
    return max(
        folders,
        key=lambda folder: [int(part) for part in folder.parent.name.split(".") if part.isdigit()],
        default=None,
    )


def _as_unprivileged(*command: str | Path) -> list[str]:
    """Postgres refuses to run as root: there, run it as the user its package made, else as nobody."""
    line = [str(part) for part in command]
    return ["runuser", "-u", _user(), "--", *line] if os.geteuid() == 0 else line


def _user() -> str:
    return "postgres" if any(entry.pw_name == "postgres" for entry in pwd.getpwall()) else "nobody"


def _free_port() -> int:
    with closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an empty database; one server for the whole session, so a test makes its own schema or tables.

    Yields:
        `postgresql+psycopg://...`, for SQLAlchemy.
    """
    if find_spec("psycopg") is None:
        pytest.skip("the extra `postgres` is not installed")
    binaries = _binaries()
    if binaries is None:
        pytest.skip("no Postgres binaries (Debian: apt-get install postgresql)")
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        pytest.skip("root, and no runuser to start Postgres as somebody else")
    # Not under pytest's own folder: that is closed to other users, and a socket's path has to be short.
    make_home = _as_unprivileged("mktemp", "-d", "-t", "memento-pg-XXXXXX")
    home = Path(subprocess.run(make_home, check=True, capture_output=True, text=True).stdout.strip())
    cluster, port = home / "data", _free_port()

    def run(tool: str, *arguments: str | Path) -> None:
        # The output goes to a file: pg_ctl's child would keep a pipe open, and us waiting, for as long as it lives.
        log = tmp_path_factory.getbasetemp() / f"postgres-{tool}.log"
        with log.open("w") as sink:
            command = _as_unprivileged(binaries / tool, *arguments)
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, cwd="/", check=False)
        if done.returncode:
            pytest.fail(f"{tool} failed:\n{log.read_text()}", pytrace=False)

    try:
        run("initdb", "-D", cluster, "-U", "memento", "--auth=trust", "--encoding=UTF8", "--no-sync")
        options = f"-h 127.0.0.1 -p {port} -k {home} -F -c synchronous_commit=off -c full_page_writes=off"
        run("pg_ctl", "-D", cluster, "-o", options, "-w", "start")
        try:
            yield f"postgresql+psycopg://memento@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-D", cluster, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)
