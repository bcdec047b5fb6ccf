"""Read, part two, the torch node: the policy turns candidates into slots, and the selection is put on record."""

from typing import Any

from langgraph.runtime import Runtime

from memento.memory.case import ScoredCase
from memento.memory.errors import EncoderUnavailable, LedgerUnavailable, UnknownEvent
from memento.memory.reading import Recall
from memento.nodes.context import Context
from memento.nodes.node import Node
from memento.nodes.sources import MemorySource
from memento.nodes.state import CaseView, MementoState


def make_score_case(memory_source: MemorySource) -> Node[MementoState]:
    """Make the node.

    Args:
        memory_source: the case memory.
    """

    async def score_case(state: MementoState, *, runtime: Runtime[Context]) -> dict[str, Any]:
        """Choose at most k cases and open the retrieval event; a repeat gives the same event."""
        if not state["recall"]:
            return {}
        try:
            memory = await memory_source()
            reading = await memory.select(Recall.from_json(state["recall"]), k=state["run"]["settings"]["k"])
        except (EncoderUnavailable, LedgerUnavailable, UnknownEvent) as error:
            lack = "cases were not read again" if state["event_id"] else "running without cases"
            return {"retrieval_degraded": True, "notices": [*state["notices"], f"{lack}: {error}"]}
        cases = list(map(_view, reading.cases))
        runtime.stream_writer(
            {"event": "cases", "event_id": reading.event_id, "policy": reading.policy, "cases": cases}
        )
        return {"event_id": reading.event_id, "policy": reading.policy, "cases": cases}

    return score_case


def _view(scored: ScoredCase) -> CaseView:
    case = scored.case
    return {
        "id": case.id,
        "state": case.state,
        "action": case.action,
        "answer": case.answer,
        "lesson": case.lesson,
        "reward": case.reward,
        "similarity": scored.similarity,
        "score": scored.score,
        "slot": scored.slot,
        "propensity": scored.propensity,
    }
