"""Asking a judge. One that fails abstains: its failure is told, never raised, and never counts against an answer."""

import logging
from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

from langchain_core.messages import BaseMessage
from pydantic import BaseModel

from memento.nodes.costs import usage_of_structured
from memento.nodes.errors import InvalidReply, ModelError
from memento.nodes.scoring.parts import ScoringParts
from memento.nodes.sources import model_name
from memento.nodes.usage import Usage

T = TypeVar("T", bound=BaseModel)

_LOG = logging.getLogger(__name__)


class Reply(NamedTuple, Generic[T]):
    """What a judge said."""

    value: T | None
    """None when it abstained."""
    model: str = ""
    """Its name; empty when there is none."""
    usage: Usage | None = None
    failure: str = ""


async def ask_judge(
    parts: ScoringParts, named: str | None, schema: type[T], messages: Sequence[BaseMessage]
) -> Reply[T]:
    """Ask for a judgement.

    Args:
        parts: models, and how to ask them.
        named: the judge as provider:model; None for the configured one.
        schema: of the judgement.
        messages: what it is asked.
    """
    name = ""
    try:
        model = await parts.models.get("judge", named)
        name = model_name(model)
        reply = await parts.caller.ask(model, schema, messages)
    except (ModelError, InvalidReply) as error:
        _LOG.warning("the judge failed: %s", error)
        return Reply(None, name, failure=f"the judge failed: {error}")
    return Reply(reply.value, name, usage_of_structured(reply, model, parts.price))
