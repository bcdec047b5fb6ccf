"""`ood`: do cases of some sources help with questions of others?"""

from collections.abc import Sequence

from memento.evals.presets.figures import OUT_OF_DISTRIBUTION, OUT_OF_DISTRIBUTION_SOURCE
from memento.evals.presets.ours import Slice, gain
from memento.evals.presets.preset import Asked, Preset, Shape, arms_of, memory_policies
from memento.evals.presets.table import Pair, Row
from memento.evals.runs.result import TaskResult
from memento.memory.errors import InvalidInput


def _shape(asked: Asked) -> Shape:
    """Hold out what was asked, or the paper's three sources, by the names that the data set has for them.

    Raises:
        InvalidInput: the data set has no such source, or no other.
    """
    held_out = asked.held_out or tuple(OUT_OF_DISTRIBUTION)
    if asked.sources is not None:
        held_out = tuple(_named_as_in(asked.sources, name) for name in held_out)
        if not set(asked.sources) - set(held_out):
            raise InvalidInput(f"nothing is left to learn from: all sources are held out ({', '.join(held_out)})")
    policies = memory_policies(asked, ["similarity", "parametric", "advantage"])
    return Shape(arms_of("none", *policies), held_out=held_out)


def _named_as_in(sources: Sequence[str], name: str) -> str:
    found = {source.casefold(): source for source in sources}.get(name.casefold())
    if found is None:
        there = ", ".join(sorted(filter(None, sources))) or "none"
        raise InvalidInput(f"the data set has no source {name!r}; it has {there}: say which to hold out (--held-out)")
    return found


def _rows(shape: Shape, results: Sequence[TaskResult]) -> list[Row]:
    printed = {name.casefold(): score for name, score in OUT_OF_DISTRIBUTION.items()}
    rows = []
    for source in shape.held_out:
        tests = [one for one in results if one.phase == "test" and one.source == source]
        without = Slice([one for one in tests if one.arm == "none"])
        paper = printed.get(source.casefold())
        for arm in shape.arms:
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


OUT_OF_DISTRIBUTION_GAINS = Preset(
    name="ood",
    title="Gains on sources that no case is of",
    source=OUT_OF_DISTRIBUTION_SOURCE,
    measures=("f1", "pm"),
    shape=_shape,
    rows=_rows,
    differs=(
        "ours: the bank is frozen while the held-out questions are asked, and learns nothing from their outcomes",
        "ours: paired by question and seed, with intervals; the paper gives none",
    ),
)
