"""Guides on trial (skills and lessons): read once the run's cases are chosen, shown or withheld at random.

A guide that is shown takes the place of the last case, so that a run is never shown more than k of both, and what the
trial compares it with is that raw case. Either way its reading has the run's outcome (see `memory.guides`).
"""

import uuid
from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

from memento.memory.case import storable
from memento.memory.errors import InvalidInput
from memento.memory.guides import GUIDE_KINDS, TRIAL, GuideKind
from memento.memory.reading import Reading
from memento.nodes.memory_calls import MemoryFailed, memory_seconds, of_memory
from memento.nodes.redaction import Redact
from memento.nodes.score_case import prompt_case
from memento.nodes.sources import MemorySource
from memento.nodes.state import MementoState, PromptCase, Run
from memento.nodes.subtask_cases import task_question

_IDS: Final = uuid.UUID("b7a1c1de-51a0-5b0f-9a6e-2f8d1f6c7e35")
_SETTINGS: Final[dict[GuideKind, str]] = {"skill": "skills", "lesson": "lessons"}
"""Fields of `Context` by kind."""


class GuideReadings(NamedTuple):
    """The guides of a run."""

    event_ids: Sequence[str] = ()
    """Of all readings, whether a guide was shown, withheld, or none was up."""
    guides: Sequence[PromptCase] = ()
    """Those to be shown."""
    notices: Sequence[str] = ()

    def beside(self, cases: Sequence[PromptCase]) -> list[PromptCase]:
        """Return the cases that are left beside the guides: each guide takes the place of the last one."""
        return list(cases[: max(0, len(cases) - len(self.guides))])


class GuideCases:
    """Reads guides for runs."""

    def __init__(self, memory_source: MemorySource, *, redact: Redact = str) -> None:
        """Wire the parts.

        Args:
            memory_source: the case memory.
            redact: takes secrets out of guides, and of what a failing memory says.
        """
        self._memory_source = memory_source
        self._redact = redact

    async def read(self, state: MementoState, event_id: str) -> GuideReadings:
        """Read one guide of each kind that the run wants; a failing memory leaves it without, and never fails the run.

        A repeat gives the same events: their ids are made from the run's. A run that reads cases again keeps its
        guides, and one without cases of its own, as a control has none, has none.

        Args:
            state: the run's.
            event_id: of the reading that chose its cases.
        """
        if known := state.get("guide_events"):
            return GuideReadings(known, state.get("guides") or [])
        event_ids: list[str] = []
        guides: list[PromptCase] = []
        notices: list[str] = []
        for kind in _wanted(state["run"], state["recall"].get("policy", "")):
            try:
                reading = await self._reading(state["run"], kind, event_id)
            except (MemoryFailed, InvalidInput) as error:
                notices.append(f"running without {_SETTINGS[kind]}: {error}")
                continue
            if reading is not None:
                event_ids.append(reading.event_id)
                guides += [{**prompt_case(one, redact=self._redact), "kind": kind} for one in reading.cases]
        return GuideReadings(event_ids, guides, notices)

    async def _reading(self, run: Run, kind: GuideKind, event_id: str) -> Reading | None:
        """Read the guides of a kind; None where there is none to put on trial."""
        memory = await of_memory(self._memory_source, self._redact)
        key, namespace = task_question(run), run["namespace"] or None
        recalling = partial(memory.recall, run["task"], policy=TRIAL, namespace=namespace, key=key, kind=kind)
        recall = await of_memory(recalling, self._redact, seconds=memory_seconds(run))
        if not recall.candidates:
            return None
        recall = recall._replace(event_id=_event_id(run, kind) or recall.event_id, part_of=event_id)
        return await of_memory(partial(memory.select, recall, k=1), self._redact, seconds=memory_seconds(run))


def _wanted(run: Run, policy: str) -> Sequence[GuideKind]:
    """The kinds of guides that a run reads, at most as many as it may be shown cases."""
    settings = run["settings"]
    if policy == "none":
        return ()
    # a run that began with an earlier release has no such settings
    return [kind for kind in GUIDE_KINDS if settings.get(_SETTINGS[kind], "off") == TRIAL][: settings["k"]]


def _event_id(run: Run, kind: str) -> str:
    """Return the id of a reading; empty where the run has no id to make it from."""
    return str(uuid.uuid5(_IDS, storable(f"{run['id']}\x1f{kind}"))) if run.get("id") else ""
