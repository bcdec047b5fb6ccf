"""Turns what a coding agent did into an attempt: its steps as text, and the outcome where a test command tells it.

The summary is deterministic and asks no model. The outcome is unknown unless the configured test command ran to its
end after the last change of a file: everything else (no run, an interrupted one, a pipe that hides the exit status, a
turn that changed nothing) says nothing of the task.
"""

import os
import re
from itertools import groupby
from typing import Any, Final, NamedTuple

from memento.integrations.agent_hooks.transcripts import ToolStep, TranscriptTurn
from memento.nodes.redaction import Redact
from memento.tools.text import without_middle

_MAX_STEPS: Final = 30
_LAST_STEPS: Final = 10
_STEP_CHARS: Final = 200
_MESSAGE_CHARS: Final = 1_500
_ANSWER_CHARS: Final = 8_000
_MAX_FILES: Final = 20
_LOOKED_AT_CHARS: Final = 100_000
"""Of a longer text, the middle is dropped before secrets are looked for: it is not shown anyway."""
_CHANGES: Final = {"Edit": "file_path", "MultiEdit": "file_path", "Write": "file_path", "NotebookEdit": "notebook_path"}
"""Tools that change a file, and the argument that names it."""
_SHOWN: Final = ("file_path", "notebook_path", "command", "pattern", "url", "query", "description", "path")
"""Arguments that tell what a step was about; the first that is there is shown."""
_SILENT: Final = re.compile(r"TodoWrite|Task(?:Create|Update|List|Get)|ExitPlanMode|ToolSearch|mcp__.*memento.*")
_NO_VERDICT_FROM: Final = 126
"""Exit codes from it on are the shell's: the command cannot be run, is not found, or was killed by a signal."""
_EXIT_CODE: Final = re.compile(r"\s*(?:Error: )?Exit code ([1-9]\d*)\b")
_SHELL: Final = re.compile(r"[|;&<>`\n]|\$\(")


class CodingAttempt(NamedTuple):
    """An attempt as the memory keeps it."""

    action: str
    answer: str
    reward: float | None
    """1 or 0 by the test command's exit status; None where it does not tell."""


def attempt_of(
    turn: TranscriptTurn, *, cwd: str, last_message: str, test_command: str, redact: Redact
) -> CodingAttempt | None:
    """Summarise a turn; None where nothing was done and nothing said.

    Args:
        turn: what the transcript shows.
        cwd: folder that paths are shown relative to.
        last_message: the agent's last message, where it is not in the transcript yet.
        test_command: whose exit status is the outcome; empty for none.
        redact: takes secrets out, before a text is cut.
    """
    message = redact(without_middle(last_message or turn.final_message, _LOOKED_AT_CHARS)).strip()
    shown = [step for step in turn.steps if not _SILENT.fullmatch(step.name)]
    if not shown and not message:
        return None
    lines = [] if turn.is_whole else ["(the beginning of the turn is not known)"]
    lines += _numbered([_line(step, cwd, redact) for step in shown]) or ["Answered without tools."]
    changed = list(dict.fromkeys(_relative(path, cwd) for step in turn.steps if (path := _changed(step))))
    if changed:
        more = f" and {len(changed) - _MAX_FILES} more" if len(changed) > _MAX_FILES else ""
        lines.append(f"Files changed: {redact(', '.join(changed[:_MAX_FILES]))}{more}")
    if message:
        lines.append(f"Final message: {without_middle(message, _MESSAGE_CHARS)}")
    return CodingAttempt(
        "\n".join(lines), without_middle(message, _ANSWER_CHARS), _outcome(turn.steps, " ".join(test_command.split()))
    )


def _outcome(steps: list[ToolStep], test_command: str) -> float | None:
    """What the last run of the test command says of the changes before it."""
    if not test_command:
        return None
    runs = [n for n, step in enumerate(steps) if step.name == "Bash" and _is_run_of(step, test_command)]
    changes = [n for n, step in enumerate(steps) if _changed(step)]
    if not runs or not changes or changes[-1] > runs[-1]:
        return None
    last = steps[runs[-1]]
    if not last.is_finished or last.output is None:
        return None
    if not last.is_error:
        return 1.0
    code = _EXIT_CODE.match(last.output)
    return 0.0 if code and int(code[1]) < _NO_VERDICT_FROM else None


def _is_run_of(step: ToolStep, test_command: str) -> bool:
    """Whether a call runs the command, with more arguments or none, and gives its exit status."""
    command = step.arguments.get("command")
    if not isinstance(command, str):
        return False
    command = re.sub(r"[ \t]+", " ", command).strip()
    rest = command.removeprefix(test_command)
    return command.startswith(test_command) and (not rest or rest[0] == " ") and not _SHELL.search(rest)


def _line(step: ToolStep, cwd: str, redact: Redact) -> str:
    about = next((value for name in _SHOWN if isinstance(value := step.arguments.get(name), str) and value), "")
    about = " ".join(redact(_relative(about, cwd)[:_LOOKED_AT_CHARS]).split())
    about = about if len(about) <= _STEP_CHARS else f"{about[:_STEP_CHARS]}…"
    failed = ""
    if step.is_error:
        code = _EXIT_CODE.match(step.output or "")
        failed = f" (exit code {code[1]})" if code else " (failed)"
    return f"{step.name}{': ' if about else ''}{about}{failed}"


def _numbered(lines: list[str]) -> list[str]:
    """Steps with their numbers; repeated ones once, and of many the first and the last."""
    counted = [(line, len(list(group))) for line, group in groupby(lines)]
    texts = [f"{number}. {line}{f' ({n} times)' if n > 1 else ''}" for number, (line, n) in enumerate(counted, start=1)]
    if len(texts) <= _MAX_STEPS:
        return texts
    n_left_out = len(texts) - _MAX_STEPS
    return [*texts[: _MAX_STEPS - _LAST_STEPS], f"… {n_left_out} steps left out …", *texts[-_LAST_STEPS:]]


def _changed(step: ToolStep) -> str | None:
    """The file that a call has changed."""
    value: Any = step.arguments.get(_CHANGES.get(step.name, ""))
    return value if isinstance(value, str) and value and not step.is_error else None


def _relative(path: str, cwd: str) -> str:
    prefix = cwd.rstrip("/\\") + os.sep if cwd else ""
    return path.removeprefix(prefix) if prefix else path
