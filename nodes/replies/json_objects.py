"""Finds JSON objects in a text, inside fences or prose."""

import json
from collections.abc import Iterator
from typing import Any

_MAX_OBJECTS = 20


def json_objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the complete outermost JSON objects of a text, in order; truncated ones are skipped."""
    decoder = json.JSONDecoder(strict=False)  # small models put raw newlines into strings
    start = text.find("{")
    for _ in range(_MAX_OBJECTS):
        if start < 0:
            return
        try:
            found, end = decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            if error.msg.startswith("Unterminated") or error.pos >= len(text.rstrip()):
                return  # cut off: an inner object would pass for the whole
            end = start + 1
        except RecursionError:
            return
        else:
            yield found
        start = text.find("{", end)
