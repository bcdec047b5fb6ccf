"""Entry point of a confined child: imports one function, calls it, and prints what it returned as JSON.

Apart from `confined.py`, whose asyncio takes as long to import as all that a child needs.
"""

import contextlib
import json
import os
import sys
from importlib import import_module
from typing import Final

from memento.extras import optional_imports
from memento.tools.errors import ToolError, ToolUnavailable

NOT_OURS: Final = 3
"""Exit code after an exception other than the named errors."""


def _serve() -> int:
    """Answer the one request on stdin; the exit code."""
    request = json.load(sys.stdin)
    # Whatever a parser prints goes nowhere; only the answer uses the real stdout.
    answer_to, sys.stdout = sys.stdout, sys.stderr
    _limit(request["memory_bytes"], request["cpu_s"])
    module, name = request["function"].split(":")
    try:
        files = [os.fdopen(descriptor, "rb") for descriptor in request["files"]]
        with optional_imports("tools", "files of this kind cannot be read here", ToolUnavailable):
            function = getattr(import_module(module), name)
            answer = json.dumps({"value": function(*files, **request["arguments"])})
    except ToolError as error:
        answer = json.dumps({"error": type(error).__name__, "message": str(error)})
    except MemoryError:
        answer = json.dumps({"error": "ToolInputError", "message": "it cannot be read: it wants too much memory"})
    except Exception:  # noqa: BLE001  a parser may raise anything over hostile input
        return NOT_OURS
    answer_to.write(answer)
    answer_to.flush()
    return 0


def _limit(memory_bytes: int, cpu_s: int) -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limits; there the time limit is all there is
        return
    for what, limit in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, 0),  # a parser has nothing to write; what it prints goes through a pipe
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # macOS refuses some
            resource.setrlimit(what, (limit, limit))


if __name__ == "__main__":
    # Not through the interpreter's shutdown: a parser's threads and caches would be waited for.
    os._exit(_serve())
