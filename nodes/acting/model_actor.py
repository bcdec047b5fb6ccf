"""The executor's model as actor: one structured call per step, held to the valid actions by its schema."""

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from pydantic import BaseModel, ConfigDict, Field, create_model

from memento.nodes.acting.actor import ActorStopped, Step
from memento.nodes.acting.conversation import EpisodeConversation
from memento.nodes.acting.environment import Observation
from memento.nodes.agent.window import window_tokens
from memento.nodes.agent.work import Work
from memento.nodes.costs import usage_of_structured
from memento.nodes.errors import ContentFiltered, InvalidReply, ModelTimedOut, ModelUnavailable
from memento.nodes.foreign_errors import is_too_long
from memento.nodes.sources import Price, model_name
from memento.nodes.state import PromptCase, Run
from memento.nodes.structured import StructuredCaller, StructuredReply
from memento.nodes.subtasks import Subtask

_DELAYS_S: Final = (0.5, 1.0)
"""Before a model that is away is asked again, as the agent with tools asks it."""
_FREE_CHARS: Final = 400
"""Of an action where any text is taken: the longest function calls that benchmarks expect have about 250."""


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
        self._conversation: EpisodeConversation | None = None
        self.shown_step_cases: Sequence[PromptCase] = ()
        """The step cases that the model was shown for its last action."""

    @property
    def name(self) -> str:
        """The model's name, for provenance."""
        return model_name(self._model)

    @property
    def shown(self) -> list[PromptCase]:
        """The cases that the model was shown."""
        return self._conversation.cases if self._conversation else []

    async def act(
        self,
        *,
        run: Run,
        cases: Sequence[PromptCase],
        steps: Sequence[Step],
        now: Observation,
        step_cases: Sequence[PromptCase] = (),
    ) -> str:
        """Ask the model for the next action.

        Raises:
            ActorStopped: its replies cannot be used, or it cannot read so much.
            ModelError: it cannot be asked.
        """
        if self._conversation is None:
            window = window_tokens(self._model)
            self._conversation = EpisodeConversation(run, self._subtask, cases, now, window=window)
        self._conversation.grow(steps)
        self.shown_step_cases = step_cases
        while True:
            try:
                reply = await self._asked(now.valid, self._conversation.messages(now.valid, self.shown_step_cases))
            except InvalidReply as error:
                if error.spent is not None:
                    self._charge(error.spent)
                raise ActorStopped(str(error), why="reply") from error
            except ContentFiltered as error:
                raise ActorStopped(str(error), why="filter") from error
            except Exception as error:
                if not is_too_long(error):
                    raise
                if self.shown_step_cases:
                    self.shown_step_cases = ()
                elif not self._conversation.narrow():
                    raise ActorStopped(str(error), why="context") from error
            else:
                self._charge(reply)
                return reply.value.action

    async def _asked(self, valid: tuple[str, ...], messages: list[BaseMessage]) -> StructuredReply[EnvironmentAction]:
        """Ask, and ask a model that is away again: what was done in the environment stays."""
        schema = action_schema(valid)
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
