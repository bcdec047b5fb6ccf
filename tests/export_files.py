"""Rows of other systems' exports in their published shapes, made here, and a file of them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from memento.integrations.importers.record import ImportedRecord, ImportOptions
from memento.integrations.importers.registry import files_of_kind, source_named


def written(path: Path, rows: Iterable[Any], *, start: str = "", ending: str = "\n") -> Path:
    """A file of JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(start)
        for row in rows:
            file.write(json.dumps(row) + ending)
    return path


def document(path: Path, value: Any, *, indent: int | None = 2) -> Path:
    """A file that is one JSON value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=indent), encoding="utf-8")
    return path


def records(kind: str, path: Path, **options: Any) -> list[ImportedRecord]:
    """What an importer makes of a file; faults are an error."""
    rows = rows_of(kind, path, **options)
    assert [row.problem for row in rows if row.problem] == []
    return [row.record for row in rows if row.record is not None]


def rows_of(kind: str, path: Path, **options: Any) -> list[Any]:
    """All rows that say something."""
    source = source_named(kind)
    files, _ = files_of_kind(source, path)
    rows = source.read(files, ImportOptions(**options))
    return [row for row in rows if row.record is not None or row.problem or row.skipped]


def claude_line(kind: str, content: Any, number: int, **more: Any) -> dict[str, Any]:
    message: dict[str, Any] = {"role": kind, "content": content}
    if kind == "assistant":
        message |= {"id": f"msg_{number}", "type": "message", "model": "claude-sonnet-5", "stop_reason": "end_turn"}
    return {
        "parentUuid": f"u-{number - 1}",
        "isSidechain": False,
        "userType": "external",
        "cwd": "/home/me/app",
        "sessionId": "5d6c",
        "version": "2.1.200",
        "gitBranch": "main",
        "type": kind,
        "message": message,
        "uuid": f"u-{number}",
        "timestamp": f"2026-08-10T12:00:{number % 60:02d}.000Z",
        **more,
    }


def claude_session(
    n_tasks: int = 1, *, first: int = 0, task: str = "Fix the failing test number"
) -> list[dict[str, Any]]:
    """A session: per task a prompt, a thought, a tool call with its result, a reply; and the program's own lines."""
    lines: list[dict[str, Any]] = [{"type": "summary", "summary": "Fixing tests", "leafUuid": "u-0"}]
    for task_number in range(first, first + n_tasks):
        at = 10 * task_number
        call = {
            "type": "tool_use",
            "id": f"toolu_{at}",
            "name": "Bash",
            "input": {"command": f"pytest -k t{task_number}"},
        }
        result = {"type": "tool_result", "tool_use_id": f"toolu_{at}", "content": "1 failed", "is_error": True}
        lines += [
            claude_line("user", f"{task} {task_number}", at + 1),
            claude_line("assistant", [{"type": "thinking", "thinking": "hm", "signature": "x"}], at + 2),
            claude_line("assistant", [{"type": "text", "text": "I run it."}, call], at + 3),
            claude_line("user", [result], at + 4, toolUseResult={"stdout": "1 failed"}),
            claude_line("assistant", [{"type": "text", "text": f"Test {task_number} passes now."}], at + 5),
            {"type": "system", "subtype": "turn_duration", "uuid": f"s-{at}", "sessionId": "5d6c", "content": ""},
        ]
    return lines


def codex_line(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {"timestamp": "2026-02-03T04:05:06.789Z", "type": kind, "payload": payload}


def codex_message(role: str, text: str) -> dict[str, Any]:
    kind = "input_text" if role == "user" else "output_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def codex_session(n_tasks: int = 1, *, has_events: bool = True, session: str = "0199-aa") -> list[dict[str, Any]]:
    meta = {
        "id": session,
        "timestamp": "2026-02-03T04:05:06Z",
        "cwd": "/app",
        "originator": "codex_cli",
        "cli_version": "1",
    }
    context = "<environment_context>\n<cwd>/app</cwd>\n</environment_context>"
    lines = [
        codex_line("session_meta", meta),
        codex_line("response_item", codex_message("user", context)),
    ]
    for number in range(n_tasks):
        prompt = f"Rename module {number} of {session}"
        command = json.dumps({"command": ["git", "mv", f"a{number}.py", f"b{number}.py"]})
        lines.append(codex_line("response_item", codex_message("user", prompt)))
        if has_events:
            lines.append(codex_line("event_msg", {"type": "user_message", "message": prompt, "kind": "plain"}))
        call = {"type": "function_call", "name": "shell", "arguments": command, "call_id": f"call_{number}"}
        lines += [
            codex_line("turn_context", {"cwd": "/app", "model": "gpt-5-codex", "effort": "high"}),
            codex_line("response_item", {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"}),
            codex_line("response_item", call),
            codex_line("response_item", {"type": "function_call_output", "call_id": f"call_{number}", "output": "ok"}),
            codex_line("event_msg", {"type": "token_count", "info": None}),
            codex_line("response_item", codex_message("assistant", f"Module {number} is renamed.")),
        ]
    return lines


def langsmith_run(number: int, **more: Any) -> dict[str, Any]:
    run_id = f"00000000-0000-4000-8000-{number:012d}"
    return {
        "id": run_id,
        "trace_id": run_id,
        "parent_run_id": None,
        "name": "agent",
        "run_type": "chain",
        "start_time": "2026-03-01T10:00:00.000000",
        "end_time": "2026-03-01T10:00:02.000000",
        "inputs": {"question": f"What is the capital of country {number}?"},
        "outputs": {"answer": f"City {number}"},
        "error": None,
        "status": "success",
        "dotted_order": f"20260301T100000000000Z{run_id}",
        "feedback_stats": None,
        "tags": [],
        **more,
    }


def langsmith_tool(number: int, place: int, **more: Any) -> dict[str, Any]:
    run_id = f"00000000-0000-4000-8000-{number:012d}"
    return langsmith_run(
        number,
        id=f"tool-{number}-{place}",
        parent_run_id=run_id,
        run_type="tool",
        name="search",
        inputs={"input": f"capital of country {number}, look {place}"},
        outputs={"output": "found"},
        dotted_order=f"20260301T100000000000Z{run_id}.2026030110000{place}000000Ztool",
        **more,
    )


def langsmith_feedback(number: int, score: Any, *, key: str = "correctness", **more: Any) -> dict[str, Any]:
    return {
        "id": f"feedback-{number}-{key}",
        "created_at": "2026-03-01T11:00:00",
        "run_id": f"00000000-0000-4000-8000-{number:012d}",
        "key": key,
        "score": score,
        "value": None,
        "comment": None,
        "correction": None,
        "feedback_source": {"type": "api"},
        **more,
    }


def langfuse_trace(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"trace-{number}",
        "timestamp": "2026-04-01T08:00:00.000Z",
        "name": "agent",
        "input": {"messages": [{"role": "user", "content": f"Translate sentence {number}"}]},
        "output": {"role": "assistant", "content": f"Satz {number}"},
        "sessionId": None,
        "userId": "someone",
        "metadata": {},
        "tags": [],
        "public": False,
        "observations": [],
        "scores": [],
        **more,
    }


def langfuse_score(
    number: int, value: Any, *, name: str = "quality", kind: str = "NUMERIC", **more: Any
) -> dict[str, Any]:
    return {
        "id": f"score-{number}-{name}",
        "traceId": f"trace-{number}",
        "observationId": None,
        "timestamp": "2026-04-01T09:00:00.000Z",
        "name": name,
        "source": "ANNOTATION",
        "dataType": kind,
        "value": value,
        "comment": None,
        **more,
    }


def chat_row(number: int, **more: Any) -> dict[str, Any]:
    messages = [
        {"role": "system", "content": "You are terse."},
        {"role": "user", "content": f"Name river {number}"},
        {"role": "assistant", "content": f"River {number}"},
    ]
    return {"messages": messages, **more}


def chatgpt_conversation(number: int = 0) -> dict[str, Any]:
    """One question with two answers, of which the second, regenerated one is the current."""

    def node(name: str, parent: str | None, role: str, text: str) -> dict[str, Any]:
        message = {
            "id": f"{name}-{number}",
            "author": {"role": role, "name": None, "metadata": {}},
            "create_time": 1760000000.5,
            "content": {"content_type": "text", "parts": [text]},
            "status": "finished_successfully",
            "metadata": {"model_slug": "gpt-5"} if role == "assistant" else {},
            "recipient": "all",
        }
        above = None if parent is None else f"{parent}-{number}"
        return {"id": f"{name}-{number}", "message": message, "parent": above, "children": []}

    nodes = [
        node("root", None, "system", ""),
        node("ask", "root", "user", f"Explain tides, part {number}"),
        node("old", "ask", "assistant", "The first answer"),
        node("new", "ask", "assistant", f"The moon pulls, part {number}"),
    ]
    return {
        "id": f"conversation-{number}",
        "title": "Tides",
        "create_time": 1760000000.0,
        "current_node": f"new-{number}",
        "mapping": {one["id"]: one for one in nodes},
    }
