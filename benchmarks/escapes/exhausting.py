"""Taking more than allowed, or not ending."""

from benchmarks.escapes.snippet import Snippet

BOMBS = (
    Snippet("fork without end", "it runs past its limits", "import os\nwhile True:\n    os.fork()"),
    Snippet(
        "start threads without end",
        "a thousand run",
        "import threading, time\nfor _ in range(1000):\n    threading.Thread(target=time.sleep, args=(2,)).start()\n"
        "time.sleep(1)\nprint('ESC' + 'APED')",
    ),
    Snippet(
        "fill memory in one process",
        "it holds one and a half times its limit",
        "import time\nkept = []\nfor _ in range(450):\n    kept.append(bytearray(b'x' * 1_000_000))\n"
        "time.sleep(0.5)\nprint('ESC' + 'APED')",
    ),
    Snippet(
        "fill memory in eight processes",
        "together they hold twice their limit",
        "import os, time\nfor _ in range(8):\n    if os.fork() == 0:\n        kept = bytearray(b'x' * 75_000_000)\n"
        "        time.sleep(1)\n        print('ESC' + 'APED')\n        os._exit(0)\ntime.sleep(1.5)",
    ),
    Snippet(
        "fill shared memory",
        "it holds one and a half times its limit",
        "import mmap, time\nkept = []\nfor _ in range(9):\n    kept.append(mmap.mmap(-1, 50_000_000))\n"
        "    kept[-1].write(bytes(50_000_000))\ntime.sleep(0.5)\nprint('ESC' + 'APED')",
    ),
    Snippet(
        "fill memory with files",
        "they take more than the limit",
        """
import time
n_bytes = 0
for folder in ('/tmp', '/dev/shm', '/dev', '/'):
    for number in range(10):
        try:
            with open(folder + '/' + str(number), 'wb') as stream:
                while n_bytes < 400_000_000:
                    n_bytes += stream.write(bytes(1_000_000))
        except OSError:
            pass
time.sleep(0.3)
if n_bytes >= 400_000_000:
    print('ESC' + 'APED')
""",
    ),
    Snippet(
        "fill memory with empty files",
        "a hundred thousand are there",
        "for number in range(100_000):\n    open('/tmp/' + str(number), 'w').close()\nprint('ESC' + 'APED')",
    ),
    Snippet(
        "write one big file",
        "it is larger than the limit",
        "with open('big', 'wb') as stream:\n    for _ in range(500):\n        stream.write(bytes(1_000_000))",
    ),
    Snippet(
        "reserve one big file",
        "it is larger than the limit",
        """
import os
stream = open('big', 'wb')
for act in (lambda: stream.truncate(10**12), lambda: os.posix_fallocate(stream.fileno(), 0, 10**9)):
    try:
        act()
    except OSError:
        pass
""",
    ),
    Snippet(
        "write big files side by side",
        "they are larger than the limit",
        "for number in range(100):\n    with open('big' + str(number), 'wb') as stream:\n"
        "        for _ in range(20):\n            stream.write(bytes(1_000_000))",
    ),
    Snippet(
        "write many files",
        "there are many more than the limit",
        "for number in range(100_000):\n    with open(str(number), 'w') as stream:\n        pass",
    ),
    Snippet(
        "write files and delete them while open",
        "the disk holds twenty times the limit",
        "import os\nkept = []\nfor number in range(40):\n    kept.append(open('gone', 'wb'))\n    os.unlink('gone')\n"
        "    kept[-1].write(bytes(25_000_000))\n    kept[-1].flush()\nprint('ESC' + 'APED')",
    ),
    Snippet(
        "nest folders without end",
        "the host cannot look at them",
        "import os\nwhile True:\n    os.mkdir('a' * 200)\n    os.chdir('a' * 200)",
    ),
    Snippet("print without end", "more is kept than the limit", "while True:\n    print('x' * 1000)"),
    Snippet("print one long line", "more is kept than the limit", "print('x' * 50_000_000)"),
    Snippet("return a large value", "more is kept than the limit", "[0] * 10_000_000"),
    Snippet("loop without end", "it runs past its time", "while True:\n    pass"),
    Snippet(
        "loop without end, catching everything",
        "it runs past its time",
        "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass",
    ),
    Snippet("sleep past the limit", "it runs past its time", "import time\ntime.sleep(1000)"),
    Snippet(
        "close the output and run on",
        "it runs past its time",
        "import os\nos.close(1)\nos.close(2)\nwhile True:\n    pass",
    ),
    Snippet("recurse without end", "the host dies with it", "def f(n):\n    return f(n + 1) + 1\nf(0)"),
    Snippet("compute a huge number", "it runs past its limits", "x = 10 ** (10 ** 9)\nprint(len(str(x)))"),
    Snippet(
        "match without end",
        "it runs past its time",
        "import re\nprint(re.match('(a+)+$', 'a' * 40 + 'b'))",
    ),
    Snippet(
        "nest brackets",
        "the host dies with it",
        "x = " + "[" * 3_000 + "]" * 3_000,
    ),
    Snippet("nest operators", "the host dies with it", "x = " + "-" * 50_000 + "1"),
    Snippet(
        "dump core",
        "a file is left",
        "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)",
    ),
)
