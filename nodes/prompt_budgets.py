"""Token budgets for the parts of a prompt: long texts are truncated in the middle, short ones stay whole.

Tokens are estimated from bytes, four of which are about one in most languages. An estimate may be wrong, and so may
what is known of a model's window: whoever asks must expect to be told that the prompt is too long all the same.
"""

from collections.abc import Sequence
from typing import Final, TypeVar

from memento.memory.case_tokens import n_tokens
from memento.nodes.state import PromptCase
from memento.nodes.subtasks import SubtaskResult
from memento.tools.text import without_middle

RESULT_TOKENS: Final = 30_000
"""Of all results together, where nothing is known of the model's window."""
JUDGED_TOKENS: Final = 40_000
"""Of all that a judge is shown."""
LIST_CHARS: Final = 8_000
"""Of a list of files."""
REASON_CHARS: Final = 10_000
"""Of what a person says against a plan."""
CASE_SHARE: Final = 4
"""Cases take a quarter of the model's window at most."""
RESULT_SHARE: Final = 3
"""Results take a third of it at most, and so does what a judge is shown of any kind."""

_LEAST_TOKENS: Final = 10

T = TypeVar("T")


def shortened(text: str, max_tokens: int) -> str:
    """Truncate a text in the middle and say how much was left out."""
    size = n_tokens(text)
    return text if size <= max_tokens else without_middle(text, max(_LEAST_TOKENS, len(text) * max_tokens // size))


def all_shortened(texts: Sequence[str], max_tokens: int) -> list[str]:
    """Shorten texts to a common budget: what short ones leave over goes to the long ones, in equal parts."""
    allowed = shares([n_tokens(text) for text in texts], max_tokens)
    return [shortened(text, tokens) for text, tokens in zip(texts, allowed, strict=True)]


def shares(sizes: Sequence[int], total: int) -> list[int]:
    """Divide a total fairly (max-min): no share exceeds its size, and the smaller ones are served in full first."""
    given = [0] * len(sizes)
    for n_done, index in enumerate(sorted(range(len(sizes)), key=lambda one: sizes[one])):
        given[index] = min(sizes[index], total // (len(sizes) - n_done))
        total -= given[index]
    return given


def fitted_cases(cases: Sequence[PromptCase], max_tokens: int) -> list[PromptCase]:
    """Shorten long cases so that all fit the budget together."""
    sizes = [sum(map(n_tokens, _case_texts(case))) for case in cases]
    allowed = shares(sizes, max_tokens)
    return [
        case if size <= tokens and n_tokens(case["answer"]) <= tokens else _fitted_case(case, tokens)
        for case, size, tokens in zip(cases, sizes, allowed, strict=True)
    ]


def case_within(case: PromptCase, max_tokens: int) -> PromptCase:
    """Shorten one case so that it takes no more than its tokens, with what is said of how much is missing.

    Args:
        case: of any length.
        max_tokens: at least `token_budget.SHORTEST_TOKENS`.
    """
    aim = max_tokens
    while True:
        fit = _fitted_case(case, aim)
        over = sum(map(n_tokens, _case_texts(fit))) - max_tokens
        if over <= 0 or aim == 0:
            return fit
        aim = max(0, aim - over)


def _fitted_case(case: PromptCase, max_tokens: int) -> PromptCase:
    state, action, lesson = all_shortened(_case_texts(case), max_tokens)
    # Hosts' prompts may show the answer, too.
    return {**case, "state": state, "action": action, "lesson": lesson, "answer": shortened(case["answer"], max_tokens)}


def _case_texts(case: PromptCase) -> list[str]:
    return [case["state"], case["action"], case["lesson"]]


def fitted_results(results: Sequence[SubtaskResult], max_tokens: int) -> list[SubtaskResult]:
    """Shorten long results so that all fit the budget together."""
    texts = [text for result in results for text in (result["description"], result["result"])]
    if sum(map(n_tokens, texts)) <= max_tokens:
        return list(results)
    fit = all_shortened(texts, max_tokens)
    pairs = zip(fit[::2], fit[1::2], strict=True)
    return [
        {**result, "description": described, "result": text}
        for result, (described, text) in zip(results, pairs, strict=True)
    ]


def listed(names: Sequence[str], max_chars: int = LIST_CHARS) -> str:
    """List names one a line; those that do not fit are counted."""
    lines: list[str] = []
    room = max_chars
    for name in names:
        room -= len(name) + 1
        if room < 0:
            return "\n".join([*lines, f"… {len(names) - len(lines):,} more left out"])
        lines.append(name)
    return "\n".join(lines)
