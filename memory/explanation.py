"""Explanations of readings and cases: why a case was served, and what is known of it, as JSON values."""

from typing import TYPE_CHECKING, Any, NamedTuple

from memento.memory.case import ERASED, PLAN, Case
from memento.memory.errors import ErasedRecord, UnknownCase, UnknownEvent
from memento.memory.event import NextCase, Outcome, RetrievalEvent, Slot, WhyNotServed
from memento.memory.guides import GUIDE_KINDS, GuideTrial
from memento.memory.ledger.event_reads import CaseUsage
from memento.memory.namespaces import documents_of
from memento.memory.offpolicy.probes import Z90
from memento.memory.steps import STEP

if TYPE_CHECKING:
    from memento.memory.case_memory import CaseMemory

INTERVAL_MEANS = "90 % of each case alone, not corrected for looking at several; nothing is decided by it"
"""What the interval of a slot's utility is, for whoever shows it."""

_WHY_NOT: dict[WhyNotServed, str] = {
    "gain": "the joint gain would not be positive",
    "budget": "it did not fit into what was left of the token budget",
    "slots": "no slot was left",
    "chance": "a slot was left empty by lot",
}


class ExplainedEvent(NamedTuple):
    """One reading with its outcome and the cases that it served."""

    event: RetrievalEvent
    outcome: Outcome | None
    """The newest; None where nothing was reported."""
    cases: dict[str, Case]
    """Newest revisions of the cases served, by id, without erased ones."""
    erased: set[str]
    trials: dict[str, GuideTrial]
    """What the trials of the guides say today that it has shown or withheld, by case id; empty of other readings."""

    def facts(self) -> dict[str, Any]:
        """What holds for the whole reading."""
        event, outcome = self.event, self.outcome
        left_out = [] if outcome is None else [one for one in event.case_ids if one in outcome.left_out]
        parts = () if outcome is None else outcome.subtasks
        subtasks = [one.event_id for one in parts if one.step is None]
        steps = [one.event_id for one in parts if one.step is not None]
        guides = [] if outcome is None else list(outcome.guides)
        return {
            "event_id": event.id,
            "task": event.asked,
            "policy": event.policy,
            "outcomes_learned_from": event.n_outcomes,
            "settings_version": event.settings_version,
            "bank_version": event.bank_version,
            "candidates": len(event.candidates),
            "degraded": event.is_degraded,
            "reward": None if outcome is None else outcome.reward,
            "evaluator": None if outcome is None else outcome.evaluator,
            "created_at": event.created_at,
            **({"key": event.key} if event.key else {}),
            **({"kind": event.kind} if event.kind != PLAN else {}),
            **({"fork_of": event.fork_of} if event.fork_of else {}),
            **({"part_of": event.part_of} if event.part_of else {}),
            **({"subtasks": subtasks} if subtasks else {}),
            **({"steps": steps} if steps else {}),
            **({} if event.usual is None else {"usual": event.usual}),
            **({} if event.k is None else {"k": event.k}),
            **({} if event.max_tokens is None else {"max_tokens": event.max_tokens}),
            **({} if event.next_case is None else {"next_case": _explained_next(event.next_case)}),
            **({"guides": guides} if guides else {}),
            **({"erased_at": event.erased_at} if event.erased_at else {}),
        } | ({("not_taken_up" if event.kind == STEP else "not_shown_to_the_model"): left_out} if left_out else {})

    def slots(self) -> list[dict[str, Any]]:
        """Every slot with what was known when it was filled; see `INTERVAL_MEANS` for its interval."""
        slots = [_explained(slot, self.cases.get(slot.case_id or "")) for slot in self.event.slots]
        for slot in slots:
            if slot["case_id"] in self.erased:
                slot |= {"task": ERASED, "status": "erased"}
            trial = self.trials.get(slot["case_id"] or slot.get("withheld") or "")
            if trial is not None:
                slot["trial"] = trial._asdict()
        return slots

    def slot_of(self, case_id: str) -> dict[str, Any] | None:
        """The slot that a case was served in; None where it was not."""
        return next((slot for slot in self.slots() if slot["case_id"] == case_id), None)


class ExplainedCase(NamedTuple):
    """One case with how it has done when it was served."""

    case: Case
    usage: CaseUsage
    trial: GuideTrial | None
    """Of a skill or a lesson; None of other cases."""


async def find_event(memory: "CaseMemory", event_id: str) -> RetrievalEvent:
    """Find a read or a ranking of the memory's namespace.

    Raises:
        UnknownEvent: there is none.
    """
    for place in (memory.namespace, documents_of(memory.namespace)):
        event = await memory.views.event(event_id, namespace=place)
        if event is not None:
            return event
    raise UnknownEvent(event_id, memory.namespace)


async def explained_event(memory: "CaseMemory", event_id: str) -> ExplainedEvent:
    """Find a reading of the memory's namespace with all that explains it.

    Raises:
        UnknownEvent: there is none.
    """
    event = await find_event(memory, event_id)
    views, namespace = memory.views, event.namespace
    up = [one for slot in event.slots if (one := slot.case_id or slot.withheld)] if event.is_trial else []
    return ExplainedEvent(
        event,
        await views.outcome(event_id, namespace=namespace),
        await views.cases(event.case_ids, namespace=namespace),
        await views.erased_among(event.case_ids, namespace=namespace),
        {one.case_id: one for one in await memory.trials(up, namespace)} if up else {},
    )


async def explained_case(memory: "CaseMemory", case_id: str) -> ExplainedCase:
    """Find a case of the memory's namespace by its whole id.

    Raises:
        UnknownCase: there is none.
        ErasedRecord: it was erased.
    """
    views, namespace = memory.views, memory.namespace
    case = (await views.cases([case_id], namespace=namespace)).get(case_id)
    if case is None:
        if await views.erased_among([case_id], namespace=namespace):
            raise ErasedRecord(f"case {case_id!r}", namespace)
        raise UnknownCase(case_id, namespace)
    trials = await memory.trials([case_id]) if case.kind in GUIDE_KINDS else []
    return ExplainedCase(case, await views.usage(case_id, namespace=namespace), trials[0] if trials else None)


def next_case_text(next_case: dict[str, Any]) -> str:
    """Say in one line which case was not served, and why: `facts()["next_case"]`."""
    tokens = f", {next_case['tokens']} tokens" if "tokens" in next_case else ""
    why_not = _WHY_NOT[next_case["why_not"]]
    return f"{next_case['case_id'][:8]} (score {next_case['score']:.3f}{tokens}) was not served: {why_not}"


def _explained_next(next_case: NextCase) -> dict[str, Any]:
    return next_case.model_dump(exclude={"schema"})


def _explained(slot: Slot, case: Case | None) -> dict[str, Any]:
    reach = None if slot.sd is None else Z90 * slot.sd
    return {
        "slot": slot.slot,
        "case_id": slot.case_id,
        "task": None if case is None else case.state,
        "status": None if case is None else case.status,
        "similarity": slot.similarity,
        "score": slot.score,
        "interval": None if reach is None else [slot.score - reach, slot.score + reach],
        "own_reward": slot.own_reward,
        "outcomes": None if case is None else case.outcomes._asdict(),
        "support": slot.support,
        "exposures": slot.exposures,
        "propensity": slot.propensity,
        "is_randomised": slot.is_randomised,
    } | {
        **({} if slot.tokens is None else {"tokens": slot.tokens, "is_shortened": slot.is_shortened}),
        **({"withheld": slot.withheld} if slot.withheld else {}),
    }
