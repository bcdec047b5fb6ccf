r"""Escapes file names for display: invisible characters, and those that steer a terminal.

A file may be called anything: code in a sandbox can give it a name with line breaks, escape sequences of a terminal or
marks that turn the direction of writing. Shown to a model, a person or a log, such a character is `\x1b`, `\u202e` or
`\U000e0041`, as Python writes it. `shown` is undone by `as_named`, so that a file can be asked for by what was shown.
"""

import re
import sys
from typing import Final

_INVISIBLE: Final = frozenset(
    map(chr, [0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, *range(0x180B, 0x1810)])
) | frozenset(map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]))
"""Those that Python takes for printable: fillers, and what chooses a variant of the character before."""

NAMES_A_PLACE: Final = re.compile(r".:|.*:$", re.DOTALL)
"""A drive, `C:`, or what a URL begins with, where it is the first name of a path."""
_ESCAPE: Final = re.compile(r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")


def shown(path: str) -> str:
    """Format a path with `/` between its names so that it is readable and accepted by every tool.

    Escaped are also a backslash, spaces around a name, and the colon of what would be taken for a drive.
    """
    return "/".join(_shown(name, is_first=not place) for place, name in enumerate(path.split("/")))


def as_named(name: str) -> str | None:
    """Return the name that `shown` has escaped; None for what cannot be a name: `..`, or one with `/` or NUL."""
    named = _ESCAPE.sub(lambda escape: _character(escape[0]), name)
    is_name = named not in ("", ".", "..") and not {"/", "\0"} & set(named)
    return named if is_name and is_text(named, "surrogateescape") else None


def has_escapes(path: str) -> bool:
    """Whether a path may have been escaped by `shown`."""
    return _ESCAPE.search(path) is not None


def is_text(name: str, errors: str = "strict") -> bool:
    """Whether a name can be stored as text: code may use arbitrary bytes in names, a model lone surrogates."""
    try:
        name.encode(errors=errors)
    except UnicodeEncodeError:
        return False
    return True


def _shown(name: str, *, is_first: bool) -> str:
    last = len(name) - 1
    text = "".join(
        _escaped(character) if _is_odd(character) or (place in (0, last) and character.isspace()) else character
        for place, character in enumerate(name)
    )
    return text.replace(":", r"\x3a") if is_first and NAMES_A_PLACE.match(name) else text


def _is_odd(character: str) -> bool:
    return character == "\\" or not character.isprintable() or character in _INVISIBLE


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _character(escape: str) -> str:
    code = int(escape[2:], 16)
    return chr(code) if code <= sys.maxunicode else escape
