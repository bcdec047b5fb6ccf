"""Transcripts of Claude Code sessions for tests: JSON lines in the shape that its releases of 2026 write."""

import json
from pathlib import Path
from typing import Any

Line = dict[str, Any]


def prompt(text: str, **more: Any) -> Line:
    return {"type": "user", "isSidechain": False, "message": {"role": "user", "content": text}, **more}


def said(text: str, **more: Any) -> Line:
    blocks = [{"type": "text", "text": text}]
    return {"type": "assistant", "message": {"role": "assistant", "content": blocks}, **more}


def call(id_: str, name: str, **arguments: Any) -> Line:
    block = {"type": "tool_use", "id": id_, "name": name, "input": arguments}
    return {"type": "assistant", "isSidechain": False, "message": {"role": "assistant", "content": [block]}}


def result(id_: str, output: str = "ok", *, is_error: bool = False, **details: Any) -> Line:
    block = {"type": "tool_result", "tool_use_id": id_, "content": output, "is_error": is_error}
    return {"type": "user", "message": {"role": "user", "content": [block]}, "toolUseResult": details}


def write(path: Path, *lines: Line | str) -> Path:
    """Write a transcript; a text is a line as it is."""
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path
