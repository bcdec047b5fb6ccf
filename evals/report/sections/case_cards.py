"""The most and least useful cases, in their own words."""

from collections.abc import Sequence

from memento.evals.report.blocks import Cards, CaseCard, Note, PageBlock, Section
from memento.evals.report.formatting import counted, gain, shortened
from memento.evals.report.view import View
from memento.evals.statistics.usefulness import MIN_QUESTIONS, CaseUse, case_uses
from memento.memory.case import POSITIVE_FROM, Case

_SHOWN = 6


def useful_cases(view: View) -> Section | None:
    """Show cases that were served often enough; None when no arm served any case."""
    if not any(one.cases for one in view.results):
        return None
    found = case_uses(view.results, view.control, cases=view.cases)
    if not found:
        note = Note(
            f"No case was served for {counted(MIN_QUESTIONS, 'question')} or more whose outcome is known with and "
            f"without it: too few to say which cases help."
        )
        return Section("cases", "Which cases helped", [note])
    n_each = min(_SHOWN, (len(found) + 1) // 2)
    most, least = found[:n_each], found[n_each:][::-1][:_SHOWN]
    intro = Note(
        f"For each case, the questions it was served for: how often they were solved with it, against the same "
        f"questions in the control ({view.control}), in percentage points with 95 % intervals over those questions, "
        f"and over orders where several served it. Cases are ordered by that difference, drawn to the mean as far as "
        f"few questions make it unsure. It is no experiment: cases served together share the credit, so this says "
        f"where to look, not what a case causes. Of {counted(len(found), 'case')} that were served for "
        f"{MIN_QUESTIONS} questions or more:",
        "aside",
    )
    blocks: list[PageBlock] = [intro, Cards("Most useful", [_card(use, view) for use in most])]
    if least:
        blocks.append(Cards("Least useful", [_card(use, view) for use in least]))
    return Section("cases", "Which cases helped", blocks)


def _card(use: CaseUse, view: View) -> CaseCard:
    known: Sequence[Case] = [view.cases[one] for one in use.case_ids if one in view.cases]
    served = f"{use.arm}, served {use.n_served} times for {counted(use.n_questions, 'question')}"
    figures = f"{gain(use.difference)} points"
    if not known:
        return CaseCard(figures, served, "", "", "", "its text is no longer in the run's folder")
    case = known[0]
    outcome = "it had worked" if case.reward >= POSITIVE_FROM else "it had failed"
    if case.outcomes.n > 1:
        outcome = f"reward {case.outcomes.text}"
    origin = "a correction" if case.provenance.evaluator == "correction" else f"an attempt; {outcome}"
    return CaseCard(figures, served, shortened(case.state), shortened(case.action), shortened(case.answer, 200), origin)
