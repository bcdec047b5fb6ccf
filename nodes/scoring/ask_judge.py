"""Calls a judge model. A judge that fails or hangs abstains; it never counts against an answer."""

import logging
from collections.abc import Callable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from langchain_core.messages import BaseMessage
from pydantic import BaseModel

from memento.nodes.agent.deadlines import Abandoned, DeadlinePassed, within
from memento.nodes.agent.window import window_tokens
from memento.nodes.costs import usage_of_structured
from memento.nodes.foreign_errors import is_control_flow, is_too_long, told
from memento.nodes.prompt_budgets import JUDGED_TOKENS, RESULT_SHARE
from memento.nodes.scoring.parts import ScoringParts
from memento.nodes.sources import model_name
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
) -> Reply[T]:
    """Ask for a judgement.

    Args:
        parts: models, and how to ask them.
        named: the judge as provider:model; None for the configured one.
        schema: of the judgement.
        asked: makes what it is asked, in about so many tokens.
        seconds: it may take.
    """
    try:
        return await within(seconds, _asked(parts, named, schema, asked))
    except DeadlinePassed:
        why = f"it did not answer within {max(seconds, 0.0):.3g} s"
    except Abandoned:
        why = "its call was cancelled"
    except Exception as error:
        if is_control_flow(error):
            raise
        why = told(error, parts.redact)
    _LOG.warning("the judge failed: %s", why)
    return Reply(None, failure=f"the judge failed: {why}")


async def _asked(
    parts: ScoringParts, named: str | None, schema: type[T], asked: Callable[[int], Sequence[BaseMessage]]
) -> Reply[T]:
    model = await parts.models.get("judge", named)
    n_tokens = min(JUDGED_TOKENS, window_tokens(model) // RESULT_SHARE)
    try:
        reply = await parts.caller.ask(model, schema, asked(n_tokens))
    except Exception as error:
        if not is_too_long(error):
            raise
        reply = await parts.caller.ask(model, schema, asked(n_tokens // _SHORTER))
    return Reply(reply.value, model_name(model), usage_of_structured(reply, model, parts.price))
