"""Filling memory that belongs to no process: what is sent to sockets, or written to pipes, and never read."""

from benchmarks.escapes.snippet import Snippet

_FILL = """
import mmap, os, socket, time
held = mmap.mmap(-1, 4096)
def pour(target):
    target.setblocking(False)
    for size in (65536, 1024):
        try:
            while True:
                count[0] += target.send(bytes(size))
        except (BlockingIOError, ConnectionError):
            pass
def fill(number):
    kept = []
    try:
        while True:
HOW
            held[8 * number : 8 * number + 8] = count[0].to_bytes(8, 'little')
    except OSError:
        pass
    time.sleep(10)
for number in range(12):
    if os.fork() == 0:
        count = [0]
        fill(number)
        os._exit(0)
for _ in range(20):
    time.sleep(0.1)
    if sum(int.from_bytes(held[8 * n : 8 * n + 8], 'little') for n in range(12)) > 400_000_000:
        print('ESC' + 'APED')
"""


def _filling(how: str) -> str:
    lines = (f"            {line}" for line in how.strip().splitlines())
    return _FILL.replace("HOW", "\n".join(lines))


SOCKETS = (
    Snippet(
        "fill memory with pairs of sockets",
        "they hold more than the limit",
        _filling(
            """
pair = socket.socketpair()
kept.append(pair)
for one in pair:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
    pour(one)
"""
        ),
    ),
    Snippet(
        "fill memory with messages between sockets",
        "they hold more than the limit",
        _filling(
            """
pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
kept.append(pair)
for one in pair:
    pour(one)
"""
        ),
    ),
    Snippet(
        "fill memory with datagrams of senders that are gone",
        "they hold more than the limit",
        _filling(
            """
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind('')
kept.append(receiver)
for _ in range(300):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect(receiver.getsockname())
        pour(sender)
"""
        ),
    ),
    Snippet(
        "fill memory with connections that nobody takes",
        "they hold more than the limit",
        _filling(
            """
if not kept:
    kept.append(socket.socket(socket.AF_UNIX))
    kept[0].bind('')
    kept[0].listen(4096)
with socket.socket(socket.AF_UNIX) as sender:
    sender.setblocking(False)
    sender.connect(kept[0].getsockname())
    pour(sender)
"""
        ),
    ),
    Snippet(
        "fill memory with sockets on their way",
        "they hold more than the limit",
        _filling(
            """
way = socket.socketpair()
kept.append(way)
for _ in range(10):
    pair = socket.socketpair()
    for one in pair:
        pour(one)
    socket.send_fds(way[0], [b'x'], [one.fileno() for one in pair])
    for one in pair:
        one.close()
"""
        ),
    ),
    Snippet(
        "fill memory with connections over loopback",
        "they hold more than the limit",
        _filling(
            """
if not kept:
    kept.append(socket.create_server(('127.0.0.1', 0)))
pair = socket.create_connection(kept[0].getsockname()), kept[0].accept()[0]
kept.append(pair)
for one in pair:
    pour(one)
"""
        ),
    ),
    Snippet(
        "fill memory with datagrams over loopback",
        "they hold more than the limit",
        _filling(
            """
receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
receiver.bind(('127.0.0.1', 0))
receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
kept.append(receiver)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
    for _ in range(10):
        count[0] += sender.sendto(bytes(20_000), receiver.getsockname())
"""
        ),
    ),
    Snippet(
        "fill memory with pipes",
        "they hold more than the limit",
        _filling(
            """
import fcntl
ends = os.pipe()
kept.append(ends)
try:
    fcntl.fcntl(ends[1], 1031, 1 << 20)
except OSError:
    pass
os.set_blocking(ends[1], False)
try:
    while True:
        count[0] += os.write(ends[1], bytes(65536))
except BlockingIOError:
    pass
"""
        ),
    ),
    Snippet(
        "use up the host's instances of inotify",
        "the kernel makes one",
        "import ctypes\nif ctypes.CDLL(None).inotify_init1(0) >= 0:\n    print('ESC' + 'APED')",
    ),
)
