"""Summary of a data set: number of tasks by source, rejected rows and reasons."""

from collections import Counter
from collections.abc import Iterable

from memento.evals.task import ENVIRONMENT, Dataset

_MAX_SOURCES = 20
_MAX_BAD_ROWS = 5


def describe(dataset: Dataset) -> list[str]:
    """Return the lines to print: totals, parts, rejected rows."""
    return [_summary(dataset), *_parts("source", dataset), *_parts("level", dataset), *_bad_rows(dataset)]


def _summary(dataset: Dataset) -> str:
    tasks = dataset.tasks
    # An environment scores by itself: nobody misses a reference there.
    n_unreferenced = sum(not task.references for task in tasks) if dataset.format != ENVIRONMENT else 0
    notes = [
        _counted(n_unreferenced, "without a reference"),
        _counted(sum(bool(task.attachments) for task in tasks), "with files"),
        _counted(dataset.n_repeated, "repeated questions asked once"),
        _counted(len(dataset.bad_rows), "bad rows skipped"),
    ]
    return ", ".join([f"{dataset.name} ({dataset.format}): {len(tasks):,} tasks", *filter(None, notes)])


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}" if n else ""


def _parts(part: str, dataset: Dataset) -> list[str]:
    """Count tasks by source or level, the largest first; empty when all are of one."""
    counts = Counter(_values(part, dataset))
    if len(counts) < 2:
        return []
    shown = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    lines = [f"  {n:>7,}  {name or f'(no {part})'}" for name, n in shown[:_MAX_SOURCES]]
    rest = shown[_MAX_SOURCES:]
    more = [f"  {sum(n for _, n in rest):>7,}  in {len(rest):,} more"] if rest else []
    return [f"by {part}:", *lines, *more]


def _values(part: str, dataset: Dataset) -> Iterable[str]:
    return (task.source if part == "source" else task.level for task in dataset.tasks)


def _bad_rows(dataset: Dataset) -> list[str]:
    if not dataset.bad_rows:
        return []
    lines = [f"  line {line:,}: {reason}" for line, reason in dataset.bad_rows[:_MAX_BAD_ROWS]]
    n_more = len(dataset.bad_rows) - _MAX_BAD_ROWS
    return ["bad rows:", *lines, *([f"  and {n_more:,} more"] if n_more > 0 else [])]
