"""Reaching for the kernel: its switches, devices, namespaces and rarer calls."""

from benchmarks.escapes.snippet import CALL, Snippet

_WRITE_ANY = """
import os
for folder, _, names in os.walk('TOP'):
    for name in names:
        try:
            os.close(os.open(folder + '/' + name, os.O_WRONLY))
            print('ESC' + 'APED', folder, name)
        except OSError:
            pass
"""

KERNEL = (
    Snippet(
        "name the program for core dumps",
        "the kernel's switch can be written",
        "open('/proc/sys/kernel/core_pattern', 'r+').close()\nprint('ESC' + 'APED')",
    ),
    Snippet(
        "write any switch of the kernel",
        "one can be written",
        _WRITE_ANY.replace("TOP", "/proc/sys"),
    ),
    Snippet(
        "restart the machine",
        "the switch can be written",
        "open('/proc/sysrq-trigger', 'w').close()\nprint('ESC' + 'APED')",
    ),
    Snippet(
        "read what the kernel hides",
        "addresses or messages are printed",
        CALL
        + """
for name in ('kallsyms', 'kcore', 'kmsg', 'timer_list', 'vmallocinfo', 'slabinfo'):
    try:
        if open('/proc/' + name, 'rb').read(100):
            print('ESC' + 'APED', name)
    except OSError:
        pass
if call(103, 116, 3, ctypes.create_string_buffer(1000), 1000) > 0: print('ESC' + 'APED')
""",
    ),
    Snippet(
        "open devices",
        "a disk or the memory opens",
        """
import os
for name in ('vda', 'sda', 'nvme0n1', 'mem', 'kmem', 'port', 'kmsg', 'kvm', 'fuse', 'net/tun', 'vsock', 'loop0'):
    try:
        os.open('/dev/' + name, os.O_RDONLY)
        print('ESC' + 'APED', name)
    except OSError:
        pass
try:
    os.mknod('disk', 0o60666, os.makedev(254, 0))
    print('ESC' + 'APED')
except OSError:
    pass
""",
    ),
    Snippet(
        "mount a file system",
        "the kernel mounts it",
        CALL
        + """
for source, kind in ((b'proc', b'proc'), (b'none', b'tmpfs'), (b'/dev/vda', b'ext4')):
    if call(165, 40, source, b'/tmp', kind, 0, None) == 0: print('ESC' + 'APED', kind)
if call(430, 430, b'tmpfs', 0) >= 0 or call(428, 428, -100, b'/', 1) >= 0: print('ESC' + 'APED')
if call(166, 39, b'/proc/sys', 2) == 0 or call(166, 39, b'/workspace', 2) == 0: print('ESC' + 'APED')
""",
    ),
    Snippet(
        "make the system writable again",
        "the kernel mounts it anew",
        CALL + "if call(165, 40, b'none', b'/usr', None, 32 | 4096, None) == 0: print('ESC' + 'APED')",
    ),
    Snippet(
        "leave by chroot",
        "the token is printed",
        "import os\nos.mkdir('jail')\nkept = os.open('.', os.O_RDONLY)\nos.chroot('jail')\nprint('ESC' + 'APED')\n"
        "os.fchdir(kept)\nos.chdir('../' * 20)\nos.chroot('.')\nprint(open({secret!r}).read())",
    ),
    Snippet(
        "nest a user namespace",
        "the kernel makes one",
        CALL + "for kind in (0x10000000, 0x10020000, 0x20000, 0x40000000, 0x20000000):\n"
        "    if call(272, 97, kind) == 0: print('ESC' + 'APED', kind)",
    ),
    Snippet(
        "nest one through a program",
        "it says that it is root",
        "import subprocess\nprint(subprocess.run(['unshare', '-Ur', 'id', '-u'], capture_output=True).stdout)\n"
        "if subprocess.run(['unshare', '-Ur', 'true']).returncode == 0: print('ESC' + 'APED')",
    ),
    Snippet(
        "enter the host's namespaces",
        "the kernel lets it in",
        CALL + "import os\nfor name in os.listdir('/proc/1/ns'):\n"
        "    if call(308, 268, os.open('/proc/1/ns/' + name, os.O_RDONLY), 0) == 0: print('ESC' + 'APED', name)",
    ),
    Snippet(
        "become somebody",
        "the user changes",
        """
import os, subprocess
for act in (lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.setgroups([0])):
    try:
        act()
        print('ESC' + 'APED')
    except OSError:
        pass
for command in (['su', '-c', 'true'], ['sudo', '-n', 'true'], ['pkexec', 'true']):
    try:
        if subprocess.run(command, timeout=2, capture_output=True).returncode == 0:
            print('ESC' + 'APED', command)
    except (OSError, subprocess.TimeoutExpired):
        pass
""",
    ),
    Snippet(
        "hold capabilities",
        "one is there",
        "for line in open('/proc/self/status'):\n"
        "    if line.startswith('Cap') and int(line.split()[1], 16): print('ESC' + 'APED', line)",
    ),
    Snippet(
        "use the kernel's rarer doors",
        "one opens: io_uring, bpf, perf, userfaultfd, module loading",
        CALL
        + """
room = ctypes.create_string_buffer(256)
for name, intel, arm, arguments in (
    ('io_uring', 425, 425, (4, room)), ('bpf', 321, 280, (0, room, 64)), ('perf', 298, 241, (room, 0, -1, -1, 0)),
    ('userfaultfd', 323, 282, (1,)), ('init_module', 175, 105, (room, 0, room)), ('kcmp', 312, 272, (1, 1, 0, 0, 0)),
    ('memfd', 319, 279, (b'x', 0)), ('shmget', 29, 194, (0, 100000, 0o1600)), ('msgget', 68, 186, (0, 0o1600)),
    ('add_key', 248, 217, (b'user', b'x', b'x', 1, ctypes.c_long(-3))),
):
    if call(intel, arm, *arguments) >= 0: print('ESC' + 'APED', name)
""",
    ),
    Snippet(
        "use the second numbering of calls",
        "a refused call works under its other number",
        CALL + "if not _arm and call(0x40000000 + 272, 0, 0x10000000) == 0: print('ESC' + 'APED')",
    ),
    Snippet(
        "type into the host's terminal",
        "the terminal takes it",
        """
import fcntl, os
for name in ('/dev/tty', '/dev/console', '/dev/pts/0', '/dev/stdin', '/dev/stdout'):
    try:
        fcntl.ioctl(os.open(name, os.O_RDWR | os.O_NOCTTY), 0x5412, b'x')
        print('ESC' + 'APED', name)
    except OSError:
        pass
opened, other = os.openpty()
try:
    fcntl.ioctl(other, 0x5412, b'x')
    print('ESC' + 'APED')
except OSError:
    pass
""",
    ),
    Snippet(
        "use control groups",
        "something is written",
        _WRITE_ANY.replace("TOP", "/sys"),
    ),
)
