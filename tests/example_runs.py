"""Runs a file of `examples/` as a user would: in a folder of its own, with a provider's URL."""

import contextlib
import io
import os
import runpy
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"


def run_example(
    name: str, folder: Path, *arguments: str, base_url: str = "", seconds: float = 100, **environment: str
) -> str:
    """Run one in a process of its own and return what it printed.

    Args:
        name: of the file, without `.py`.
        folder: it runs in, with its bank and its home below.
        arguments: of its command line.
        base_url: of the provider that its models ask (`tests.provider_server`).
        seconds: it may take.
        environment: more variables.
    """
    done = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py", *arguments],
        cwd=folder,
        env=_environment(folder, base_url) | environment,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, f"examples/{name}.py: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def play_example(name: str, folder: Path) -> str:
    """Run one that needs neither model nor server in this process, with this test's guards; return what it printed."""
    printed, before = io.StringIO(), sys.argv
    sys.argv = [f"{name}.py"]
    try:
        with contextlib.chdir(folder), contextlib.redirect_stdout(printed):
            runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    finally:
        sys.argv = before
    return printed.getvalue()


@contextlib.contextmanager
def serve_example(name: str, folder: Path, *command: str, base_url: str) -> Iterator[str]:
    """Start a server in a process of its own; gives its URL once it listens.

    Args:
        name: of the file, without `.py`.
        folder: it runs in.
        command: that starts it, by this Python, with PORT in the place of the port.
        base_url: of the provider that its models ask.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [word.replace("PORT", str(port)) for word in command]
    with (folder / f"{name}.log").open("w") as log:
        serving = subprocess.Popen(
            [sys.executable, *words], cwd=folder, env=_environment(folder, base_url), stdout=log, stderr=log
        )
        try:
            _wait_for(serving, port, folder / f"{name}.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            serving.terminate()
            serving.wait(timeout=30)


def _wait_for(serving: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(1000):
        assert serving.poll() is None, log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise AssertionError(f"no server after 100 seconds:\n{log.read_text()}")


def _environment(folder: Path, base_url: str) -> dict[str, str]:
    ours = {
        "HOME": str(folder),
        "MEMENTO_HOME": str(folder / "home"),
        "PYTHONWARNINGS": "error::DeprecationWarning:__main__",
    }
    if base_url:
        ours |= {"OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": "sk-of-a-test"}
    foreign = {key: value for key, value in os.environ.items() if not key.startswith(("MEMENTO_", "OPENAI_", "LANG"))}
    return foreign | ours
