"""A host full of secrets, servers and witnesses, and what shows that one was reached."""

import ctypes
import os
import platform
import secrets
import socket
import sqlite3
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.escapes.hosts_view import PLANTED_SET_ID, harmful
from memento.tools.errors import ToolInputError
from memento.tools.sandbox.footprint import Footprint, footprint
from memento.tools.sandbox.port import SandboxLimits
from memento.tools.sandbox.processes import tree
from memento.tools.workspace import Workspace

_WITNESS = "memento-escape-witness"
_BETWEEN_LOOKS_BYTES = 1_000_000_000
# Where links lie that were there before, and that snippets plant.
_PLANTED = (
    *("there", "there_folder/secret.txt", "planted", "climbing"),
    *("folder/secret.txt", "below/planted", "out/witness"),
)
_ADD_KEY = {"x86_64": 248, "aarch64": 217}
_UNLINK_KEY = {"x86_64": 250, "aarch64": 219}


class Trap:
    """Files, servers and a process that code in a sandbox must not reach."""

    def __init__(self, root: Path, stack: ExitStack) -> None:
        self.token = f"TOKEN-{secrets.token_hex(8)}"
        self.root, self._stack = root, stack
        self.visitors: list[str] = []
        self.home, self.project, self.outside = root / "home", root / "project", root / "outside"
        for folder in (self.home / "workspaces" / "other", self.project, self.outside):
            folder.mkdir(parents=True)
        for path in (
            self.home / "secret.txt",
            self.home / "ledger.sqlite",
            self.home / "workspaces" / "other" / "notes.txt",
            self.project / ".env",
        ):
            path.write_text(f"OPENAI_API_KEY={self.token}\n")
        with sqlite3.connect(self.home / "threads.sqlite") as threads:
            threads.execute("CREATE TABLE kept AS SELECT ? AS answer", [self.token])
        (self.outside / "witness").write_text("untouched")
        self._shared = Path("/dev/shm", f"memento-{self.token}")  # noqa: S108
        if self._shared.parent.is_dir():
            self._shared.write_text(self.token)
            stack.callback(self._shared.unlink)
        self._serve()
        self._witness = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(3600)", _WITNESS], env={"OPENAI_API_KEY": self.token}
        )
        stack.callback(self._witness.wait)
        stack.callback(self._witness.kill)
        self._kept_before = self._outside_now()

    def facts(self) -> dict[str, Any]:
        """Give the names that snippets use; the token is none of them."""
        return {
            "secret": str(self.home / "secret.txt"),
            "ledger": str(self.home / "ledger.sqlite"),
            "threads": str(self.home / "threads.sqlite"),
            "dotenv": str(self.project / ".env"),
            "other_run": str(self.home / "workspaces" / "other" / "notes.txt"),
            "outside": str(self.outside),
            "parent": str(self.root),
            "site_packages": sysconfig.get_path("purelib"),
            "hostname": socket.gethostname(),
            "host_pid": str(os.getpid()),
            "witness_pid": self._witness.pid,
            "witness_name": _WITNESS,
            "port": self._port,
            "address": _own_address(),
            "socket_file": self._socket_file,
            "abstract": self._abstract,
        }

    def prepare(self, folder: Path) -> None:
        """Make a workspace in which links and a set-id file lie already, as another run's code may have left them."""
        folder.mkdir()
        secret = self.home / "secret.txt"
        (folder / "there").symlink_to(secret)
        (folder / "there_folder").symlink_to(self.home)
        (folder / "there_climbing").symlink_to(os.path.relpath(secret, folder))
        (folder / "there_proc").symlink_to("/proc/self/environ")
        (folder / PLANTED_SET_ID).touch()
        (folder / PLANTED_SET_ID).chmod(0o6711)

    def leaks(self, output: str, folder: Path, limits: SandboxLimits) -> list[str]:
        """Look for everything that shows an escape; empty when there was none."""
        found = []
        if self.token in output:
            found.append("the token was printed")
        if "ESCAPED" in output:
            found.append(output[output.index("ESCAPED") :][:80].splitlines()[0])
        if len(output.encode()) > limits.output_bytes + 1_000:
            found.append("more output than allowed")
        if self.visitors:
            found.append(f"visitors: {self.visitors}")
            self.visitors.clear()
        if self._witness.poll() is not None:
            found.append("the witness is dead")
        if self._outside_now() != self._kept_before:
            found.append("something outside has changed")
        return found + self._in_workspace(folder, limits) + harmful(folder)

    def listed(self, seen: Iterable[str]) -> list[str]:
        """Say which names the host has listed that lie elsewhere."""
        elsewhere = {path.name for path in self.home.rglob("*") if path.is_file()}
        return [f"the host lists {path}" for path in sorted(seen) if path.rpartition("/")[2] in elsewhere]

    def _in_workspace(self, folder: Path, limits: SandboxLimits) -> list[str]:
        """Read the workspace as the host would."""
        found = []
        workspace = Workspace(folder)
        for path in [*(entry.path for entry in workspace.entries()), *_PLANTED]:
            try:
                content = workspace.read(path, max_bytes=limits.workspace_bytes)
            except ToolInputError:
                continue
            if self.token.encode() in content:
                found.append(f"the host reads the token in {path}")
        kept = footprint(folder, at_most=Footprint(100 * limits.n_files, 100 * limits.workspace_bytes))
        # The watchdog looks ten times a second; in between, a disk takes some hundred megabytes.
        if kept.n_bytes > limits.workspace_bytes + _BETWEEN_LOOKS_BYTES or kept.n_files > 50 * limits.n_files:
            found.append(f"the workspace holds {kept}")
        return found

    def _outside_now(self) -> list[tuple[str, bytes, int]]:
        watched = [*sorted(self.home.rglob("*")), *sorted(self.outside.rglob("*"))]
        return [(str(path), path.read_bytes(), path.stat().st_mode) for path in watched if path.is_file()]

    def _serve(self) -> None:
        self._socket_file, self._abstract = str(self.root / "socket"), f"memento-{self.token[6:]}"
        internet = socket.create_server(("127.0.0.1", 0))
        self._port = internet.getsockname()[1]
        self._listen(internet, "tcp")
        datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagram.bind(("127.0.0.1", self._port))
        self._listen(datagram, "udp")
        for name, address in (("file", self._socket_file), ("abstract", f"\0{self._abstract}")):
            server = socket.socket(socket.AF_UNIX)
            server.bind(address)
            server.listen()
            self._listen(server, name)

    def _listen(self, server: socket.socket, name: str) -> None:
        """Note every visitor, and tell it the token."""

        def serve() -> None:
            while True:
                try:
                    if name == "udp":
                        server.recvfrom(100)
                    else:
                        visitor, _ = server.accept()
                        with visitor:
                            visitor.sendall(self.token.encode())
                except ConnectionError:
                    pass
                except OSError:
                    return
                self.visitors.append(name)

        threading.Thread(target=serve, daemon=True).start()
        self._stack.callback(server.close)
        self._stack.callback(_shut, server)


@contextmanager
def trap(root: Path) -> Iterator[Trap]:
    """Set the trap, with the token in our own environment and keyring too."""
    with ExitStack() as stack:
        set_trap = Trap(root, stack)
        before = os.environ.get("OPENAI_API_KEY")
        os.environ["OPENAI_API_KEY"] = set_trap.token
        stack.callback(_restore, before)
        key = _add_key(set_trap.token)
        if key is not None:
            stack.callback(_remove_key, key)
        yield set_trap


def left_processes(folder: Path, known: set[int]) -> list[int]:
    """Find processes that an execution left: below us, or anywhere with its workspace mounted."""
    place = folder.stat()
    left = [pid for pid in tree(os.getpid()) if pid not in known and os.path.exists(f"/proc/{pid}/task")]
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) not in known:
            try:
                found = os.stat(f"/proc/{name}/root/workspace")
            except OSError:
                continue
            if (found.st_dev, found.st_ino) == (place.st_dev, place.st_ino):
                left.append(int(name))
    return left


def _shut(server: socket.socket) -> None:
    with suppress(OSError):  # one that was not connected; its thread wakes up all the same
        server.shutdown(socket.SHUT_RDWR)


def _restore(key: str | None) -> None:
    if key is None:
        del os.environ["OPENAI_API_KEY"]
    else:
        os.environ["OPENAI_API_KEY"] = key


def _add_key(token: str) -> int | None:
    number = _ADD_KEY.get(platform.machine())
    if number is None:
        return None
    content = token.encode()
    call = ctypes.CDLL(None).syscall
    key: int = call(number, b"user", b"memento-escape", content, len(content), -3)
    return key if key > 0 else None


def _remove_key(key: int) -> None:
    ctypes.CDLL(None).syscall(_UNLINK_KEY[platform.machine()], 9, key, -3)


def _own_address() -> str:
    try:
        return socket.gethostbyname(socket.gethostname())
    except OSError:
        return "127.0.0.1"
