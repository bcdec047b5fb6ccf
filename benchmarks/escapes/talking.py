"""Reaching for a network, a socket, another process."""

from benchmarks.escapes.snippet import CALL, Snippet

NETWORK = (
    Snippet(
        "connect to a server of the host",
        "the server has a visitor",
        "import socket\nsocket.create_connection(('127.0.0.1', {port}), 2).sendall(b'x')",
    ),
    Snippet(
        "connect by other addresses",
        "the server has a visitor",
        """
import socket
for host in ('localhost', '0.0.0.0', '::1', '::ffff:127.0.0.1', {address!r}, {hostname!r}, '169.254.169.254'):
    try:
        socket.create_connection((host, {port}), 1).sendall(b'x')
        print('ESC' + 'APED', host)
    except OSError:
        pass
""",
    ),
    Snippet(
        "fetch over http",
        "the server has a visitor",
        "import urllib.request\nprint(urllib.request.urlopen('http://127.0.0.1:{port}/', timeout=2).read())",
    ),
    Snippet(
        "send without a connection",
        "the datagram arrives",
        "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {port}))",
    ),
    Snippet(
        "ask for a name",
        "an address comes back",
        "import socket\nprint(socket.getaddrinfo('example.com', 80))\nprint('ESC' + 'APED')",
    ),
    Snippet(
        "ask a name server",
        "something is sent",
        "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(bytes(12), ('8.8.8.8', 53))\n"
        "print('ESC' + 'APED')",
    ),
    Snippet(
        "connect to a socket file",
        "the server has a visitor",
        """
import socket
for path in ({socket_file!r}, '/var/run/docker.sock', '/run/docker.sock', '/run/dbus/system_bus_socket'):
    try:
        socket.socket(socket.AF_UNIX).connect(path)
        print('ESC' + 'APED', path)
    except OSError:
        pass
""",
    ),
    Snippet(
        "connect to a socket without a file",
        "the server has a visitor",
        "import socket\nsocket.socket(socket.AF_UNIX).connect('\\0' + {abstract!r})\nprint('ESC' + 'APED')",
    ),
    Snippet(
        "talk to the machine below",
        "the kernel makes the socket",
        "import socket\nfor family in (40, 17, 38, 31, 44):\n    try:\n"
        "        socket.socket(family, socket.SOCK_STREAM if family == 40 else socket.SOCK_RAW)\n"
        "        print('ESC' + 'APED', family)\n    except OSError:\n        pass",
    ),
    Snippet(
        "make raw packets",
        "the kernel makes the socket",
        "import socket\nfor protocol in (1, 6, 255):\n    try:\n"
        "        socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol)\n"
        "        print('ESC' + 'APED')\n    except OSError:\n        pass",
    ),
    Snippet(
        "look for interfaces",
        "one beside loopback is there",
        "import socket\nif [name for _, name in socket.if_nameindex() if name != 'lo']: print('ESC' + 'APED')",
    ),
)

PROCESSES = (
    Snippet(
        "kill everything",
        "the witness is dead",
        "import os, signal\nfor pid in (-1, {witness_pid}, {host_pid}):\n    try:\n        os.kill(int(pid), 9)\n"
        "    except OSError:\n        pass",
    ),
    Snippet(
        "see processes of the host",
        "the witness is listed",
        "import os\nfor name in os.listdir('/proc'):\n    if name.isdigit():\n"
        "        if {witness_name!r} in open('/proc/' + name + '/cmdline').read(): print('ESC' + 'APED')",
    ),
    Snippet(
        "trace a process",
        "the kernel attaches",
        CALL + "import os\nfor pid in ({witness_pid}, {host_pid}, os.getppid(), 1):\n"
        "    if call(101, 117, 16, int(pid), 0, 0) == 0: print('ESC' + 'APED', pid)",
    ),
    Snippet(
        "read a process's memory",
        "the kernel reads it",
        CALL
        + """
import os
room = ctypes.create_string_buffer(64)
here = (ctypes.c_size_t * 2)(ctypes.addressof(room), 64)
for pid in ({witness_pid}, {host_pid}, 1, os.getpid()):
    if call(310, 270, int(pid), here, 1, here, 1, 0) > 0: print('ESC' + 'APED', pid)
if call(438, 438, 3, 0, 0) >= 0: print('ESC' + 'APED')
""",
    ),
    Snippet(
        "change a host process's priority",
        "the kernel changes it",
        "import os\nos.setpriority(os.PRIO_PROCESS, {witness_pid}, 19)\nprint('ESC' + 'APED')",
    ),
    Snippet(
        "leave a daemon behind",
        "a process is left",
        """
import os, signal, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in range(3):
            os.close(number)
        for number in range(1, 64):
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        time.sleep(1000)
    os._exit(0)
""",
    ),
    Snippet(
        "leave daemons behind through a shell",
        "a process is left",
        "import subprocess\nsubprocess.Popen('nohup setsid sleep 1000 >/dev/null 2>&1 & disown', shell=True, "
        "start_new_session=True)",
    ),
    Snippet(
        "end the sandbox's first process",
        "a process is left",
        "import os\nos.kill(1, 9)\nos.kill(1, 15)\nos.kill(os.getppid(), 9)",
    ),
    Snippet(
        "outlive signals",
        "it runs past its time",
        "import signal\nfor number in range(1, 64):\n    try:\n        signal.signal(number, signal.SIG_IGN)\n"
        "    except (OSError, ValueError):\n        pass\nwhile True:\n    pass",
    ),
)
