"""All earlier attempts of a stream in the prompt, up to a token budget, instead of retrieval: the arm `context:N`.

The strongest baseline against a memory system that is published: the model reads what was tried before, with what came
of it, and finds out by itself what bears on the task. The attempts are those that a memory would have been told of,
corrections included, and are shown as cases are: fenced, in the user's turn, those that failed apart.
"""

from collections.abc import Sequence
from typing import NamedTuple

from memento.evals.runs.successes import as_shown
from memento.memory.case import POSITIVE_FROM, Case, Provenance, ScoredCase
from memento.memory.case_tokens import n_tokens
from memento.memory.experience import Experience
from memento.nodes.prompts import case_block
from memento.nodes.score_case import prompt_case


class _Attempt(NamedTuple):
    case: Case
    question: str
    n_tokens: int
    """As rendered in the prompt."""


class EarlierAttempts:
    """The attempts of earlier rounds of one stream."""

    def __init__(
        self, *, budget: int, namespace: str, shows_failures: bool = True, worked_from: float = POSITIVE_FROM
    ) -> None:
        """Start without attempts.

        Args:
            budget: tokens of all attempts in one prompt together, estimated.
            namespace: of the stream.
            shows_failures: whether attempts that failed are shown, too.
            worked_from: reward from which on an attempt worked.
        """
        self._budget = budget
        self._namespace = namespace
        self._shows_failures = shows_failures
        self._worked_from = worked_from
        self._attempts: list[_Attempt] = []

    def add(self, experiences: Sequence[Experience]) -> None:
        """Add the attempts of a round, oldest first; those of unknown outcome tell nothing, and are left out."""
        for one in experiences:
            if one.reward is not None and (self._shows_failures or one.reward >= self._worked_from):
                self._attempts.append(self._attempt(one, one.reward))

    def shown(self, question: str) -> list[ScoredCase]:
        """Return the attempts to show for a task, the newest first: as many of the newest as the budget holds.

        Args:
            question: hash of the task's; its own attempts are not shown. The newest attempt is shown even where it
                alone is longer than the budget: the prompt shortens it.
        """
        cases, left = list[ScoredCase](), self._budget
        for attempt in reversed(self._attempts):
            if attempt.question == question:
                continue
            left -= attempt.n_tokens
            if left < 0 and cases:
                break
            cases.append(as_shown(attempt.case, len(cases)))
        return cases

    def _attempt(self, told: Experience, reward: float) -> _Attempt:
        case = Case(
            id=told.id_in(self._namespace),
            namespace=self._namespace,
            state=told.state,
            # A case's prompt shows no answer; an attempt without its answer would not be the attempt.
            action=f"{told.action}\nAnswer: {told.answer}" if told.answer else told.action,
            reward=reward,
            answer=told.answer,
            confidence=told.confidence,
            lesson=told.lesson,
            provenance=Provenance(event_id=told.event_id, evaluator=told.evaluator),
            key=told.key,
            kind=told.kind,
        )
        block = case_block(prompt_case(as_shown(case, 0)), is_success=reward >= self._worked_from)
        return _Attempt(case, told.question, n_tokens(block))
