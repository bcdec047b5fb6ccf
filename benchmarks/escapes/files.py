"""Reaching for the host's files: reading, writing, planting."""

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
