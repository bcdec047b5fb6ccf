"""The executor's model as actor: one structured call per step, in a conversation that only grows.

A step's message is what is seen now and the actions that can be taken; with the next step the list of actions goes,
and the rest stays word for word, so that servers read only what is new. The schema holds the reply to the valid actions.
"""

import asyncio
import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from pydantic import BaseModel, ConfigDict, Field, create_model

from memento.nodes.acting.actor import ActorStopped, Step
from memento.nodes.acting.environment import Observation
from memento.nodes.acting.episode_prompt import (
    ENVIRONMENT_SYSTEM,
    actions_block,
    episode_opening,
    observation_block,
    steps_left_out,
)
from memento.nodes.agent.window import window_tokens
from memento.nodes.agent.work import Work
from memento.nodes.context import RunSettings
from memento.nodes.costs import usage_of_structured
from memento.nodes.errors import ContentFiltered, InvalidReply, ModelTimedOut, ModelUnavailable
from memento.nodes.foreign_errors import is_too_long
from memento.nodes.prompt_budgets import CASE_SHARE, LIST_CHARS, fitted_cases, n_tokens, shortened
from memento.nodes.prompts import with_own
from memento.nodes.sources import Price, model_name
from memento.nodes.state import PromptCase, Run, Subtask
from memento.nodes.structured import StructuredCaller, StructuredReply

_DELAYS_S: Final = (0.5, 1.0)
"""Before a model that is away is asked again, as the agent with tools asks it."""
_FREE_CHARS: Final = 200
"""Of an action where any text is taken."""
_OBSERVATION_TOKENS: Final = 1_000
_OBSERVATION_SHARE: Final = 8
_TASK_SHARE: Final = 4
_FULL_SHARE: Final = 0.7
"""Of the window, from which on the oldest steps are left out."""


class EnvironmentAction(BaseModel):
    """The next action."""

    model_config = ConfigDict(str_strip_whitespace=True, coerce_numbers_to_str=True)

    action: str = Field(description="The next action.", min_length=1, max_length=_FREE_CHARS)


@lru_cache(maxsize=512)  # making a class takes a millisecond
def action_schema(valid: tuple[str, ...]) -> type[EnvironmentAction]:
    """Return the schema of an action; where there are valid ones, of those alone."""
    if not valid:
        return EnvironmentAction
    one_of: Any = Literal[valid]
    said = Field(description="One of the actions that can be taken now, word for word.")
    return create_model(
        "EnvironmentAction", __base__=EnvironmentAction, __doc__="The next action.", action=(one_of, said)
    )


class ModelActor:
    """Acts in one episode by a chat model, and counts what that costs."""

    def __init__(
        self, *, model: BaseChatModel, caller: StructuredCaller, work: Work, subtask: Subtask, price: Price | None
    ) -> None:
        """Prepare; asks nothing.

        Args:
            model: of the executor.
            caller: asks it.
            work: is charged.
            subtask: whose episode it is.
            price: says what calls cost.
        """
        self._model = model
        self._caller = caller
        self._work = work
        self._subtask = subtask
        self._price = price
        self._window = window_tokens(model)
        self._shown: list[PromptCase] | None = None
        self._first = ""
        self._opening = ""
        self._turns: list[tuple[str, str]] = []
        """Of each step, the reply and what it led to, as they stand in the conversation."""
        self._n_tokens = 0
        self._n_dropped = 0

    @property
    def name(self) -> str:
        """The model's name, for provenance."""
        return model_name(self._model)

    @property
    def shown(self) -> list[PromptCase]:
        """The cases that the model was shown."""
        return self._shown or []

    async def act(self, *, run: Run, cases: Sequence[PromptCase], steps: Sequence[Step], now: Observation) -> str:
        """Ask the model for the next action.

        Raises:
            ActorStopped: its replies cannot be used, or it cannot read so much.
            ModelError: it cannot be asked.
        """
        if self._shown is None:
            self._first = self._seen(now)
            self._open(run, list(cases))
        self._grow(steps)
        schema = action_schema(now.valid)
        while True:
            try:
                reply = await self._asked(schema, self._messages(run, now))
            except InvalidReply as error:
                if error.spent is not None:
                    self._charge(error.spent)
                raise ActorStopped(str(error), why="reply") from error
            except ContentFiltered as error:
                raise ActorStopped(str(error), why="filter") from error
            except Exception as error:
                if not is_too_long(error):
                    raise
                if not self._narrow(run):
                    raise ActorStopped(str(error), why="context") from error
            else:
                self._charge(reply)
                return reply.value.action

    async def _asked(
        self, schema: type[EnvironmentAction], messages: list[BaseMessage]
    ) -> StructuredReply[EnvironmentAction]:
        """Ask, and ask a model that is away again: what was done in the environment stays."""
        for delay in _DELAYS_S:
            try:
                return await self._caller.ask(self._model, schema, messages, known_as=EnvironmentAction)
            except ModelTimedOut:
                raise
            except ModelUnavailable:
                await asyncio.sleep(delay)
        return await self._caller.ask(self._model, schema, messages, known_as=EnvironmentAction)

    def _charge(self, reply: StructuredReply[Any]) -> None:
        self._work.charge(usage_of_structured(reply, self._model, self._price))

    def _open(self, run: Run, cases: list[PromptCase]) -> None:
        self._shown = cases
        settings = RunSettings.model_validate(run["settings"])
        fitted = fitted_cases(cases, min(settings.max_case_tokens, self._window // CASE_SHARE))
        task = shortened(run["task"], self._window // _TASK_SHARE)
        self._opening = episode_opening(task, fitted, self._subtask["description"], self._first)
        self._n_tokens = n_tokens(self._opening) + sum(n_tokens(said) + n_tokens(seen) for said, seen in self._turns)

    def _seen(self, observation: Observation) -> str:
        return shortened(observation.text, min(_OBSERVATION_TOKENS, self._window // _OBSERVATION_SHARE))

    def _grow(self, steps: Sequence[Step]) -> None:
        """Add the steps since the last call; when the window is full, leave the older half of all steps out."""
        for step in steps[self._n_dropped + len(self._turns) :]:
            said = json.dumps({"action": step.action}, ensure_ascii=False)
            self._turns.append((said, observation_block(self._seen(step.observation))))
            self._n_tokens += sum(map(n_tokens, self._turns[-1]))
        if self._n_tokens > self._window * _FULL_SHARE:
            self._drop_half()

    def _drop_half(self) -> bool:
        n_old = len(self._turns) // 2
        self._n_tokens -= sum(n_tokens(said) + n_tokens(seen) for said, seen in self._turns[:n_old])
        self._turns = self._turns[n_old:]
        self._n_dropped += n_old
        return n_old > 0

    def _narrow(self, run: Run) -> bool:
        """Leave something out after a context overflow: older steps, then the worse half of the cases."""
        if self._drop_half():
            return True
        if not self.shown:
            return False
        self._open(run, self.shown[: len(self.shown) // 2])
        return True

    def _messages(self, run: Run, now: Observation) -> list[BaseMessage]:
        opening = self._opening
        if self._n_dropped:
            opening = f"{opening}\n\n{steps_left_out(self._n_dropped)}"
        messages: list[BaseMessage] = [
            SystemMessage(with_own(ENVIRONMENT_SYSTEM, run, "executor")),
            HumanMessage(opening),
        ]
        for said, seen in self._turns:
            messages += [AIMessage(said), HumanMessage(seen)]
        if actions := actions_block(now.valid, min(LIST_CHARS, self._window)):
            messages[-1] = HumanMessage(f"{messages[-1].text}\n\n{actions}")
        return messages
