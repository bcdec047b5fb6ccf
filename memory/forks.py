"""Further attempts with the cases of one reading: each has an event and an outcome of its own.

Who goes back to an earlier moment of a run and on from there makes another attempt with the same cases. Its event is a
copy of the first one's, so that it can be explained and be given feedback, and its case is remembered like any other:
another plan is another case, and of the same plan each attempt is one more outcome.

The cases were chosen once, though, and are credited once, by the attempt that was written first: a fork's event never
trains, and is no sample of off-policy evaluation. Its cases were not drawn anew, its propensities are those of the
first draw, and who forks decides by how the first attempt went, so that weighing it would be biased towards failures.
Nor is it an outcome of the reading that the first one follows.
"""

import uuid
from typing import Final, NamedTuple

from memento.memory.case import utc_now
from memento.memory.event import Outcome, RetrievalEvent
from memento.memory.experience import Experience

_FORK_IDS: Final = uuid.UUID("6a0f3a86-6a8c-5d0e-8f0b-2f5b5b0f9d41")


class Written(NamedTuple):
    """What has come of writing an attempt."""

    case_id: str | None
    """None where its reward is not known."""
    event_id: str | None
    """The event that has its outcome: the given one, or the fork's."""
    outcome: Outcome | None
    """What counts for it now: another than the given one where feedback came first, or it was written before."""
    lesson_id: str | None = None
    """Case of the given lesson; None where there is none, or an earlier delivery wrote another one."""

    def is_fork(self, experience: Experience) -> bool:
        """Whether the event had another attempt's outcome, so that the experience has an event of its own."""
        return self.event_id != experience.event_id


def fork_of(event: RetrievalEvent, experience: Experience) -> RetrievalEvent:
    """Return the event of a further attempt with an event's cases; the same for the same attempt."""
    first = event.fork_of or event.id
    attempt = "\x1f".join((first, experience.action, experience.answer))
    update = {
        "id": str(uuid.uuid5(_FORK_IDS, attempt)),
        "fork_of": first,
        "follows": None,
        "is_degraded": True,
        "created_at": utc_now(),
    }
    return event.model_copy(update=update)
