"""What every test gets: no network but loopback, no environment but ours, no blocking call on the event loop.

Nothing here puts the repository root on `sys.path`. `tests` is importable because pytest's importlib mode registers
the package of a test file by its path; were the root on the path, `import graph` would work too, and would be a second
copy of `memento.graph` (`a_second_copy_fails` watches for that). `benchmarks` and `docs` are registered by their paths,
too.
"""

import gc
import os
import shutil
import signal
import socket
import sys
import uuid
from collections.abc import Generator, Iterator
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Any

# Read once, when these libraries are imported, so a fixture would come too late.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
# Tests run side by side, and what they compute is small: more threads than that wait for each other. The suite takes
# twice as long with them.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
# Every HTTP client reads all authorities that the world trusts, for 25 milliseconds; loopback has no certificates. The
# key of this one is thrown away.
os.environ["SSL_CERT_FILE"] = str(Path(__file__).with_name("no_authority.pem"))
# As `memento.openmp` has it, which a local model asks for too late when another test's torch has loaded OpenMP.
os.environ["OMP_WAIT_POLICY"] = "passive"

import pytest
from blockbuster import blockbuster_ctx
from hypothesis import settings
from pytest_socket import SocketBlockedError

from tests.built import built
from tests.postgres import postgres_url

__all__ = ["built", "postgres_url"]  # fixtures are offered to every test by being here

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")

ROOT = Path(__file__).parent.parent
BARE_FOLDERS = ("graph", "nodes", "memory", "tools", "integrations", "service", "cli", "evals")
OUTSIDE = ("MEMENTO_", "OPENAI_", "AZURE_", "TAVILY_", "LANGSMITH_", "LANGCHAIN_", "LANGGRAPH_")
LOOPBACK = "127.0.0.1,::1,localhost"

for _folder in ("benchmarks", "docs"):
    _spec = ModuleSpec(_folder, None, is_package=True)
    _spec.submodule_search_locations = [str(ROOT / _folder)]
    sys.modules.setdefault(_folder, module_from_spec(_spec))

LONGEST = (
    *("test_learning_demo", "test_sandbox_escapes", "test_extras", "test_reply_conformance", "test_mcp_servers"),
    *("test_hostile_documents", "test_tenant_attacks", "test_cli_import", "test_mcp_memory", "test_migrations"),
)
"""Files with slow tests of twenty seconds and more: one that begins last keeps all other workers waiting."""
IN_MEMORY = "/dev/shm"  # noqa: S108  pytest makes a private folder there
ROOM = 4 << 30

_connect = socket.socket.connect
_getaddrinfo = socket.getaddrinfo


def pytest_configure(config: pytest.Config) -> None:
    """Forbid the network for any way of starting pytest, an IDE's included (so not through `addopts`).

    A shell starts what runs in the background with Ctrl-C ignored, and commands that tests interrupt would inherit it.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.option.allow_hosts = config.option.allow_hosts or LOOPBACK
    config.option.allow_unix_socket = True  # asyncio's self-pipe, Postgres
    if _has_room_in_memory():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", IN_MEMORY)


def _has_room_in_memory() -> bool:
    """Whether tests can have their folders in memory: on a disk, a bank costs three times as much to make."""
    try:
        found = os.statvfs(IN_MEMORY)
    except (AttributeError, OSError):  # not Linux
        return False
    return found.f_bavail * found.f_frsize >= ROOM and not found.f_flag & os.ST_NOEXEC  # tests run scripts of theirs


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without looking for garbage; what was imported and collected stays, so no later look needs to see it.

    Later looks are rarer than Python's default: they take a tenth of the time of tests that open memories.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Live tests see the real world, and run only when asked for by name (`-m live`); the longest tests come first."""
    asked = "live" in config.option.markexpr
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))
    for item in items:
        if item.get_closest_marker("live"):
            item.add_marker("enable_socket" if asked else pytest.mark.skip(reason="needs a key or server: `make live`"))


@pytest.fixture(autouse=True)
def isolated(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: Any) -> Iterator[None]:
    """Clear what the developer's shell says, and give the test a MEMENTO_HOME that does not exist yet."""
    if request.node.get_closest_marker("live"):
        monkeypatch.setattr(socket.socket, "connect", _connect)  # an earlier test's guard may have outlived it
        monkeypatch.delenv("SSL_CERT_FILE")
        yield
        return
    for name in [name for name in os.environ if name.startswith(OUTSIDE)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHON_DOTENV_DISABLED", "1")  # nor does a .env in the checkout; a test of .env takes this away
    monkeypatch.setenv("LANGSMITH_TRACING", "false")
    home = tmp_path_factory.getbasetemp() / f"home-{uuid.uuid4().hex[:12]}"
    monkeypatch.setenv("MEMENTO_HOME", str(home))
    monkeypatch.setattr(socket, "getaddrinfo", _resolve_loopback)
    yield
    shutil.rmtree(home, ignore_errors=True)  # a bank's has eighty megabytes, which may be memory's


def _resolve_loopback(host: Any, *args: Any, **kwargs: Any) -> Any:
    """Look a name up, if that needs no network: asking DNS is network too, and pytest-socket lets it pass."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost") or _is_address(name):
        return _getaddrinfo(host, *args, **kwargs)
    if name.endswith(".invalid"):  # RFC 6761: never resolves, so a test may count on that
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    raise SocketBlockedError(f"A test tried to use socket.getaddrinfo() for {name!r}.")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


@pytest.fixture(autouse=True)
def unblocked_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    """Raise BlockingError from a blocking call made on a running event loop, by us or by a library we call."""
    mark = request.node.get_closest_marker("allow_blocking")
    if mark and not (mark.args or mark.kwargs.get("reason")):
        pytest.fail("allow_blocking needs a reason: @pytest.mark.allow_blocking('why')", pytrace=False)
    if mark:
        yield
        return
    with blockbuster_ctx() as detector:
        for name, function in detector.functions.items():
            # An import is paid once a process, and by whichever test comes first.
            function.can_block_in("<frozen importlib._bootstrap>", {"_find_and_load"})
            # Not ours: coverage takes a lock at the first line of each file, in whatever thread that is.
            function.can_block_in("coverage/collector.py", {"lock_data"})
            # Nor is this: with `-q`, pytest itself prints a letter for a part of a test, while the test runs.
            function.can_block_in("_pytest/terminal.py", {"pytest_runtest_logreport"})
            if name == "os.stat" or name.startswith("os.path."):
                function.deactivate()  # microseconds, and every library asks
        yield


@pytest.fixture(autouse=True)
def a_second_copy_fails() -> Iterator[None]:
    """Fail the test after which a bare folder of ours is imported: its classes are not those of `memento`."""
    yield
    for name in BARE_FOLDERS:
        if (file := getattr(sys.modules.get(name), "__file__", None)) and Path(file).is_relative_to(ROOT):
            del sys.modules[name]  # one guilty test, not every test after it
            pytest.fail(f"`{name}` was imported from {file}; it is `memento.{name}`", pytrace=False)
