"""Incremental JSON parser: the final answer's text, out of a structured reply that is still being generated.

    {"subtasks": [], "answer": "Par | is is the | capital."}     ->  "Par", "is is the", " capital."
    {"subtasks": [{"id": ...     a plan                          ->  nothing
    {"answer": "Paris", ...      where a plan might still follow ->  nothing

Gives text only where the fields before it leave no doubt that it is the answer. A reply that begins with anything but
the object (a chain of thought, prose) gives nothing: it is read when it is whole.
"""

import json
from collections.abc import Generator
from typing import Final, TypeAlias

_ESCAPED: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_OPENINGS: Final = frozenset({"", "```", "```json"})
"""What may stand before the object."""
_MAX_BEFORE: Final = 20
_MAX_KEY: Final = 100

_Chars: TypeAlias = Generator[None, str, str]
"""Takes one character at a time; returns the next one that is not its own."""


class AnswerText:
    """Reads one reply, piece by piece."""

    def __init__(self, *, has_plan: bool) -> None:
        """Begin with the first piece.

        Args:
            has_plan: the reply may be a plan instead: its `subtasks` must come first, and be empty.
        """
        self._is_certain = not has_plan
        self._given: list[str] = []
        self._spaces = ""
        self._has_begun = False
        self._reading = self._object()
        next(self._reading)
        self._is_over = False

    def feed(self, piece: str) -> str:
        """Take a piece of the reply.

        Returns:
            What it adds to the answer, without spaces at the answer's ends.
        """
        for char in piece:
            if self._is_over:
                break
            try:
                self._reading.send(char)
            except StopIteration:
                self._is_over = True
        text = "".join(self._given)
        self._given.clear()
        return text

    def _object(self) -> Generator[None, str, None]:
        before = ""
        while (char := (yield)) != "{":
            before += char
            if len(before) > _MAX_BEFORE:
                return
        if before.strip().casefold() not in _OPENINGS:
            return
        char = yield from _after_spaces((yield))
        while char == '"':
            key = yield from _key()
            if key is None or (yield from _after_spaces((yield))) != ":":
                return
            char = yield from _after_spaces((yield))
            if key == "answer":
                if self._is_certain and char == '"':
                    yield from self._answer()
                return
            if key == "subtasks":
                if char != "[" or (yield from _after_spaces((yield))) != "]":
                    return
                self._is_certain = True
                char = yield
            else:
                char = yield from _skipped(char)
            if (yield from _after_spaces(char)) != ",":
                return
            char = yield from _after_spaces((yield))

    def _answer(self) -> Generator[None, str, None]:
        high = ""
        while (char := (yield)) != '"':
            if char == "\\":
                char = yield
                if char == "u":
                    char = yield from _code_unit()
                    if not char:
                        return
                else:
                    char = _ESCAPED.get(char, char)
            if high:
                char, high = _joined(high, char), ""
            elif "\ud800" <= char <= "\udbff":
                high = char
                continue
            self._say(char)

    def _say(self, text: str) -> None:
        """Give text; spaces are held back until something follows them."""
        if text.isspace():
            self._spaces += text if self._has_begun else ""
            return
        self._given.append(self._spaces + text)
        self._spaces, self._has_begun = "", True


def _joined(high: str, low: str) -> str:
    """Join the two halves of a character beyond the basic plane."""
    pair = high + low
    try:
        return pair.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return pair


def _after_spaces(char: str) -> _Chars:
    while char.isspace():
        char = yield
    return char


def _key() -> Generator[None, str, str | None]:
    written = ""
    while (char := (yield)) != '"':
        written += char
        if char == "\\":
            written += yield
        if len(written) > _MAX_KEY:
            return None
    try:
        return str(json.loads(f'"{written}"'))
    except ValueError:
        return None


def _code_unit() -> Generator[None, str, str]:
    digits = ""
    for _ in range(4):
        digits += yield
    try:
        return chr(int(digits, 16))
    except ValueError:
        return ""


def _skipped(char: str) -> _Chars:
    """Skip a value; returns the character behind it."""
    depth = 0
    while True:
        if char == '"':
            while (char := (yield)) != '"':
                if char == "\\":
                    yield
        elif char in "[{":
            depth += 1
        elif char in ",]}":
            if depth == 0:
                return char
            depth -= char != ","
        char = yield
