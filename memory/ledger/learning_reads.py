"""One look at everything that a learner follows: which settings serve, what was erased, and new outcomes."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, func, select

from memento.memory.event import ObservedOutcome, OutcomeRange
from memento.memory.ledger import schema
from memento.memory.ledger.event_reads import observations_of, outside
from memento.memory.ledger.prepared import Prepared, unindexed
from memento.memory.ledger.reads import erasures_fact
from memento.memory.ledger.rows import EVENTS, OUTCOMES, CheckedConnection

_OFFSET = schema.outcomes.c.keys().index("offset")
_VERSIONS = schema.settings_versions.c
_SERVING = select(func.max(_VERSIONS.offset)).where(
    _VERSIONS.namespace == bindparam("namespace"),
    _VERSIONS.estimator == bindparam("estimator"),
    _VERSIONS.verdict != "refused",
)
_ERASURES = select(schema.facts.c.value).where(schema.facts.c.name == bindparam("erasures"))
_NEWEST = select(func.max(schema.outcomes.c.offset))
_STANDING = Prepared(select(*(part.scalar_subquery() for part in (_SERVING, _ERASURES, _NEWEST))))
"""Asked at every read."""


class LearningNews(NamedTuple):
    """What is new for a learner."""

    serving: int
    """Number of the serving settings version; 0 is the built-in ones."""
    n_erasures: int
    observations: list[ObservedOutcome]
    """New outcomes, in order."""
    seen_until: int
    """Ledger offset up to which all outcomes have been looked at, whosever they are."""
    is_all: bool
    """Whether nothing was left to look at."""


def learning_news(
    connection: CheckedConnection,
    *,
    namespace: str,
    estimator: str,
    after: int,
    limit: int,
    skipped: Sequence[OutcomeRange] = (),
) -> LearningNews:
    """Serving version, erasures, and outcomes after an offset, as `LedgerViews.observations` tells them.

    Args:
        connection: of the ledger.
        namespace: whose outcomes.
        estimator: whose settings.
        after: where the last look ended: its `seen_until`, or 0.
        limit: most outcomes at a time; with 0, outcomes are not looked at.
        skipped: ranges of outcomes that do not count.
    """
    offset = schema.outcomes.c.offset
    asked = {"namespace": namespace, "estimator": estimator, "erasures": erasures_fact(namespace)}
    ((number, n_erasures, until),) = _STANDING.rows(connection, **asked)
    news = LearningNews(number or 0, int(n_erasures or 0), [], max(after, until or 0), is_all=True)
    if not limit or (until or 0) <= after:
        return news
    events, outcomes = schema.events, schema.outcomes
    # By offsets, not by the index on namespaces: only what is new is looked at, however much there is.
    query = (
        select(*OUTCOMES.columns, *EVENTS.columns)
        .join_from(outcomes, events, events.c.event_id == outcomes.c.event_id)
        .where(unindexed(events.c.namespace) == namespace, events.c.is_degraded.is_(False))
        .where(offset > after, offset <= until)
        .where(*outside(skipped, outcomes))
        .order_by(offset)
        .limit(limit)
    )
    rows = connection.execute(query).all()
    news = news._replace(observations=observations_of(connection, rows))
    if len(rows) < limit:
        return news
    return news._replace(seen_until=rows[-1][_OFFSET], is_all=False)
