"""Explains an event for `memento cases why`: its slots, each with what was known when it was filled."""

from typing import Any

from memento.cli.opening import find_event, opened
from memento.cli.printing import TextTable, facts_table, print_table
from memento.cli.running import ExitCode
from memento.cli.streams import print_json
from memento.memory.case import ERASED, Case
from memento.memory.event import Outcome, RetrievalEvent, Slot
from memento.memory.offpolicy.probes import Z90


async def explain_event(event_id: str, namespace: str | None, *, as_json: bool) -> ExitCode:
    """Explain one event."""
    async with opened(namespace) as memory:
        event = await find_event(memory, event_id)
        outcome = await memory.views.outcome(event_id, namespace=event.namespace)
        cases = await memory.views.cases(event.case_ids, namespace=event.namespace)
        erased = await memory.views.erased_among(event.case_ids, namespace=event.namespace)
    slots = [_explained(slot, cases.get(slot.case_id or "")) for slot in event.slots]
    for slot in slots:
        if slot["case_id"] in erased:
            slot |= {"task": ERASED, "status": "erased"}
    facts = _facts(event, outcome)
    if as_json:
        print_json({"event": "why", **facts, "slots": slots})
        return ExitCode.OK
    print_table(facts_table({name: "not known" if value is None else value for name, value in facts.items()}))
    if slots:
        print_table(_table(slots))
    return ExitCode.OK


def _facts(event: RetrievalEvent, outcome: Outcome | None) -> dict[str, Any]:
    left_out = [] if outcome is None else [one for one in event.case_ids if one in outcome.left_out]
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
        **({"erased_at": event.erased_at} if event.erased_at else {}),
    } | ({"not_shown_to_the_model": left_out} if left_out else {})


def _explained(slot: Slot, case: Case | None) -> dict[str, Any]:
    """A slot as JSON values; the interval holds the case's utility with a probability of 90 %."""
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
        "support": slot.support,
        "exposures": slot.exposures,
        "propensity": slot.propensity,
        "is_randomised": slot.is_randomised,
    }


def _table(slots: list[dict[str, Any]]) -> TextTable:
    table = TextTable(expand=True)
    known = ("similarity", "score", "90 %", "own reward", "support", "exposures", "propensity")
    for name in ("slot", "case", *known, "chosen"):
        table.add_column(name, no_wrap=True)
    table.add_column("task", no_wrap=True, overflow="ellipsis", ratio=1)
    for slot in slots:
        is_null = slot["case_id"] is None
        low_high = slot["interval"]
        row = (
            str(slot["slot"]),
            "none" if is_null else slot["case_id"][:8],
            "" if is_null else f"{slot['similarity']:.3f}",
            f"{slot['score']:.3f}",
            "" if low_high is None else f"[{low_high[0]:.3f}, {low_high[1]:.3f}]",
            _number(slot["own_reward"]),
            "" if slot["support"] is None else f"{slot['support']:.2f}",
            _number(slot["exposures"]),
            f"{slot['propensity']:.3g}",
            "by lot" if slot["is_randomised"] else "as the best",
            "no case: the null case was chosen" if is_null else " ".join((slot["task"] or "gone").split()),
        )
        table.add_texts(*row)
    return table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
