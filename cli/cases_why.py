"""Explains an event for `memento cases why`: its slots, each with what was known when it was filled."""

from typing import Any

from memento.cli.opening import opened
from memento.cli.printing import TextTable, facts_table, print_table
from memento.cli.running import ExitCode
from memento.cli.streams import print_json, tell
from memento.memory.explanation import INTERVAL_MEANS, explained_event, next_case_text
from memento.memory.guides import GuideTrial
from memento.memory.tally import CaseOutcomes


async def explain_event(event_id: str, namespace: str | None, *, as_json: bool) -> ExitCode:
    """Explain one event."""
    async with opened(namespace) as memory:
        explained = await explained_event(memory, event_id)
    facts, slots = explained.facts(), explained.slots()
    if as_json:
        print_json({"event": "why", **facts, "slots": slots, "intervals": INTERVAL_MEANS})
        return ExitCode.OK
    if "next_case" in facts:
        facts["next_case"] = next_case_text(facts["next_case"])
    print_table(facts_table({name: "not known" if value is None else value for name, value in facts.items()}))
    if slots:
        print_table(_table(slots))
    for slot in slots:
        if trial := slot.get("trial"):
            tell(f"{facts['kind']} {trial['case_id'][:8]} is {GuideTrial(**trial).text}")
    if any(slot["interval"] is not None for slot in slots):
        tell(f"intervals: {INTERVAL_MEANS}")
    return ExitCode.OK


def _table(slots: list[dict[str, Any]]) -> TextTable:
    table = TextTable(expand=True)
    outcomes = [_outcomes(slot) for slot in slots]
    mean_of = ("outcomes now",) if any(outcomes) else ()
    known = ("similarity", "score", "90 %", "own reward", *mean_of, "support", "exposures", "propensity")
    has_budget = any("tokens" in slot for slot in slots)
    for name in ("slot", "case", *known, *(("tokens",) if has_budget else ()), "chosen"):
        table.add_column(name, no_wrap=True)
    table.add_column("task", no_wrap=True, overflow="ellipsis", ratio=1)
    for slot, of_case in zip(slots, outcomes, strict=True):
        is_null = slot["case_id"] is None
        low_high = slot["interval"]
        row = (
            str(slot["slot"]),
            "none" if is_null else slot["case_id"][:8],
            "" if is_null else f"{slot['similarity']:.3f}",
            f"{slot['score']:.3f}",
            "" if low_high is None else f"[{low_high[0]:.3f}, {low_high[1]:.3f}]",
            _number(slot["own_reward"]),
            *((of_case,) if mean_of else ()),
            "" if slot["support"] is None else f"{slot['support']:.2f}",
            _number(slot["exposures"]),
            f"{slot['propensity']:.3g}",
            *((_tokens(slot),) if has_budget else ()),
            "by lot" if slot["is_randomised"] else "as the best",
            _null(slot) if is_null else " ".join((slot["task"] or "gone").split()),
        )
        table.add_texts(*row)
    return table


def _null(slot: dict[str, Any]) -> str:
    if withheld := slot.get("withheld"):
        return f"no case: {withheld[:8]} was withheld at random"
    return "no case: the null case was chosen"


def _outcomes(slot: dict[str, Any]) -> str:
    """Count, mean and spread of a case's outcomes, where there is more than one; its own reward was their mean."""
    known = slot["outcomes"]
    return CaseOutcomes(**known).text if known is not None and known["n"] > 1 else ""


def _tokens(slot: dict[str, Any]) -> str:
    if slot.get("tokens") is None:
        return ""
    return f"{slot['tokens']}{', shortened' if slot['is_shortened'] else ''}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
