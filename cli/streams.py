"""Standard streams: JSON lines and sentences written to them; a closed or broken stream does not stop a command."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from typing import TextIO, TypeVar

Value = TypeVar("Value")


def print_json(value: object) -> None:
    """Print one JSON object on a line of stdout."""
    is_unicode = sys.stdout.encoding.lower().replace("-", "") == "utf8"
    print(json.dumps(value, ensure_ascii=not is_unicode, default=str), flush=True)  # noqa: T201  this command's product


def tell(sentence: str) -> None:
    """Print a message on stderr, apart from the command's output."""
    with written_if_possible(sys.stderr):
        print(sentence, file=sys.stderr)  # noqa: T201


def open_missing_streams() -> None:
    """Open the null device for standard streams that were closed before the start (`memento ... >&-`).

    Without it their numbers would be given to the next files that are opened: what is printed, and what libraries say
    on stderr, would land in a database. Again is harmless.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it takes the lowest free number, which is this one
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115  as long as the process
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def flushed(value: Value) -> Value:
    """Flush stdout, so that a failure is the command's and not the interpreter's at exit.

    Raises:
        OSError: it cannot be written; a `BrokenPipeError` where nobody reads it.
    """
    sys.stdout.flush()
    return value


def silence_broken_streams() -> None:
    """Redirect streams that can no longer be written, with their buffers, to the null device."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            silence(stream)


def silence(stream: TextIO) -> None:
    """Redirect a stream to the null device."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)


@contextlib.contextmanager
def written_if_possible(stream: TextIO) -> Iterator[None]:
    """Print on a stream; silence it from then on if its reader has gone or its disk is full."""
    try:
        yield
    except OSError:
        silence(stream)
