"""The attempts of one tenant on another: a name and what is done. A new way is a line in one of the tenant_ files."""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.tenant_world import LIKE_IT, World

Attack = Callable[[World], Awaitable[Any]]
ATTACKS: dict[str, Attack] = {}
RUN = {"assistant_id": "memento", "input": {"task": LIKE_IT}}


def attack(name: str) -> Callable[[Attack], Attack]:
    def kept(made: Attack) -> Attack:
        assert name not in ATTACKS, name
        ATTACKS[name] = made
        return made

    return kept
