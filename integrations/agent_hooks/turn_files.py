"""Turns of a coding agent's sessions, kept between its hooks: a small private file per session. Blocking.

The ledger is what counts: a file that is lost costs the capture of a turn, never something acknowledged.
"""

import contextlib
import hashlib
import json
import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from memento.private_files import make_private_folder, private_modes

MAX_TURNS: Final = 20
"""Turns kept of one session, the newest."""
MAX_SESSIONS: Final = 500
EXPIRES_AFTER_S: Final = 30 * 24 * 3600.0
_MAX_BYTES: Final = 100_000


@dataclass(frozen=True, kw_only=True)
class HookTurn:
    """A prompt for which cases were recalled."""

    key: str
    """Id of the prompt, of the agent or of ours."""
    event_id: str
    namespace: str
    prompt_hash: str
    is_captured: bool = False


class TurnFile:
    """The turns of one session, oldest first."""

    def __init__(self, folder: Path, session_id: str) -> None:
        """Name the file; reads nothing.

        Args:
            folder: of all sessions' files.
            session_id: the agent's own.
        """
        self._folder = folder
        self._path = folder / f"{hashlib.sha256(session_id.encode(errors='replace')).hexdigest()[:32]}.json"

    def read(self) -> list[HookTurn]:
        """The turns; empty where there are none, or the file is damaged."""
        try:
            with self._path.open("rb") as file:
                kept = json.loads(file.read(_MAX_BYTES))
        except (OSError, ValueError, RecursionError):
            return []
        return list(_turns(kept))[-MAX_TURNS:]

    def of(self, namespace: str) -> list[HookTurn]:
        """The turns of one namespace: a session may go from one project to another."""
        return [one for one in self.read() if one.namespace == namespace]

    def find(self, key: str, namespace: str) -> HookTurn | None:
        """The turn of a prompt; without a key, the newest one of the namespace."""
        return next((one for one in reversed(self.of(namespace)) if not key or one.key == key), None)

    def keep(self, turn: HookTurn) -> None:
        """Add a turn, or replace the one of the same prompt; old sessions are removed.

        Raises:
            OSError: it cannot be written.
        """
        turns = [one for one in self.read() if (one.key, one.namespace) != (turn.key, turn.namespace)]
        make_private_folder(self._folder)
        is_new = not self._path.exists()
        unfinished = self._path.with_name(f"{self._path.stem}.{uuid.uuid4().hex}.unfinished")
        mode = private_modes(self._folder.stat()).file
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump([asdict(one) for one in [*turns, turn][-MAX_TURNS:]], file)
        os.replace(unfinished, self._path)
        if is_new:
            self._remove_old()

    def captured(self, turn: HookTurn) -> None:
        """Note that the attempt of a turn is in the ledger.

        Raises:
            OSError: it cannot be written.
        """
        self.keep(replace(turn, is_captured=True))

    def _remove_old(self) -> None:
        """Remove files of sessions that are expired or too many, and what a killed hook left unfinished."""
        now, ages = time.time(), []
        for path in self._folder.iterdir():
            with contextlib.suppress(OSError):
                ages.append((now - path.stat().st_mtime, path))
        ages.sort(key=lambda one: one[0])
        for number, (age, path) in enumerate(ages):
            is_left_over = path.suffix == ".unfinished" and age > 60
            if age > EXPIRES_AFTER_S or number >= MAX_SESSIONS or is_left_over:
                with contextlib.suppress(OSError):
                    path.unlink()


def _turns(kept: Any) -> Iterator[HookTurn]:
    for one in kept if isinstance(kept, list) else []:
        with contextlib.suppress(TypeError):
            turn = HookTurn(**one)
            if all(isinstance(value, str) for value in (turn.key, turn.event_id, turn.namespace, turn.prompt_hash)):
                yield turn
