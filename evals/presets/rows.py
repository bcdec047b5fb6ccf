"""Rows of a preset's table: by source with both means, by iteration, or gains on held-out sources."""

from collections.abc import Sequence
from typing import NamedTuple

from memento.evals.presets.figures import Line, Score, Scores
from memento.evals.presets.ours import Slice, first_encounters, gain
from memento.evals.presets.table import Pair, Row
from memento.evals.runs.arm import Arm
from memento.evals.runs.result import TaskResult

WEIGHTED = "all, weighted by questions"
MACRO = "all, mean over sources"


class _Both(NamedTuple):
    """A line of the paper's beside an arm of ours."""

    label: str
    arm: str
    printed: Scores | None
    ours: Slice
    remark: str = ""


def rows_by_source(lines: Sequence[Line], arms: Sequence[Arm], results: Sequence[TaskResult]) -> list[Row]:
    """Every line once for each mean, then once for each source that either side has."""
    both = _beside(lines, arms, first_encounters(results))
    rows = [_row(WEIGHTED, one, one.printed.weighted if one.printed else None, one.ours) for one in both]
    rows += [_row(MACRO, one, one.printed.macro if one.printed else None, one.ours, is_macro=True) for one in both]
    for source in _sources(both):
        rows += [_row(source, one, _of_source(one.printed, source), one.ours.of_source(source)) for one in both]
    return rows


def rows_by_iteration(
    lines: Sequence[Line], arms: Sequence[Arm], results: Sequence[TaskResult], *, iterations: int
) -> list[Row]:
    """Every arm in every iteration."""
    printed = {line.policy: line for line in lines}
    rows = []
    for arm in arms:
        line = printed.get(arm.policy)
        paper = line.accuracy if line else ()
        of_arm = Slice([one for one in results if one.arm == arm.name and one.phase == "learn"])
        for number in range(1, iterations + 1):
            mine, is_in_print = of_arm.of_iteration(number), number <= len(paper)
            remarks = ["first encounter" if number == 1 else "retry", *([] if is_in_print else ["not in the paper"])]
            rows.append(
                Row(
                    part=f"{arm.name} (the paper's {line.label})" if line else arm.name,
                    label=f"iteration {number}",
                    pairs={"accuracy": Pair(paper[number - 1] if is_in_print else None, mine.mean("accuracy"))},
                    arm=arm.name,
                    n=mine.n_questions("accuracy"),
                    remark=", ".join(remarks),
                )
            )
    return rows


def rows_of_gains(
    lines: Sequence[Line], arms: Sequence[Arm], results: Sequence[TaskResult], *, held_out: Sequence[str]
) -> list[Row]:
    """Every arm with a memory on every held-out source, against the arm without."""
    printed = {line.label.casefold(): Score(line.f1[0], line.pm[0]) for line in lines}
    rows = []
    for source in held_out:
        tests = [one for one in results if one.phase == "test" and one.source == source]
        without = Slice([one for one in tests if one.arm == "none"])
        paper = printed.get(source.casefold())
        for arm in arms:
            if arm.name == "none":
                continue
            mine = Slice([one for one in tests if one.arm == arm.name])
            rows.append(
                Row(
                    part=source,
                    label=f"{arm.name}, gain over none",
                    pairs={
                        "f1": Pair(paper.f1 if paper else None, gain(mine, without, "f1")),
                        "pm": Pair(paper.pm if paper else None, gain(mine, without, "accuracy")),
                    },
                    arm=arm.name,
                    n=mine.n_questions("accuracy"),
                    remark="" if paper else "not in the paper",
                )
            )
    return rows


def _beside(lines: Sequence[Line], arms: Sequence[Arm], ours: Slice) -> list[_Both]:
    """The lines in order; where an arm says how many cases it shows, the arms in order."""
    by_k = {line.k: line for line in lines if line.k is not None}
    if by_k:
        labels = {arm.name: (f"K = {arm.settings['k']}, {arm.policy}", by_k.get(arm.settings["k"])) for arm in arms}
        return [
            _Both(label, name, line.scores if line else None, ours.of_arm(name))
            for name, (label, line) in labels.items()
        ]
    both = []
    for line in lines:
        if line.is_with_memory:
            names = [arm.name for arm in arms if arm.policy != "none"]
            both += [_Both(f"{line.label} ({name})", name, line.scores, ours.of_arm(name)) for name in names]
        else:
            mine = ours.of_arm(line.arm) if line.arm else Slice([])
            both.append(_Both(line.label, line.arm, line.scores, mine, line.remark))
    return both


def _row(part: str, both: _Both, paper: Score | None, ours: Slice, *, is_macro: bool = False) -> Row:
    printed = both.printed
    is_computed = printed is not None and part in (WEIGHTED, MACRO) and printed.is_printed_macro != (part == MACRO)
    remarks = [both.remark] if both.remark else []
    if is_computed:
        remarks.append("the paper's: computed from its sources")
    return Row(
        part=part,
        label=both.label,
        pairs={
            "f1": Pair(paper.f1 if paper else None, ours.mean("f1", is_macro=is_macro)),
            "pm": Pair(paper.pm if paper else None, ours.mean("accuracy", is_macro=is_macro)),
        },
        arm=both.arm,
        n=ours.n_questions("accuracy"),
        remark="; ".join(remarks),
    )


def _sources(lines: Sequence[_Both]) -> list[str]:
    """Ours by our names, then the paper's that we lack."""
    ours = sorted({source for line in lines for source in line.ours.sources if source}, key=str.casefold)
    known = {source.casefold() for source in ours}
    printed = [source for line in lines if line.printed for source in line.printed.by_source]
    return ours + [source for source in dict.fromkeys(printed) if source.casefold() not in known]


def _of_source(printed: Scores | None, source: str) -> Score | None:
    by_source = {name.casefold(): score for name, score in printed.by_source.items()} if printed else {}
    return by_source.get(source.casefold())
