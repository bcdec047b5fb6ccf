"""Memory of sockets, and groups of the kernel that count it."""

import os
import socket
import sys
from pathlib import Path

import pytest

from memento.tools.sandbox.bubblewrap import Bubblewrap
from memento.tools.sandbox.choice import problem
from memento.tools.sandbox.control_group import made_group
from memento.tools.sandbox.port import SandboxLimits
from memento.tools.sandbox.processes import usage
from memento.tools.sandbox.socket_memory import socket_memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")

FILL = """
import os, socket, time
{limits}
for _ in range(10):
    if os.fork() == 0:
        kept = []
        try:
            while True:
                pair = {pair}
                kept.append(pair)
                for one in pair:
                    one.setblocking(False)
                    try:
                        while True:
                            one.send(bytes(65536))
                    except BlockingIOError:
                        pass
        except OSError:
            pass
        time.sleep(20)
time.sleep(20)
"""
PAIRS = {
    "unix": "socket.socketpair()",
    "messages": "socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)",
    "tcp": "(socket.create_connection(server.getsockname()), server.accept()[0])",
}


@pytest.mark.parametrize("kind", PAIRS)
async def test_code_ends_when_it_fills_sockets_beyond_its_memory(kind: str, tmp_path: Path) -> None:
    if await problem(Bubblewrap()):
        pytest.skip("bubblewrap does not work on this machine")
    code = FILL.format(limits="server = socket.create_server(('127.0.0.1', 0))", pair=PAIRS[kind])
    limits = SandboxLimits(wall_s=15, memory_bytes=300_000_000)
    execution = await Bubblewrap().run("python", code, folder=tmp_path, limits=limits)
    assert (execution.exit_code, execution.ended_by) == (None, "memory")


async def test_code_may_use_sockets_within_its_memory(tmp_path: Path) -> None:
    if await problem(Bubblewrap()):
        pytest.skip("bubblewrap does not work on this machine")
    code = """
import asyncio, multiprocessing, threading, urllib.request
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_): pass
open('page.txt', 'w').write('x' * 1_000_000)
server = ThreadingHTTPServer(('127.0.0.1', 0), Quiet)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f'http://127.0.0.1:{server.server_port}/page.txt'
sizes = [len(urllib.request.urlopen(url).read()) for _ in range(5)]
with multiprocessing.Pool(2) as pool:
    numbers = pool.map(abs, range(-3, 0))
async def spoken():
    process = await asyncio.create_subprocess_exec('echo', 'said', stdout=-1)
    return (await process.communicate())[0]
print(sizes, numbers, asyncio.run(spoken()))
"""
    limits = SandboxLimits(wall_s=30, memory_bytes=300_000_000)
    execution = await Bubblewrap().run("python", code, folder=tmp_path, limits=limits)
    assert execution.output == "[1000000, 1000000, 1000000, 1000000, 1000000] [3, 2, 1] b'said\\n'\n"
    assert execution.exit_code == 0


def test_sockets_count_whoever_holds_them() -> None:
    before = socket_memory(os.getpid())
    pairs = [socket.socketpair() for _ in range(50)]
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    receiver.sendto(bytes(20_000), receiver.getsockname())
    held = socket_memory(os.getpid()) - before
    for one in [receiver, *(one for pair in pairs for one in pair)]:
        one.close()
    assert held >= 100 * 200_000 + 20_000
    assert socket_memory(2**22 + 1) == 0


def test_memory_of_page_tables_counts() -> None:
    # A read of memory that was never written gives every process the same page, but each its own tables.
    import mmap

    pids = [os.getpid()]
    before = usage(pids, max_processes=10, max_tasks=10_000).memory_bytes
    with mmap.mmap(-1, 1 << 30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ) as space:
        for place in range(0, 1 << 30, 1 << 21):
            space[place]
        assert usage(pids, max_processes=10, max_tasks=10_000).memory_bytes - before >= 512 * 4096


def test_a_control_group_is_used_or_there_is_none() -> None:
    group = made_group(50_000_000, 100)
    if group is None:
        pytest.skip("no control group may be made on this machine")
    try:
        assert not group.is_exceeded()
    finally:
        group.close()
