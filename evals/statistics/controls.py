"""What the control arms of a run say: each memory against what costs less, and against itself without one thing."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from memento.evals.runs.arm import NO_MEMORY, Arm, ArmControls
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.statistics.comparison import Comparison, compare, corrected
from memento.evals.statistics.outcomes import Part, by_arm, part_of

ATTEMPTS = "what choosing cases is worth, beyond showing all earlier attempts"
LESSON = "what earlier tasks are worth, beyond one more call that thinks before it plans"
OUTCOMES = "what true outcomes are worth to this memory"
SHUFFLED = "what cases are worth whose outcomes are other tasks'"
FAILURES = "what showing failed cases is worth"
BLANKED = "what the text of the blanked cases is worth"


class ControlFinding(NamedTuple):
    """One comparison that a control arm makes possible."""

    question: str
    """What the difference says."""
    found: Comparison


def control_findings(plan: RunPlan, results: Sequence[TaskResult], *, part: Part = "first") -> list[ControlFinding]:
    """Every comparison that the arms of a run allow, corrected for their number; empty without control arms.

    Args:
        plan: of the run.
        results: so far.
        part: of the streams.
    """
    rows = by_arm(part_of(results, part))
    there = [arm for arm in plan.arms if arm.name in rows]
    asked = [(question, arm, other) for arm in there for question, other in _controls_of(arm, there)]
    found = corrected([compare(rows[arm.name], rows[other.name], part=part) for _, arm, other in asked])
    return [ControlFinding(question, one) for (question, _, _), one in zip(asked, found, strict=True)]


def _controls_of(arm: Arm, others: Sequence[Arm]) -> Iterator[tuple[str, Arm]]:
    """Yield the arms that this one is compared with, and what each comparison says."""
    if not arm.has_memory:
        return
    for other in others:
        controls = other.controls
        if _is_uncontrolled(arm) and controls.context is not None and controls.outcomes == "true":
            yield ATTEMPTS, other
        if _is_uncontrolled(arm) and not other.has_memory and controls.lesson == "fresh":
            yield LESSON, other
        if arm.controls.outcomes == "shuffled" and other.is_plain_control:
            yield SHUFFLED, other
        if arm.controls.outcomes == "true" and _differ_in(arm, other, outcomes="shuffled"):
            yield OUTCOMES, other
        if controls.blanked and not arm.controls.blanked and _differ_in(arm, other, blanked=controls.blanked):
            yield BLANKED, other
        if _hides_failures(other) and not _hides_failures(arm) and _are_alike(arm, other):
            yield FAILURES, other


def _is_uncontrolled(arm: Arm) -> bool:
    """Whether an arm is a memory as it is used, that retrieves."""
    return arm.policy != NO_MEMORY and arm.controls == ArmControls()


def _differ_in(arm: Arm, other: Arm, **control: object) -> bool:
    """Whether another arm is this one with one control more."""
    return (
        arm.policy == other.policy
        and arm.settings == other.settings
        and arm.controls.model_copy(update=control) == other.controls
    )


def _hides_failures(arm: Arm) -> bool:
    return arm.settings.get("failures") == "hidden"


def _are_alike(arm: Arm, other: Arm) -> bool:
    """Whether two arms differ at most in whether failed cases are shown."""
    mine, others = ({name: value for name, value in one.settings.items() if name != "failures"} for one in (arm, other))
    return arm.policy == other.policy and arm.controls == other.controls and mine == others
