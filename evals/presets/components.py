"""`components`: what do the planner, the tools and the cases each bring?"""

from collections.abc import Sequence

from memento.evals.presets.figures import COMPONENTS, COMPONENTS_SOURCE, Scores
from memento.evals.presets.ours import Slice, first_encounters
from memento.evals.presets.parts import rows_by_part
from memento.evals.presets.preset import Asked, Preset, Shape, arms_of, memory_policies
from memento.evals.presets.table import Row
from memento.evals.runs.result import TaskResult

DIRECT = "none:run_max_model_calls=2"
"""Two calls are too few for a plan, a subtask and an answer, so that the planner's model answers at once."""

_OFFLINE, _ONLINE, _WITHOUT, _WITH = COMPONENTS
_NO_SWITCH = "no figure of ours: here every subtask comes from a plan, an executor without a planner cannot be had"


def _shape(asked: Asked) -> Shape:
    return Shape(arms_of(DIRECT, "none", *memory_policies(asked, ["similarity", "parametric", "advantage"])))


def _rows(shape: Shape, results: Sequence[TaskResult]) -> list[Row]:
    ours = first_encounters(results)
    lines: list[tuple[str, str, Scores | None, Slice, str]] = [
        (_OFFLINE, DIRECT, COMPONENTS[_OFFLINE], ours.of_arm(DIRECT), "ours: the planner's model answers at once"),
        (_ONLINE, "", COMPONENTS[_ONLINE], Slice([]), _NO_SWITCH),
        (_WITHOUT, "none", COMPONENTS[_WITHOUT], ours.of_arm("none"), ""),
    ]
    with_cases = [arm.name for arm in shape.arms if arm.policy != "none"]
    lines += [(f"{_WITH} ({name})", name, COMPONENTS[_WITH], ours.of_arm(name), "") for name in with_cases]
    return rows_by_part(lines)


COMPONENT_ABLATION = Preset(
    name="components",
    title="Planner, tools and cases",
    source=COMPONENTS_SOURCE,
    measures=("f1", "pm"),
    shape=_shape,
    rows=_rows,
    differs=(
        "the paper does not say which way of choosing cases it used here: its figures stand beside every policy",
        "the paper also prints this ablation for HLE and SimpleQA, which are other questions and not shown here",
        "ours: first encounters only; a question is never shown a case of its own",
    ),
)
