"""The multi-turn part of the Berkeley Function Calling Leaderboard: users' requests to be met by calls of functions.

Apache-2.0, by Shishir Patil and others, in the package bfcl-eval. That asks for dozens of packages in fixed versions,
for models and other parts of the benchmark; the questions, their simulators and the checks need mpmath alone.
"""

from importlib.metadata import version
from importlib.util import find_spec
from typing import Final

PROGRAM: Final = "bfcl"
NAME: Final = "bfcl"
RELEASE: Final = "2026.3.23"
"""Of bfcl-eval. Questions and answers are corrected from one release to the next."""

INSTALL: Final = f"pip install --no-deps bfcl-eval=={RELEASE} mpmath"
MAX_STEPS: Final = 40
"""The longest walkthrough takes 37 steps; without long_context 17, and 10 on average."""

DESCRIPTION: Final = (
    "Meet a user's requests by calls of functions (files, cars, trading, travel, messages, tickets, arithmetic), over "
    "up to eight turns: the multi-turn part of the Berkeley Function Calling Leaderboard. An action is one call as "
    "text; end_turn() hands over to the user. The score is the share of turns that pass the benchmark's own checks; "
    "the first that does not pass ends the episode."
)
VARIANTS: Final = ("base", "miss_func", "miss_param", "long_context")
"""Of each question: as it is; with a function that is only offered in a later turn; with a value that the user only
tells in a later turn; with much more in files and answers than is asked for."""

N_QUESTIONS: Final = 200
_SPLIT_OF_REST: Final = ("train", "train", "dev", "test")
_ALIKE: Final = {43: 40}
"""Begins with the same message as another question, and goes where that does."""


def split_of(question: int) -> str:
    """The split of a question: every fourth is of dev, every fourth of test. No two splits share a scenario."""
    return _SPLIT_OF_REST[_ALIKE.get(question, question) % 4]


def question_keys(split: str) -> list[str]:
    """The tasks of a split, all variants of its questions: any part of the list mixes variants and subjects."""
    numbers = [number for number in range(N_QUESTIONS) if split_of(number) == split]
    numbers.sort(key=lambda number: (number % 50, number))  # fifty after fifty are about the same functions
    return [
        f"{NAME}/{split}/{VARIANTS[(place + turn) % len(VARIANTS)]}-{number}"
        for turn in range(len(VARIANTS))
        for place, number in enumerate(numbers)
    ]


def missing() -> str | None:
    """What has to be installed."""
    names = [name for name in ("bfcl_eval", "mpmath") if find_spec(name) is None]
    if names:
        return f"{', '.join(names)} {'are' if names[1:] else 'is'} not installed; the user must run: {INSTALL}"
    if (found := version("bfcl-eval")) != RELEASE:
        return f"bfcl-eval {found} is installed, whose questions differ from {RELEASE}; the user must run: {INSTALL}"
    return None
