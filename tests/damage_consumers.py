"""Uses of a bank of which one row is damaged; what each answers can be compared."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from memento.graph.deps import Deps
from memento.graph.workflow import build_graph
from memento.memory.case import Case
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import MementoError
from memento.memory.lifecycle.forgetting import ForgettingRules
from memento.memory.policies.registry import POLICY_NAMES
from tests.damage_bank import SNAPSHOT, Bank, opened
from tests.memories import question
from tests.node_parts import always, answer, verdict

ASKED = "What is the capital of Ghana number 3 then ?"
_DIGITS = 4

Consumer = Callable[[CaseMemory, Bank], Awaitable[Any]]


def said(case: Case) -> dict[str, Any]:
    """What a case says, whatever revision it is in."""
    return case.model_dump(mode="json", exclude={"version", "created_at"})


async def refused(asking: Awaitable[Any]) -> Any:
    """What was answered, or that a named error refused it; every other error is raised."""
    try:
        return await asking
    except MementoError as error:
        return f"refused: {type(error).__name__}"


async def exported(memory: CaseMemory, _bank: Bank) -> Any:
    return {case.id: said(case) async for case in memory.views.walk(namespace=memory.namespace)}


async def _read(memory: CaseMemory, policy: str, asked: str = ASKED) -> Any:
    reading = await memory.read(asked, k=64, policy=policy, seed=1)
    slots = [
        [slot.case_id, *(round(value, _DIGITS) for value in (slot.similarity, slot.score, slot.propensity))]
        for slot in reading.slots
    ]
    return [slots, [said(scored.case) for scored in reading.cases], reading.n_outcomes, reading.is_degraded]


def _reader(policy: str) -> Consumer:
    async def read(memory: CaseMemory, _bank: Bank) -> Any:
        return await _read(memory, policy)

    return read


async def reindexed(memory: CaseMemory, bank: Bank) -> Any:
    await memory.reindex()
    return [await _read(memory, "similarity"), await exported(memory, bank)]


async def learned(memory: CaseMemory, _bank: Bank) -> Any:
    rebuilt = await memory.offline().rebuild()
    judged = await memory.offline().learn()
    return [list(rebuilt), judged.version.reason, judged.report is None, await memory.n_outcomes()]


async def effects(memory: CaseMemory, _bank: Bank) -> Any:
    return [
        [one.case_id, *(round(float(value), _DIGITS) for value in one[1:] if isinstance(value, int | float))]
        for one in await memory.effects()
    ]


async def figures(memory: CaseMemory, _bank: Bank) -> Any:
    await memory.check_ledger()  # figures leave out what is known to be damaged
    counts = await memory.views.counts(namespace=memory.namespace)
    history = await memory.versions.history(memory.namespace)
    serving = await memory.versions.serving(memory.namespace, "kernel")
    return [list(counts), await memory.n_outcomes(), [version.settings for version in history], serving.settings]


async def usage(memory: CaseMemory, bank: Bank) -> Any:
    await memory.check_ledger()  # writes damaged slots anew from the events' records
    return [list(await memory.views.usage(case_id, namespace=memory.namespace)) for case_id in bank.cases]


async def trail(memory: CaseMemory, _bank: Bank) -> Any:
    entries = await memory.lifecycle.audit(limit=500)
    snapshots = [snapshot.name for snapshot in await memory.lifecycle.snapshots()]
    return [[list(entry[2:5]) for entry in entries if entry.verb not in ("damage", "repair")], snapshots]


async def retired(memory: CaseMemory, bank: Bank) -> Any:
    reports = [await refused(memory.lifecycle.retire(case_id)) for case_id in bank.cases]
    told = [one if isinstance(one, str) else [one.changed, sorted(one.left_alone)] for one in reports]
    return [told, await exported(memory, bank)]


async def restored(memory: CaseMemory, bank: Bank) -> Any:
    told = [
        await refused(memory.lifecycle.restore(bank.cases[0])),
        await refused(memory.lifecycle.release(bank.cases[1])),
    ]
    return [[one if isinstance(one, str) else one.changed for one in told], await exported(memory, bank)]


async def undone(memory: CaseMemory, bank: Bank) -> Any:
    told = await refused(memory.lifecycle.undo(bank.batch))
    return [told if isinstance(told, str) else told.changed, await exported(memory, bank)]


async def rolled_back(memory: CaseMemory, bank: Bank) -> Any:
    told = await refused(memory.lifecycle.rollback(SNAPSHOT))
    return ["refused" if isinstance(told, str) else told.changed, await exported(memory, bank)]


async def forgotten(memory: CaseMemory, bank: Bank) -> Any:
    plan = await memory.lifecycle.plan(ForgettingRules(capacity=4))
    report = await memory.lifecycle.apply(plan)
    return [sorted(report.changed), await exported(memory, bank)]


async def corrected(memory: CaseMemory, bank: Bank) -> Any:
    told = []
    for event_id in bank.events:
        told.append(await refused(memory.feedback(event_id, 0.75, lesson="corrected")))
        await memory.settle()  # what is learned of a case depends on when it came back
    return [told, await exported(memory, bank), await _read(memory, "advantage")]


async def delivered(memory: CaseMemory, bank: Bank) -> Any:
    """Every event's attempt is delivered once more."""
    told = []
    for n, event_id in enumerate(bank.events):
        fields = {"state": question(20 + n), "action": f"tried {n}", "reward": 1.0, "lesson": "again"}
        told.append(await refused(memory.write(**fields, event_id=event_id)))
        await memory.settle()
    return [told, await exported(memory, bank), await _read(memory, "advantage")]


async def written(memory: CaseMemory, bank: Bank) -> Any:
    """Every case is lived through once more, without an event."""
    for n in range(len(bank.cases)):
        await memory.write(state=question(n), action=f"plan {n}", reward=float(n % 2), lesson=f"fresh lesson {n}")
        await memory.settle()
    return [await exported(memory, bank), await _read(memory, "similarity"), await _read(memory, "advantage")]


async def evaluated(memory: CaseMemory, _bank: Bank) -> Any:
    await memory.check_ledger()
    report = await memory.evaluation().report(["similarity", "advantage"])
    return [report.n_unknown, report.n_not_recalled]


async def run(memory: CaseMemory, bank: Bank) -> Any:
    """A run of the whole graph, which recalls, serves and writes."""
    models = {"planner": always(answer("42")), "executor": always("42"), "judge": always(verdict("yes"))}
    done = await build_graph(Deps(memory=memory, **models)).ainvoke({"task": ASKED, "reference": "42"})
    await memory.settle()
    kept = await exported(memory, bank)
    kept[done["case_id"]].pop("provenance")  # names the run
    return [done["answer"], done["reward"], done["error"], kept]


async def opened_again(memory: CaseMemory, bank: Bank) -> Any:
    first = await _read(memory, "advantage")
    async with opened(bank.ledger) as second:
        assert await _read(second, "advantage") == first
        return [first, await exported(second, bank)]


READING = (
    *(f"read {policy}" for policy in POLICY_NAMES),
    *("export", "effects", "usage", "trail", "figures", "evaluate", "learn", "reindex"),
)
"""Uses that may share a bank, in this order: none of them changes a case."""

CONSUMERS: Mapping[str, Consumer] = {
    **{f"read {policy}": _reader(policy) for policy in POLICY_NAMES},
    "export": exported,
    "reindex": reindexed,
    "learn": learned,
    "effects": effects,
    "figures": figures,
    "usage": usage,
    "trail": trail,
    "retire": retired,
    "restore": restored,
    "undo": undone,
    "rollback": rolled_back,
    "forget": forgotten,
    "feedback": corrected,
    "deliver again": delivered,
    "write again": written,
    "evaluate": evaluated,
    "run": run,
    "open again": opened_again,
}
