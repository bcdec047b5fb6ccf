"""Validity checks: leakage, unscored answers, errors, runs without their memory."""

from collections import Counter

from memento.evals.report.blocks import Grid, Note, PageBlock, Section
from memento.evals.report.formatting import counted, shortened
from memento.evals.report.view import View
from memento.evals.statistics.leakage import LeakageCheck, check_leakage

_EXAMPLES = 3


def checks(view: View) -> Section:
    """Show the leakage check, then a row per arm."""
    leakage = check_leakage(view.results, view.cases)
    blocks: list[PageBlock] = [Note(_leakage(leakage), tone="warning" if leakage.n_leaks else "")]
    if leakage.examples:
        told = "; ".join(f"task {one.task_id} in {one.arm}, seed {one.seed}" for one in leakage.examples)
        blocks.append(Note(f"Leaks, for example: {told}."))
    rows = []
    for arm, results in view.by_arm.items():
        errors = Counter(one.error_class or "other" for one in results if one.error)
        rows.append(
            [
                arm,
                f"{len(results):,}",
                f"{sum(one.reward is None for one in results):,}",
                ", ".join(f"{name} {n:,}" for name, n in errors.most_common()) or "none",
                f"{sum(one.is_degraded for one in results):,}",
            ]
        )
    blocks.append(
        Grid(
            "Not scored: nobody could say whether the answer was right; such results are left out of every average, "
            "never counted as wrong. Errors are by kind, as the runs themselves named them. Without memory: runs whose "
            "memory could not be read, and which went on without cases.",
            ["arm", "results", "not scored", "errors", "without memory"],
            rows,
            arms=True,
        )
    )
    said = Counter(shortened(one.error, 160) for one in view.results if one.error)
    if said:
        common = "; ".join(f"{text} ({n:,})" for text, n in said.most_common(_EXAMPLES))
        blocks.append(Note(f"The most common errors: {common}."))
    return Section("checks", "Checks", blocks)


def _leakage(found: LeakageCheck) -> str:
    guard = (
        "Leakage guard: a question that an arm meets for the first time must never be shown a case of that very "
        "question, which would tell it the answer."
    )
    if not found.n_served:
        return f"{guard} No case was served, so nothing could leak."
    n_judged = found.n_served - found.n_unjudged
    verdict = (
        f"{counted(found.n_leaks, 'leak')} among {counted(n_judged, 'serving')} judged: the figures above are not to "
        f"be trusted."
        if found.n_leaks
        else f"No leak among {counted(n_judged, 'serving')} judged."
    )
    unjudged = (
        f" {counted(found.n_unjudged, 'serving')} could not be judged: questions of held-out tasks and cases whose "
        f"memory is gone are not in the run's folder."
        if found.n_unjudged
        else ""
    )
    again = (
        f" In later iterations, where that is allowed, questions met a case of their own "
        f"{counted(found.n_own_in_retries, 'time')}."
        if found.n_own_in_retries
        else ""
    )
    return f"{guard} {verdict}{unjudged}{again}"
