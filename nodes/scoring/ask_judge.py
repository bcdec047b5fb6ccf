"""Calls a judge model. A judge that fails or hangs abstains; it never counts against an answer."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Generic, NamedTuple, TypeVar

from langchain_core.messages import BaseMessage
from pydantic import BaseModel

from memento.nodes.agent.deadlines import Abandoned, DeadlinePassed, within
from memento.nodes.agent.window import window_tokens
from memento.nodes.costs import usage_of_structured
from memento.nodes.errors import InvalidReply
from memento.nodes.foreign_errors import is_control_flow, is_too_long, told
from memento.nodes.prompt_budgets import JUDGED_TOKENS, RESULT_SHARE
from memento.nodes.scoring.parts import ScoringParts
from memento.nodes.sources import model_name
from memento.nodes.structured import StructuredReply
from memento.nodes.usage import Usage

T = TypeVar("T", bound=BaseModel)

_LOG = logging.getLogger(__name__)
_SHORTER: Final = 8
"""What is shown when the model could not read it all: an eighth of it."""


class Reply(NamedTuple, Generic[T]):
    """A judge's reply."""

    value: T | None
    """None when it abstained."""
    model: str = ""
    """Its name; empty when there is none."""
    usage: Usage | None = None
    failure: str = ""


async def ask_judge(
    parts: ScoringParts,
    named: str | None,
    schema: type[T],
    asked: Callable[[int], Sequence[BaseMessage]],
    *,
    seconds: float,
    max_attempts: int = 2,
) -> Reply[T]:
    """Ask for a judgement.

    Args:
        parts: models, and how to ask them.
        named: the judge as provider:model; None for the configured one.
        schema: of the judgement.
        asked: makes what it is asked, in about so many tokens.
        seconds: it may take.
        max_attempts: replies that may be asked for, while they do not have the form.
    """
    try:
        return await within(seconds, _asked(parts, named, schema, asked, max_attempts))
    except DeadlinePassed:
        why = f"it did not answer within {max(seconds, 0.0):.3g} s"
    except Abandoned:
        why = "its call was cancelled"
    except Exception as error:
        if is_control_flow(error):
            raise
        why = told(error, parts.redact)
    return _failed(why)


async def _asked(
    parts: ScoringParts,
    named: str | None,
    schema: type[T],
    asked: Callable[[int], Sequence[BaseMessage]],
    max_attempts: int,
) -> Reply[T]:
    model = await parts.models.get("judge", named)
    n_tokens = min(JUDGED_TOKENS, window_tokens(model) // RESULT_SHARE)
    ask = partial(parts.caller.ask, model, schema, max_attempts=max_attempts)
    try:
        try:
            reply = await ask(asked(n_tokens))
        except Exception as error:
            if not is_too_long(error):
                raise
            reply = await ask(asked(n_tokens // _SHORTER))
    except InvalidReply as error:
        spent: StructuredReply[T] | None = error.spent
        usage = usage_of_structured(spent, model, parts.price) if spent else None
        return _failed(told(error, parts.redact), usage)
    return Reply(reply.value, model_name(model), usage_of_structured(reply, model, parts.price))


def _failed(why: str, usage: Usage | None = None) -> Reply[T]:
    _LOG.warning("the judge failed: %s", why)
    return Reply(None, usage=usage, failure=f"the judge failed: {why}")
