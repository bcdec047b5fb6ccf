"""The conversation of one episode: it grows at its end, so that a server which caches prefixes reads little again.

A step's message is what is seen and, while it is the newest, the step cases and the actions that can be taken: with the
next step they go, which keeps the window free, and all before it stays word for word. The list is shown although a
schema enforces it, since a server that constrains the reply does not show the model the schema. Beyond the model's
window the older half of the steps is left out at once.
"""

import json
from collections.abc import Sequence
from typing import Final, NamedTuple

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from memento.memory.case_tokens import n_tokens
from memento.nodes.acting.actor import Step
from memento.nodes.acting.environment import Observation
from memento.nodes.acting.episode_prompt import (
    ENVIRONMENT_SYSTEM,
    actions_block,
    episode_opening,
    observation_block,
    step_cases_block,
    steps_left_out,
)
from memento.nodes.context import RunSettings
from memento.nodes.fences import harmless
from memento.nodes.prompt_budgets import CASE_SHARE, LIST_CHARS, fitted_cases, shortened
from memento.nodes.prompts import with_own
from memento.nodes.state import PromptCase, Run
from memento.nodes.subtasks import Subtask

_OBSERVATION_TOKENS: Final = 1_000
_OBSERVATION_SHARE: Final = 8
_STEP_CASE_TOKENS: Final = 1_000
"""Of all step cases in a message, at most an eighth of the window."""
_STEP_CASE_SHARE: Final = 8
TASK_SHARE: Final = 4
"""The task takes a quarter of the window at most."""
_FULL_SHARE: Final = 0.7
"""Of the window, from which on the older steps are left out."""


class _Turn(NamedTuple):
    """A step as messages, which are made once."""

    said: AIMessage
    seen: HumanMessage
    n_tokens: int


class EpisodeConversation:
    """Renders an episode for a chat model."""

    def __init__(
        self, run: Run, subtask: Subtask, cases: Sequence[PromptCase], first: Observation, *, window: int
    ) -> None:
        """Begin with the first observation.

        Args:
            run: its task and settings.
            subtask: whose episode it is.
            cases: served, best first.
            first: observation after the reset.
            window: tokens that the model can read.
        """
        self.cases = list(cases)
        """Those that the model is shown."""
        self._run = run
        self._subtask = subtask
        self._window = window
        self._first = self._shortened(first)
        self._system = SystemMessage(with_own(ENVIRONMENT_SYSTEM, run, "executor"))
        self._turns: list[_Turn] = []
        self._n_left_out = 0
        self._opening = self._opened()

    def grow(self, steps: Sequence[Step]) -> None:
        """Add the steps that were taken since the last call.

        Args:
            steps: all of the episode.
        """
        for step in steps[self._n_left_out + len(self._turns) :]:
            said = harmless(json.dumps({"action": step.action}, ensure_ascii=False))
            seen = observation_block(self._shortened(step.observation))
            self._turns.append(_Turn(AIMessage(said), HumanMessage(seen), n_tokens(said) + n_tokens(seen)))
        # Of its numbers alone: no text is looked at twice.
        if n_tokens(self._opening) + sum(turn.n_tokens for turn in self._turns) > self._window * _FULL_SHARE:
            self._leave_out_older_half()

    def narrow(self) -> bool:
        """Leave something out after a context overflow: older steps, then the worse half of the cases.

        Returns:
            Whether there was anything to leave out.
        """
        if self._leave_out_older_half():
            return True
        if not self.cases:
            return False
        self.cases = self.cases[: len(self.cases) // 2]
        self._opening = self._opened()
        return True

    def messages(self, valid: Sequence[str], step_cases: Sequence[PromptCase] = ()) -> list[BaseMessage]:
        """Return the messages that ask for the next action.

        Args:
            valid: actions that can be taken now; empty where any text is taken.
            step_cases: of the situation, best first.
        """
        left_out = f"\n\n{steps_left_out(self._n_left_out)}" if self._n_left_out else ""
        messages: list[BaseMessage] = [self._system, HumanMessage(self._opening + left_out)]
        for turn in self._turns:
            messages += (turn.said, turn.seen)
        max_tokens = min(_STEP_CASE_TOKENS, self._window // _STEP_CASE_SHARE)
        for block in (step_cases_block(step_cases, max_tokens), actions_block(valid, min(LIST_CHARS, self._window))):
            if block:
                messages[-1] = HumanMessage(f"{messages[-1].content}\n\n{block}")
        return messages

    def _opened(self) -> str:
        settings = RunSettings.model_validate(self._run["settings"])
        fitted = fitted_cases(self.cases, min(settings.max_case_tokens, self._window // CASE_SHARE))
        task = shortened(self._run["task"], self._window // TASK_SHARE)
        return episode_opening(task, fitted, self._subtask["description"], self._first)

    def _shortened(self, observation: Observation) -> str:
        return shortened(observation.text, min(_OBSERVATION_TOKENS, self._window // _OBSERVATION_SHARE))

    def _leave_out_older_half(self) -> bool:
        n_older = len(self._turns) // 2
        self._turns = self._turns[n_older:]
        self._n_left_out += n_older
        return n_older > 0
