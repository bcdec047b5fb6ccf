"""`k-sweep`: how many cases should the planner be shown?"""

from collections.abc import Sequence

from memento.evals.presets.figures import NUMBER_OF_CASES, NUMBER_OF_CASES_SOURCE, Scores
from memento.evals.presets.ours import Slice, first_encounters
from memento.evals.presets.parts import rows_by_part
from memento.evals.presets.preset import Asked, Preset, Shape, arms_of, memory_policies
from memento.evals.presets.table import Row
from memento.evals.runs.result import TaskResult


def _shape(asked: Asked) -> Shape:
    """Every K with the first policy; with further ones every K but 0, where nothing is left to choose."""
    first, *others = memory_policies(asked, ["similarity"])
    texts = [f"{first}:k={k}" for k in NUMBER_OF_CASES]
    texts += [f"{policy}:k={k}" for policy in others for k in NUMBER_OF_CASES if k]
    return Shape(arms_of(*texts))


def _rows(shape: Shape, results: Sequence[TaskResult]) -> list[Row]:
    ours = first_encounters(results)
    lines: list[tuple[str, str, Scores | None, Slice, str]] = []
    for arm in shape.arms:
        k = arm.settings["k"]
        lines.append((f"K = {k}, {arm.policy}", arm.name, NUMBER_OF_CASES.get(k), ours.of_arm(arm.name), ""))
    return rows_by_part(lines)


K_SWEEP = Preset(
    name="k-sweep",
    title="Number of cases",
    source=NUMBER_OF_CASES_SOURCE,
    measures=("f1", "pm"),
    shape=_shape,
    rows=_rows,
    differs=(
        "the paper does not say which way of choosing cases it used here: its figures stand beside every policy",
        "ours: first encounters only; a question is never shown a case of its own",
    ),
)
