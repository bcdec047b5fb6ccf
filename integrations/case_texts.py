"""Formats recalled cases for a prompt, as the planner of the graph is shown them."""

from collections.abc import Sequence

from memento.memory.case import POSITIVE_FROM, ScoredCase
from memento.nodes.prompt_budgets import fitted_cases
from memento.nodes.prompts import case_blocks
from memento.nodes.redaction import Redact
from memento.nodes.run_settings.cases import MAX_CASE_TOKENS
from memento.nodes.score_case import prompt_case


def format_cases(
    cases: Sequence[ScoredCase],
    *,
    max_tokens: int = MAX_CASE_TOKENS,
    positive_from: float = POSITIVE_FROM,
    redact: Redact = str,
) -> str:
    """Format cases as fenced text: the failed ones, then those that worked; in both the best case is last.

    The texts of cases come from tasks, models and pages. Each is put between tags that it cannot close, and belongs in
    a user or tool message, never in a system message.

    Args:
        cases: `Reading.cases`, best first.
        max_tokens: of all cases together, estimated; longer texts are shortened in the middle.
        positive_from: reward from which on a case counts as one that worked; `Reading.positive_from`.
        redact: takes secrets out of the texts; without it they are shown as they are kept.

    Returns:
        The text; empty without cases.
    """
    shown = [prompt_case(scored, positive_from, redact) for scored in cases]
    return "\n\n".join(case_blocks(fitted_cases(shown, max_tokens)))
