"""Rows over all questions, in both means, and by source: as the paper's tables on DeepResearcher have them."""

from collections.abc import Sequence

from memento.evals.presets.figures import Score, Scores
from memento.evals.presets.ours import Slice
from memento.evals.presets.table import Pair, Row

WEIGHTED = "all, weighted by questions"
MACRO = "all, mean over sources"

Line = tuple[str, str, Scores | None, Slice, str]
"""Label, our arm, the paper's row, our results, remark."""


def rows_by_part(lines: Sequence[Line]) -> list[Row]:
    """Every line once for each mean, then once for each source that either side has."""
    rows = [_row(WEIGHTED, line, line[2].weighted if line[2] else None, line[3]) for line in lines]
    rows += [_row(MACRO, line, line[2].macro if line[2] else None, line[3], is_macro=True) for line in lines]
    for source in _sources(lines):
        for line in lines:
            rows.append(_row(source, line, _of_source(line[2], source), line[3].of_source(source)))
    return rows


def _row(part: str, line: Line, paper: Score | None, ours: Slice, *, is_macro: bool = False) -> Row:
    label, arm, printed, _, remark = line
    is_computed = printed is not None and part in (WEIGHTED, MACRO) and printed.is_printed_macro != (part == MACRO)
    remarks = [remark] if remark else []
    if is_computed:
        remarks.append("the paper's: computed from its sources")
    return Row(
        part=part,
        label=label,
        pairs={
            "f1": Pair(paper.f1 if paper else None, ours.mean("f1", is_macro=is_macro)),
            "pm": Pair(paper.pm if paper else None, ours.mean("accuracy", is_macro=is_macro)),
        },
        arm=arm,
        n=ours.n_questions("accuracy"),
        remark="; ".join(remarks),
    )


def _sources(lines: Sequence[Line]) -> list[str]:
    """Ours by our names, then the paper's that we lack."""
    ours = sorted({source for line in lines for source in line[3].sources if source}, key=str.casefold)
    known = {source.casefold() for source in ours}
    printed = [source for line in lines if line[2] for source in line[2].by_source]
    return ours + [source for source in dict.fromkeys(printed) if source.casefold() not in known]


def _of_source(printed: Scores | None, source: str) -> Score | None:
    by_source = {name.casefold(): score for name, score in printed.by_source.items()} if printed else {}
    return by_source.get(source.casefold())
