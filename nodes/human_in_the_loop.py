"""Asks a person, in the shapes that chat UIs have buttons for, and reads whatever they send back.

Two shapes are in use, and a question has both: that of LangChain's human-in-the-loop middleware (agent-chat-ui and
others: `action_requests`, `review_configs`), and Agent Inbox's (`action_request`, `config`). Replies come in the shape
of either, as a bare word, as free text, or as JSON in a text, since people type into a chat what was meant for a form.
"""

import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, TypeVar

from langgraph.types import interrupt
from pydantic import ValidationError

from memento.nodes.prompt_budgets import REASON_CHARS

T = TypeVar("T")

Verdict = Literal["approve", "edit", "reject", "ignore"]

_VERDICTS: Final[Mapping[str, Verdict]] = MappingProxyType(
    {
        "approve": "approve",
        "accept": "approve",
        "edit": "edit",
        "reject": "reject",
        "respond": "reject",
        "response": "reject",
        "ignore": "ignore",
    }
)
"""What the types of decisions mean, LangChain's and Agent Inbox's."""

_YES: Final = frozenset({"accept", "accepted", "approve", "approved", "continue", "ok", "okay", "proceed", "sure"})
_YES_ALONE: Final = _YES | {"correct", "fine", "lgtm", "right", "true", "y", "yes"}
_WITH_YES: Final = _YES_ALONE | {"ahead", "go", "good", "it", "looks", "on", "please", "that's", "this", "with"}
_NO_ALONE: Final = frozenset({"false", "incorrect", "n", "no", "reject", "rejected", "wrong"})
_GO: Final = frozenset({"carry on", "do it", "go", "go ahead", "go on", "looks good"})
_WORD: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_MAX_WORDS: Final = 6
_MAX_JSON_CHARS: Final = 100_000


class ReviewDecision(NamedTuple):
    """What a person decided."""

    verdict: Verdict
    args: Any = None
    """With `edit`: the arguments to go on with instead."""
    reason: str = ""
    """With `reject`: why."""


class UnreadableReply(ValueError):
    """A reply that decides nothing; the message says why, for the person."""


class Question(NamedTuple):
    """An action that a person decides about."""

    kind: str
    """What it is about, for clients of ours."""
    action: str
    args: dict[str, Any]
    description: str
    shown: dict[str, Any]
    """What else clients show."""
    schema: dict[str, Any]
    """JSON schema of our own form of a reply."""
    may_ignore: bool = False


def ask_person(question: Question, read: Callable[[Any], T]) -> T:
    """Wait for a person's reply, asking again for as long as it cannot be read.

    Call it first in a node: each reply runs the node from its beginning.

    Args:
        question: what to ask.
        read: makes the answer of a reply.

    Raises:
        GraphInterrupt: the run waits.
    """
    asked = _shape(question)
    while True:
        reply = interrupt(asked, response_schema=question.schema)
        try:
            return read(reply)
        except ValidationError as error:
            problem = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'reply'}: {one['msg']}" for one in error.errors())
        except UnreadableReply as error:
            problem = str(error)
        asked = _shape(question, problem=problem[:REASON_CHARS])


def decision_of(reply: Any) -> ReviewDecision | None:
    """Read a reply in the shape of a UI, or as a word; None when it is something else.

    Raises:
        UnreadableReply: it is in such a shape, but decides nothing, or several things at once.
    """
    reply = parsed(reply)
    if isinstance(reply, bool):
        return ReviewDecision("approve" if reply else "reject")
    if isinstance(reply, str):
        return _word(reply)
    if isinstance(reply, dict) and "decisions" in reply:
        reply = reply["decisions"]
    if isinstance(reply, list):
        if len(reply) != 1:
            raise UnreadableReply(f"one decision is asked for, not {len(reply)}")
        return decision_of(reply[0]) or _refuse(reply[0])
    if isinstance(reply, dict) and "type" in reply:
        return _typed(reply)
    return None


def parsed(reply: Any) -> Any:
    """Return the value of JSON in a text; anything else as it is."""
    if isinstance(reply, str) and len(reply) <= _MAX_JSON_CHARS and reply.strip()[:1] in ("{", "["):
        try:
            return json.loads(reply)
        except (ValueError, RecursionError):
            return reply
    return reply


def _typed(reply: dict[str, Any]) -> ReviewDecision:
    verdict = _VERDICTS.get(str(reply["type"]).strip().lower())
    if verdict is None:
        raise UnreadableReply(f"a decision is {', '.join(sorted(_VERDICTS))}, not {str(reply['type'])[:40]!r}")
    given = parsed(reply.get("edited_action", reply.get("args")))
    if verdict == "edit":
        args = parsed(given["args"]) if isinstance(given, dict) and "args" in given else given
        if args is None:
            raise UnreadableReply("with edit, give the arguments to go on with instead")
        return ReviewDecision("edit", args)
    said = reply.get("message", given)
    return ReviewDecision(verdict, reason=said.strip() if isinstance(said, str) and verdict == "reject" else "")


def _word(text: str) -> ReviewDecision | None:
    words = _WORD.findall(text.casefold().replace("\u2019", "'"))
    if not words or len(words) > _MAX_WORDS or re.search(r"\d", text):
        return None
    if len(words) == 1 and words[0] == "ignore":
        return ReviewDecision("ignore")
    if len(words) == 1 and words[0] in _NO_ALONE:
        return ReviewDecision("reject")
    if " ".join(words) in _GO or (_WITH_YES.issuperset(words) and not _YES_ALONE.isdisjoint(words)):
        return ReviewDecision("approve")
    return None


def _refuse(reply: Any) -> ReviewDecision:
    raise UnreadableReply(f"this is no decision: {str(reply)[:80]!r}")


def _shape(question: Question, *, problem: str = "") -> dict[str, Any]:
    text = f"{question.description}\n\nThe last reply could not be read: {problem}" if problem else question.description
    shape = {
        "kind": question.kind,
        **question.shown,
        "action_requests": [{"name": question.action, "args": question.args, "description": text}],
        "review_configs": [{"action_name": question.action, "allowed_decisions": ["approve", "edit", "reject"]}],
        "action_request": {"action": question.action, "args": question.args},
        "config": {
            "allow_accept": True,
            "allow_edit": True,
            "allow_respond": True,
            "allow_ignore": question.may_ignore,
        },
        "description": text,
    }
    return shape | {"problem": problem} if problem else shape
