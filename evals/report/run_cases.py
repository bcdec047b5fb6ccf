"""Loads the cases of a run from its memories, or from its journals where those are gone."""

from collections.abc import Sequence
from pathlib import Path

from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.statistics.banks import bank_cases
from memento.evals.subject import DIRECT
from memento.memory.admission import counted_together
from memento.memory.case import POSITIVE_FROM, Case, Provenance, case_id, storable
from memento.memory.errors import InvalidInput, LedgerUnavailable


async def run_cases(folder: Path, plan: RunPlan, results: Sequence[TaskResult]) -> dict[str, Case]:
    """Return every case that can still be looked up, by id.

    What the journals tell is what each run wanted remembered, and the correction that followed; those of 0.1 say only
    that a direct one did, without its answer. A memory knows all of it, and its word counts.

    Args:
        folder: of the run.
        plan: of the run.
        results: of the run.
    """
    try:
        kept = await bank_cases(folder, plan)
    except (LedgerUnavailable, InvalidInput):  # the page can be read without
        kept = {}
    streams = {(key.arm.name, key.seed): key.name for key in plan.streams()}
    told: dict[str, Case] = {}
    for case in (case for one in results for case in _told(one, streams[one.arm, one.seed], plan)):
        told[case.id] = counted_together(told[case.id], case) if case.id in told else case
    return told | kept


def _told(result: TaskResult, stream: str, plan: RunPlan) -> list[Case]:
    if result.held is None or result.reward is None:
        return []
    given = result.held.arguments
    namespace, state = given.get("namespace") or stream, storable(given["state"])
    key: str = given.get("key") or ""
    action, answer = storable(given["action"]), given.get("answer") or ""
    own = _case(namespace, state, action, result.reward, answer, result.evaluator, key=key)
    if result.correction is not None:
        right = result.correction
        return [own, _case(namespace, state, right.action, 1.0, right.answer, "correction", key=key)]
    line = plan.settings.get("positive_from")
    if result.reward >= (line if isinstance(line, float | int) else POSITIVE_FROM) or plan.feedback != "correction":
        return [own]
    return [own, _case(namespace, state, DIRECT, 1.0, "", "correction", key=key)]


def _case(namespace: str, state: str, action: str, reward: float, answer: str, evaluator: str, *, key: str) -> Case:
    return Case(
        id=case_id(namespace, state, action, key=key),
        namespace=namespace,
        state=state,
        action=action,
        reward=reward,
        answer=storable(answer),
        provenance=Provenance(evaluator=evaluator),
        key=key,
    )
