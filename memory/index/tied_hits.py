"""Asks an engine for the nearest cases, together with all that are as near as the last of them.

An engine that is asked for 64 cases of 200 equally near ones gives any 64: which ones differs with the order in which
it has stored them. All of a tie must be seen before it can be cut by id.
"""

from memento.memory.index.engines.cosine_digits import rounded
from memento.memory.index.engines.port import Hit, Vector, VectorEngine

N_MORE = 8
"""Hits requested beyond the limit: without a tie there, the first of them is less near, and one request is enough."""

MAX_TIED = 2_000
"""Maximum number of hits requested. Of a tie that is larger still, the engine chooses which cases are found."""

_GROWTH = 4


async def nearest_with_ties(
    engine: VectorEngine, vector: Vector, *, namespace: str, limit: int, exclude_question: str | None = None
) -> list[Hit]:
    """The nearest active cases of a namespace: `limit` of them, and all that are as near as the last of these.

    Costs one request, unless cases are tied at the limit.

    Args:
        engine: searched by descending cosine.
        vector: shape (dim,).
        namespace: whose cases.
        limit: at least as many are found, where there are as many.
        exclude_question: a question whose cases are left out.

    Raises:
        EngineError: the engine failed.
    """
    asked = limit + N_MORE
    while True:
        hits = await engine.search(vector, namespace=namespace, limit=asked, exclude_question=exclude_question)
        if limit < 1 or len(hits) < asked or asked >= MAX_TIED:
            return hits
        furthest, last_kept = rounded([hits[-1].similarity, hits[limit - 1].similarity])
        if furthest < last_kept:
            return hits
        asked = min(asked * _GROWTH, max(MAX_TIED, limit + N_MORE))
