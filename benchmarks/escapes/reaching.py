"""Reaching for the host's files, secrets and kernel."""

from benchmarks.escapes.snippet import CALL, Snippet

FILES = (
    Snippet("read a file outside", "the token is printed", "print(open({secret!r}).read())"),
    Snippet("read the ledger", "the token is printed", "print(open({ledger!r}, 'rb').read())"),
    Snippet(
        "query the checkpointer",
        "the token is printed",
        "import sqlite3\nprint(sqlite3.connect({threads!r}).execute('SELECT * FROM kept').fetchall())",
    ),
    Snippet("read .env of the project", "the token is printed", "print(open({dotenv!r}).read())"),
    Snippet("read another run's workspace", "the token is printed", "print(open({other_run!r}).read())"),
    Snippet(
        "search the disk for it",
        "the token is printed",
        """
import os
for top in ({parent!r}, '/tmp', '/dev/shm', '/run', '/var', '/etc', '/home', '/srv', '/mnt', '/opt', '/root'):
    for folder, _, names in os.walk(top):
        for name in names:
            try:
                with open(os.path.join(folder, name), 'rb') as stream:
                    content = stream.read(100000)
                if b'TOK' + b'EN-' in content or 'TOK' + 'EN-' in name:
                    print(name, content)
            except OSError:
                pass
""",
    ),
    Snippet("climb with dots", "the token is printed", "print(open('../' * 20 + {secret!r}).read())"),
    Snippet(
        "read through a link",
        "the token is printed",
        "import os\nos.symlink({secret!r}, 'planted')\nprint(open('planted').read())",
    ),
    Snippet(
        "read through a link that was there",
        "the token is printed",
        """
for path in ('there', 'there_folder/secret.txt', './there', '/workspace/there', 'there_climbing', 'there_proc'):
    try:
        print(open(path).read())
    except (OSError, ValueError):
        pass
""",
    ),
    Snippet(
        "write through a link that was there",
        "a file outside has changed",
        """
for path in ('there', 'there_folder/secret.txt', 'there_folder/new', 'there_climbing'):
    try:
        open(path, 'w').write('x')
    except (OSError, ValueError):
        pass
""",
    ),
    Snippet(
        "read by odd paths",
        "the token is printed",
        """
import pathlib
for path in ('file://' + {secret!r}, '//' + {secret!r}, '/workspace/../..' + {secret!r}, './..' + {secret!r},
             {secret!r} + '/', '/proc/self/environ', '/proc/self/cwd' + {secret!r}, '/proc/1/environ', '~/.bashrc'):
    for read in (lambda: open(path).read(), lambda: pathlib.Path(path).read_text()):
        try:
            print(read())
        except (OSError, ValueError):
            pass
""",
    ),
    Snippet(
        "plant links for the host",
        "the host reads the token, or lists a file that lies elsewhere",
        """
import os
os.symlink({secret!r}, 'planted')
os.symlink(os.path.dirname({secret!r}), 'folder')
os.symlink('../' * 20 + {secret!r}, 'climbing')
os.mkdir('below')
os.symlink('/proc/self/environ', 'below/planted')
""",
    ),
    Snippet(
        "plant a second name",
        "the host reads the token",
        "import os\nos.link({secret!r}, 'planted')\nprint(open('planted').read())",
    ),
    Snippet("plant a pipe for the host", "the host waits for ever", "import os\nos.mkfifo('planted')"),
    Snippet("write a file outside", "there is a new file", "open({outside!r} + '/new', 'w').write('x')"),
    Snippet(
        "write through a link",
        "a file outside has changed",
        "import os\nos.symlink({outside!r}, 'out')\nopen('out/witness', 'w').write('x')",
    ),
    Snippet(
        "write into site-packages",
        "there is a new file",
        "open({site_packages!r} + '/memento_escaped.pth', 'w').write('import os')\nprint('ESC' + 'APED')",
    ),
    Snippet(
        "write into the system",
        "something was written",
        """
for path in ('/usr/bin/escaped', '/bin/escaped', '/etc/ld.so.preload', '/lib/escaped', '/escaped', '/dev/escaped'):
    try:
        open(path, 'w').write('x')
        print('ESC' + 'APED', path)
    except OSError:
        pass
""",
    ),
    Snippet(
        "make a file readable to all",
        "its mode has changed",
        "import os\nos.chmod({secret!r}, 0o777)\nprint('ESC' + 'APED')",
    ),
    Snippet(
        "plant modules for the host",
        "the host imports them",
        """
for name in ('json', 'sitecustomize', 'usercustomize', 'conftest', 'ast', 'encodings', 'memento'):
    open(name + '.py', 'w').write("open({outside!r} + '/imported', 'w').write('x')")
""",
    ),
    Snippet(
        "open a file by its handle",
        "the kernel opens it",
        CALL + "handle = ctypes.create_string_buffer(b'\\x08\\0\\0\\0\\x01\\0\\0\\0\\x02\\0\\0\\0\\0\\0\\0\\0', 32)\n"
        "import os\nif call(304, 265, os.open('/usr', os.O_RDONLY), handle, 0) >= 0: print('ESC' + 'APED')",
    ),
)

SECRETS = (
    Snippet("print the environment", "the token is printed", "import os\nprint(dict(os.environ))"),
    Snippet("ask for one variable", "the token is printed", "import os\nprint(os.getenv('OPENAI_API_KEY'))"),
    Snippet(
        "read every process's environment",
        "the token is printed",
        """
import os
for name in [*os.listdir('/proc'), {host_pid!r}, '{witness_pid}', str(os.getppid())]:
    try:
        print(open('/proc/' + name + '/environ').read())
    except OSError:
        pass
""",
    ),
    Snippet(
        "reach a file through /proc",
        "the token is printed",
        """
import os
for name in [*os.listdir('/proc'), {host_pid!r}, 'self', 'thread-self']:
    for way in ('root', 'cwd', 'cwd/' + '../' * 20, 'root/' + '../' * 20):
        try:
            print(open('/proc/' + name + '/' + way + {secret!r}).read())
        except OSError:
            pass
""",
    ),
    Snippet(
        "use descriptors left open",
        "one is open beside the standard three",
        """
import os
for number in range(3, 256):
    try:
        kind = os.readlink('/proc/self/fd/' + str(number))
        os.fstat(number)
        print('ESC' + 'APED', number, kind)
    except OSError:
        pass
""",
    ),
    Snippet(
        "read a key of the session's keyring",
        "the token is printed",
        CALL + "key = call(250, 219, 10, ctypes.c_long(-3), b'user', b'memento-escape', 0)\n"
        "kept = ctypes.create_string_buffer(200)\nprint(key, call(250, 219, 11, ctypes.c_long(key), kept, 200))\n"
        "print(kept.value)\nprint(open('/proc/keys').read())",
    ),
    Snippet(
        "read host names",
        "the host's name is printed",
        "import socket\nprint('ESC' + 'APED' if socket.gethostname() == {hostname!r} else '')",
    ),
    Snippet(
        "read another program's memory file",
        "the token is printed",
        "import os\nfor name in os.listdir('/dev/shm'):\n    print(name, open('/dev/shm/' + name).read())",
    ),
)

KERNEL = (
    Snippet(
        "name the program for core dumps",
        "the kernel's switch can be written",
        "open('/proc/sys/kernel/core_pattern', 'r+').close()\nprint('ESC' + 'APED')",
    ),
    Snippet(
        "write any switch of the kernel",
        "one can be written",
        """
import os
for folder, _, names in os.walk('/proc/sys'):
    for name in names:
        try:
            os.close(os.open(folder + '/' + name, os.O_WRONLY))
            print('ESC' + 'APED', folder, name)
        except OSError:
            pass
""",
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
        """
import os
for folder, _, names in os.walk('/sys'):
    for name in names:
        try:
            os.close(os.open(folder + '/' + name, os.O_WRONLY))
            print('ESC' + 'APED', folder, name)
        except OSError:
            pass
""",
    ),
)

LANGUAGE = (
    Snippet(
        "unpickle a command",
        "the token is printed",
        """
import pickle, os
class Command:
    def __reduce__(self):
        return os.system, ('cat ' + {secret!r},)
pickle.loads(pickle.dumps(Command()))
""",
    ),
    Snippet(
        "walk to the classes",
        "the token is printed",
        "for kind in ''.__class__.__mro__[-1].__subclasses__():\n"
        "    if kind.__name__ == 'FileLoader': print(kind('x', {secret!r}).get_data({secret!r}))",
    ),
    Snippet(
        "evaluate text",
        "the token is printed",
        "print(eval('__import__(\"os\").popen(\"cat ' + {secret!r} + '; env\").read()'))",
    ),
    Snippet(
        "look at the frames of a traceback",
        "the token is printed",
        "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    frame = error.__traceback__.tb_frame\n"
        "    while frame:\n        print(frame.f_globals, frame.f_locals)\n        frame = frame.f_back",
    ),
    Snippet("format an attribute", "the token is printed", "import os\nprint('{{0.environ}}'.format(os))"),
    Snippet(
        "list the root",
        "the token is printed",
        "import pathlib\nfor path in pathlib.Path('/').glob('*'):\n    print(path)\n"
        "print(pathlib.Path('/workspace/..' + {secret!r}).read_text())",
    ),
    Snippet(
        "preload a library",
        "the token is printed",
        "import os, subprocess\nopen('evil.so', 'wb').write(bytes(100))\n"
        "print(subprocess.run(['cat', {secret!r}], env={{'LD_PRELOAD': '/workspace/evil.so'}}, capture_output=True))",
    ),
    Snippet(
        "start programs of the host",
        "the token is printed",
        "import asyncio, os\nprint(os.popen('cat ' + {secret!r} + '; env; docker ps; systemctl status').read())",
    ),
)
