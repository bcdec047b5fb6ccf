"""Input and options of a coding agent's hook: one JSON object on stdin, as Claude Code and Codex write it.

Unknown fields are ignored, and a field of another type counts as missing, so that newer versions of an agent do not
break a hook. Imports nothing heavy: most prompts end here.
"""

import hashlib
import json
import re
from typing import Any, Final, NamedTuple, Self

MAX_INPUT_BYTES: Final = 10_000_000
_MAX_FIELD_CHARS: Final = 4_096
_LEAST_WORDS: Final = 3
_LEAST_CHARS: Final = 15
_UNSPACED: Final = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Letters of scripts that put no blanks between words."""
_RATING: Final = re.compile(r"/memento:(worked|failed)(?:\s+(.*))?\s*", re.DOTALL)


class InvalidHookInput(ValueError):
    """What stands on stdin is not the JSON object of a hook."""


class Rating(NamedTuple):
    """A person's verdict on the last task of the session."""

    reward: float
    lesson: str


class HookOptions(NamedTuple):
    """Settings of the hooks."""

    k: int = 3
    """Cases at most."""
    policy: str | None = None
    """How they are chosen; the memory's own by default."""
    test_command: str | None = None
    """Command whose exit status is the outcome of a turn; empty or None for none."""


class HookInput(NamedTuple):
    """The fields that hooks use; empty where the agent gave none."""

    session_id: str
    turn_id: str
    """Id of the prompt (Claude Code's `prompt_id`, Codex's `turn_id`); older versions give none."""
    prompt: str
    transcript_path: str
    cwd: str
    hook_event: str
    """Name of the event: `UserPromptSubmit`, `Stop`, `SessionEnd`."""
    last_message: str
    """The agent's last message of the turn."""

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Parse what an agent wrote.

        Raises:
            InvalidHookInput: no JSON object, too long, or without a session.
        """
        if len(content) > MAX_INPUT_BYTES:
            raise InvalidHookInput(f"the hook's input has more than {MAX_INPUT_BYTES:,} bytes")
        try:
            given: Any = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise InvalidHookInput("the hook's input is not JSON") from error
        if not isinstance(given, dict):
            raise InvalidHookInput("the hook's input is not a JSON object")
        session = _text(given, "session_id")[:_MAX_FIELD_CHARS]
        if not session:
            raise InvalidHookInput("the hook's input has no session_id")
        return cls(
            session_id=session,
            turn_id=(_text(given, "prompt_id") or _text(given, "turn_id"))[:_MAX_FIELD_CHARS],
            prompt=_text(given, "prompt"),
            transcript_path=_text(given, "transcript_path")[:_MAX_FIELD_CHARS],
            cwd=_text(given, "cwd")[:_MAX_FIELD_CHARS],
            hook_event=_text(given, "hook_event_name")[:_MAX_FIELD_CHARS],
            last_message=_text(given, "last_assistant_message"),
        )

    @property
    def rating(self) -> Rating | None:
        """The verdict, where the prompt is `/memento:worked` or `/memento:failed`, with a lesson after it."""
        found = _RATING.fullmatch(self.prompt.strip())
        return found and Rating(float(found[1] == "worked"), (found[2] or "").strip())

    @property
    def ended_turn(self) -> str:
        """Id of the turn that ended; empty for the newest one, which is what the end of a session leaves."""
        return "" if self.hook_event == "SessionEnd" else self.turn_id

    @property
    def is_task(self) -> bool:
        """Whether the prompt is a task of its own.

        Commands, notices of the agent itself and short replies ("yes, go on") are not.
        """
        text = self.prompt.strip()
        n_unspaced = len(_UNSPACED.findall(text))  # each says as much as half a word
        n_chars, n_words = len(text) + 2 * n_unspaced, len(text.split()) + n_unspaced // 2
        return not text.startswith(("/", "<", "!")) and n_chars >= _LEAST_CHARS and n_words >= _LEAST_WORDS


def prompt_hash(prompt: str) -> str:
    """Hash by which a prompt is found again in a transcript."""
    return hashlib.sha256(prompt.strip().encode(errors="replace")).hexdigest()[:32]


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    return value if isinstance(value, str) else ""
