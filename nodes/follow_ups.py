"""Condenses a follow-up into a task that stands alone: cases are recalled by it, and written for it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from memento.nodes.agent.deadlines import Abandoned, DeadlinePassed, within
from memento.nodes.context import RunSettings
from memento.nodes.costs import usage_of_structured
from memento.nodes.errors import InvalidReply, ModelRejected, ModelUnavailable, brief_reason
from memento.nodes.prompts import follow_up_messages
from memento.nodes.sources import ModelSource, Price
from memento.nodes.state import EarlierMessage
from memento.nodes.structured import StructuredCaller, StructuredReply
from memento.nodes.usage import Usage, no_usage

MAX_CHARS: Final = 4_000
"""Of a condensed task."""


class StandaloneTask(BaseModel):
    """The newest message of a conversation, as a task that can be understood without the rest."""

    model_config = ConfigDict(str_strip_whitespace=True)

    task: str = Field(description="The task, complete in itself.", min_length=1, max_length=MAX_CHARS)


class Condensed(NamedTuple):
    """A follow-up that stands alone."""

    task: str
    usage: Usage
    seconds: float
    notice: str
    """Why it was not condensed by the model; empty otherwise."""


@dataclass(frozen=True, kw_only=True)
class FollowUps:
    """Asks the planner's model to condense follow-ups."""

    models: ModelSource
    caller: StructuredCaller
    price: Price | None = None

    async def condensed(self, text: str, said: Sequence[EarlierMessage], settings: RunSettings) -> Condensed:
        """Condense a follow-up.

        Where the model gives no task, the question before is put in front: that stands alone, too.

        Args:
            text: the follow-up.
            said: what was said before.
            settings: of the run.

        Raises:
            ModelError: the model cannot be asked now.
        """
        began, usage = time.monotonic(), no_usage()
        model = await self.models.get("planner", settings.planner)
        messages = follow_up_messages(text, said)
        try:
            limit = min(settings.max_seconds, settings.run_max_seconds)
            reply = await within(limit, self.caller.ask(model, StandaloneTask, messages))
            usage = usage_of_structured(reply, model, self.price)
            return Condensed(reply.value.task, usage, time.monotonic() - began, "")
        except Abandoned:
            raise ModelUnavailable("the planner's call was cancelled") from None
        except InvalidReply as error:
            spent: StructuredReply[StandaloneTask] | None = error.spent
            usage = usage_of_structured(spent, model, self.price) if spent else usage
            why = brief_reason(error)
        except ModelRejected as error:
            why = brief_reason(error)
        except DeadlinePassed:
            why = "it took too long"
        asked = [one["text"] for one in said if one["by"] == "person"]
        task = "\n".join([*asked[-1:], text])
        notice = f"the follow-up was not condensed, the question before was put in front of it: {why}"
        return Condensed(task, usage, time.monotonic() - began, notice)
