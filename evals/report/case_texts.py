"""What stood in the cases that a run has served: from its memories, or from its journals where those are gone."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.runs.runner import STREAMS
from memento.memory.case import case_id, storable
from memento.memory.errors import InvalidInput, LedgerUnavailable
from memento.memory.ledger import Ledger
from memento.memory.ledger_views import LedgerViews

_LEDGER = Path("bank") / "ledger.sqlite"


class CaseText(NamedTuple):
    """One case, as it was shown."""

    state: str
    action: str
    answer: str
    reward: float
    evaluator: str


async def case_texts(
    folder: Path, plan: RunPlan, results: Iterable[TaskResult], wanted: Collection[str]
) -> dict[str, CaseText]:
    """The texts of these cases, as far as the run's folder still has them.

    Args:
        folder: of the run.
        plan: of the run.
        results: of the run: what each wrote, and which cases each was shown.
        wanted: ids of cases.
    """
    streams = {(key.arm.name, key.seed): key.name for key in plan.streams()}
    missing, written = set(wanted), dict[str, CaseText]()
    homes: dict[str, set[str]] = {}
    for result in results:
        stream = streams[result.arm, result.seed]
        homes.setdefault(stream, set()).update(case.id for case in result.cases if case.id in missing)
        if result.held is not None and result.reward is not None:
            given = result.held.arguments
            own_id = case_id(given.get("namespace") or stream, storable(given["state"]), storable(given["action"]))
            if own_id in missing:
                written[own_id] = CaseText(
                    given["state"], given["action"], given.get("answer", ""), result.reward, result.evaluator
                )
    kept = dict[str, CaseText]()
    for stream, ids in homes.items():
        path = folder / STREAMS / stream / _LEDGER
        if ids and path.exists():
            kept |= await _from_ledger(path, stream, ids)
    return written | kept  # a correction may have taken an attempt's place: the memory knows


async def _from_ledger(path: Path, namespace: str, ids: Collection[str]) -> dict[str, CaseText]:
    try:
        async with Ledger(f"sqlite+aiosqlite:///{path}") as ledger:
            cases = await LedgerViews(ledger).cases(sorted(ids), namespace=namespace)
    except (LedgerUnavailable, InvalidInput):  # the page can be read without
        return {}
    return {
        one.id: CaseText(one.state, one.action, one.answer, one.reward, one.provenance.evaluator or "unknown")
        for one in cases.values()
    }
