"""Reaching for what the host keeps to itself: its environment, descriptors, keys, and what Python code can walk to."""

from benchmarks.escapes.snippet import CALL, Snippet

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
