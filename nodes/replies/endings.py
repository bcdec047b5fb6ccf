"""Classifies how a reply ended: finish reasons of all providers, and refusals.

length        cut off by a token limit
filter        stopped by the provider's content filter
interrupted   broken off by an error of the server
unended       a stream that ended without a finish reason: broken off, if the server otherwise gives one
refusal       the model does not want to
bad_call      the provider could not read the tool call that the model made
"""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from langchain_core.messages import AIMessage

Ending = Literal["", "length", "filter", "interrupted", "unended", "refusal", "bad_call"]
"""Empty: it is complete."""

_KEYS: Final = ("finish_reason", "stop_reason", "done_reason", "finishReason", "stopReason", "status", "done")
"""Under which providers' packages keep the reason."""
_WORDS: Final[Mapping[Ending, frozenset[str]]] = {
    "length": frozenset(
        {"length", "maxtokens", "maxoutputtokens", "modellength", "errorlimit", "tokenlimit", "pauseturn"}
        | {"modelcontextwindowexceeded", "contextlengthexceeded"}
    ),
    "filter": frozenset(
        {"contentfilter", "contentfiltered", "safety", "recitation", "blocklist", "prohibitedcontent", "spii"}
        | {"imagesafety", "imageprohibitedcontent", "guardrailintervened", "errortoxic", "sensitive", "language"}
    ),
    "interrupted": frozenset(
        {"error", "abort", "aborted", "cancelled", "failed", "networkerror", "insufficientsystemresource", "other"}
        | {"timeout", "unknownerror", "finishreasonunspecified"}
    ),
    "refusal": frozenset({"refusal"}),
    "bad_call": frozenset({"malformedfunctioncall", "malformedresponse", "unexpectedtoolcall", "toomanytoolcalls"}),
}
_BY_WORD: Final[Mapping[str, Ending]] = {word: ending for ending, words in _WORDS.items() for word in words}


def ending_of(message: AIMessage) -> Ending:
    """Classify a reply's ending by its finish reason; without one, the reply counts as complete."""
    said = message.response_metadata
    if refusal_in(message):
        return "refusal"
    blocked = said.get("prompt_feedback")
    if isinstance(blocked, Mapping) and blocked.get("block_reason"):
        return "filter"
    details = said.get("incomplete_details")
    if said.get("status") == "incomplete" and isinstance(details, Mapping):
        return _BY_WORD.get(_word(details.get("reason")), "length")
    for key in _KEYS:
        if ending := _BY_WORD.get(_word(said.get(key))):
            return ending
    # Whole bodies have the key, with null where a server does not know.
    is_unended = "model_provider" in said and not any(key in said for key in _KEYS)
    return "unended" if is_unended else ""


class EndingsSeen:
    """Whether a model's server gives finish reasons at all: only then does a stream without one mean anything."""

    _UNDECIDED: Final = 2
    """Streams without one that are taken for broken ones before any had one."""

    def __init__(self) -> None:
        self._n_unended = 0
        self._has_ended = False

    def is_broken_off(self, ending: Ending) -> bool:
        """Record a reply's ending, and say whether the reply was broken off."""
        if ending != "unended":
            self._has_ended = True
            return False
        self._n_unended += 1
        return self._has_ended or self._n_unended <= self._UNDECIDED


def refusal_in(message: AIMessage) -> str:
    """Return a refusal that is reported apart from the text; empty without one."""
    if words := message.additional_kwargs.get("refusal"):
        return str(words)
    blocks = message.content if isinstance(message.content, list) else []
    said = [_refusal_block(block) for block in blocks if isinstance(block, dict)]
    details = message.response_metadata.get("stop_details")
    if isinstance(details, Mapping) and details.get("type") == "refusal":
        said.append(str(details.get("explanation") or ""))
    return " ".join(filter(None, said))


def _refusal_block(block: dict[str, Any]) -> str:
    value = block.get("value") if block.get("type") == "non_standard" else block
    return str(value.get("refusal") or "") if isinstance(value, dict) else ""


def _word(reason: Any) -> str:
    if reason is None or isinstance(reason, bool):
        return ""
    word = re.sub(r"[^a-z]", "", str(reason).rpartition(".")[2].lower())
    # Merged chunks of a stream repeat the word when the server did.
    repeated = re.fullmatch(r"(.{2,}?)\1+", word)
    return repeated[1] if repeated else word
