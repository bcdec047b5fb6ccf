"""The newest known rewards of a namespace: what attempts usually earn there."""

from typing import Final

from sqlalchemy import select

from memento.memory.ledger import schema
from memento.memory.ledger.rows import CheckedConnection, is_set_aside

_OF_STEP: Final = '%"kind":"step"%'
"""Quotes inside a text of the JSON are escaped, so that no text is taken for it."""


def newest_rewards(connection: CheckedConnection, namespace: str, n: int) -> list[float]:
    """Return known rewards, each event's newest, newest first; those of steps are no attempts, and left out.

    Args:
        connection: of the ledger.
        namespace: whose.
        n: how many at most. Twice as many rows are looked at: some are unknown, some are of the same event.
    """
    outcomes = schema.outcomes.c
    query = select(outcomes.event_id, outcomes.reward).where(
        outcomes.namespace == namespace, outcomes.body.not_like(_OF_STEP), ~is_set_aside(schema.outcomes)
    )
    newest: dict[str, float | None] = {}
    for event_id, reward in connection.execute(query.order_by(outcomes.offset.desc()).limit(2 * n)).all():
        newest.setdefault(event_id, reward)
    return [reward for reward in newest.values() if isinstance(reward, int | float) and 0 <= reward <= 1][:n]
