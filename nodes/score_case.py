"""The score_case node (torch): the policy fills slots from the candidates, and the selection is recorded."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from langgraph.runtime import Runtime

from memento.memory.case import POSITIVE_FROM, ScoredCase
from memento.memory.reading import Reading, Recall
from memento.memory.text_limits import MAX_ACTION_CHARS, MAX_ANSWER_CHARS, MAX_LESSON_CHARS, MAX_STATE_CHARS, bounded
from memento.nodes.case_budget import case_budget
from memento.nodes.context import Context
from memento.nodes.events import emit
from memento.nodes.memory_calls import MemoryFailed, memory_seconds, of_memory
from memento.nodes.node import Node
from memento.nodes.prompt_budgets import case_within
from memento.nodes.redaction import Redact
from memento.nodes.shown_steps import cases_shown
from memento.nodes.sources import MemorySource, ModelSource
from memento.nodes.state import MementoState, PromptCase
from memento.nodes.worked import has_worked

if TYPE_CHECKING:
    from memento.nodes.guide_cases import GuideCases


def make_score_case(
    memory_source: MemorySource,
    *,
    models: ModelSource | None = None,
    redact: Redact = str,
    guide_cases: "GuideCases | None" = None,
) -> Node[MementoState]:
    """Make the score_case node.

    Args:
        memory_source: the case memory.
        models: gives the models whose windows limit the cases of a run that chooses them by their tokens.
        redact: takes secrets out of cases, and of what a failing memory says.
        guide_cases: reads skills and lessons where a run wants them; without it nobody does.
    """

    async def score_case(state: MementoState, *, runtime: Runtime[Context]) -> dict[str, Any]:
        """Choose at most k cases and open the retrieval event; a repeat gives the same event."""
        if not state["recall"]:
            return {}
        try:
            memory = await of_memory(memory_source, redact)
            settings = state["run"]["settings"]
            recall = Recall.from_json(state["recall"])._replace(**chosen_by_settings(settings))
            budget = await case_budget(state["run"], models)
            within = {} if budget is None else {"max_tokens": budget}  # a host's own memory need not know of tokens
            choosing = partial(memory.select, recall, k=settings["k"], **within)
            reading = await of_memory(choosing, redact, seconds=memory_seconds(state["run"]))
        except MemoryFailed as error:
            lack = "cases were not read again" if state["event_id"] else "running without cases"
            return {"retrieval_degraded": True, "notices": [*state["notices"], f"{lack}: {error}"]}
        served = prompt_cases(reading, redact)
        cases, hidden = without_hidden(served, settings)
        update: dict[str, Any] = {"event_id": reading.event_id, "policy": reading.policy}
        update["positive_from"] = reading.positive_from
        guides: list[PromptCase] = []
        if guide_cases is not None:
            read = await guide_cases.read(state, reading.event_id)
            guides, all_cases, cases = list(read.guides), cases, read.beside(cases)
            hidden += [case["id"] for case in all_cases[len(cases) :]]
            update |= {"guides": guides, "guide_events": list(read.event_ids)}
            if read.notices:
                update["notices"] = list(dict.fromkeys([*state["notices"], *read.notices]))
        update["cases"] = cases
        emit(runtime, {"event": "cases", "event_id": reading.event_id, "policy": reading.policy, "cases": cases})
        if guide_events := update.get("guide_events"):
            emit(runtime, {"event": "guides", "event_ids": guide_events, "guides": guides})
        if hidden:
            update["left_out"] = [*(state.get("left_out") or []), *hidden]
        return update | cases_shown(state["run"], reading.event_id, reading.policy, [*cases, *guides])

    return score_case


def chosen_by_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run's settings say of which cases are chosen: the line of success, and whether failures are."""
    # a run that began with an earlier release has no such settings
    return {"positive_from": settings.get("positive_from"), "worked_only": settings.get("failures") == "hidden"}


def without_hidden(cases: list[PromptCase], settings: Mapping[str, Any]) -> tuple[list[PromptCase], list[str]]:
    """Return the cases that are to be shown, and the ids of those that the run's settings hide.

    Where failures are hidden, a memory chooses among cases that worked. There may be others: of a memory of the host's
    own, or where a reading is repeated after feedback.
    """
    if settings.get("failures") != "hidden":
        return cases, []
    hidden = [case["id"] for case in cases if not has_worked(case)]
    return [case for case in cases if has_worked(case)], hidden


def prompt_case(scored: ScoredCase, positive_from: float = POSITIVE_FROM, redact: Redact = str) -> PromptCase:
    """Return a served case as the state and the prompts hold it.

    Args:
        scored: the case.
        positive_from: reward from which on it counts as one that worked; `Reading.positive_from`.
        redact: takes secrets out of its texts, which a host or a file may have brought into the memory.
    """
    case = scored.case
    shown: PromptCase = {
        "id": case.id,
        # An earlier release kept texts of any length; every checkpoint of the run would hold them.
        "state": bounded(redact(case.state), MAX_STATE_CHARS),
        "action": bounded(redact(case.action), MAX_ACTION_CHARS),
        "answer": bounded(redact(case.answer), MAX_ANSWER_CHARS),
        "lesson": bounded(redact(case.lesson), MAX_LESSON_CHARS),
        "reward": case.reward,
        "similarity": scored.similarity,
        "score": scored.score,
        "slot": scored.slot,
        "propensity": scored.propensity,
    }
    if positive_from != POSITIVE_FROM:
        shown["positive_from"] = positive_from
    return shown


def prompt_cases(reading: Reading, redact: Redact = str) -> list[PromptCase]:
    """Return the cases of a reading as the state and the prompts hold them, within its token budget."""
    shortened, shown = reading.shortened, [prompt_case(one, reading.positive_from, redact) for one in reading.cases]
    return [case_within(one, shortened[one["id"]]) if one["id"] in shortened else one for one in shown]
