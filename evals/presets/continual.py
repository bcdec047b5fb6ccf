"""`continual`: what do further iterations over the same questions bring?"""

from collections.abc import Sequence

from memento.evals.presets.figures import CONTINUAL, CONTINUAL_SOURCE
from memento.evals.presets.ours import Slice
from memento.evals.presets.preset import Asked, Preset, Shape, arms_of, memory_policies
from memento.evals.presets.table import Pair, Row
from memento.evals.runs.result import TaskResult

N_ITERATIONS = 5
_IN_PAPER = {"none": "without cases", "similarity": "non-parametric", "parametric": "parametric"}


def _shape(asked: Asked) -> Shape:
    return Shape(arms_of("none", *memory_policies(asked, ["similarity", "parametric", "advantage"])), N_ITERATIONS)


def _rows(shape: Shape, results: Sequence[TaskResult]) -> list[Row]:
    rows = []
    for arm in shape.arms:
        printed = CONTINUAL.get(_IN_PAPER.get(arm.policy, ""))
        of_arm = Slice([one for one in results if one.arm == arm.name and one.phase == "learn"])
        for number in range(1, shape.iterations + 1):
            mine = of_arm.of_iteration(number)
            is_in_print = printed is not None and number <= len(printed)
            paper = printed[number - 1] if printed is not None and is_in_print else None
            remarks = ["first encounter" if number == 1 else "retry", *([] if is_in_print else ["not in the paper"])]
            rows.append(
                Row(
                    part=f"{arm.name} (the paper's {_IN_PAPER[arm.policy]})" if printed else arm.name,
                    label=f"iteration {number}",
                    pairs={"accuracy": Pair(paper, mine.mean("accuracy"))},
                    arm=arm.name,
                    n=mine.n_questions("accuracy"),
                    remark=", ".join(remarks),
                )
            )
    return rows


CONTINUAL_LEARNING = Preset(
    name="continual",
    title="Continual learning",
    source=CONTINUAL_SOURCE,
    measures=("accuracy",),
    shape=_shape,
    rows=_rows,
    differs=(
        "ours: accuracy from iteration 2 on is of retries, and says nothing of questions that are new",
        "ours: a question is never shown a case of its own, in no iteration; in the paper's code it can be",
        "ours: every iteration asks every question again, and counts what it answers this time; the paper's figures "
        "rise without cases as well, which asking again alone does not explain",
    ),
)
