"""Token estimates: of a text, and of a case as prompts show it. Four bytes are about one token in most languages."""

from typing import Final

from memento.memory.case import Case

_BYTES_PER_TOKEN: Final = 4


def n_tokens(text: str) -> int:
    """Estimate the number of tokens of a text."""
    n_bytes = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
    return n_bytes // _BYTES_PER_TOKEN + 1


def case_tokens(case: Case) -> int:
    """Estimate the tokens of a case in a prompt: its task, its action and its lesson."""
    return n_tokens(case.state) + n_tokens(case.action) + n_tokens(case.lesson)
