"""Extracts HTTP status, error codes and body from exceptions of model client libraries.

Client libraries expect completions. Where a server sends something else, they fail in whatever line meets it first,
with a `TypeError` or `IndexError` of no class of theirs. Such an error is known by where it was raised: in the client's
code, not in that of whoever wrote a model's class.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from memento.memory.reasons import words_of

_CLIENTS: Final = frozenset(
    {"openai", "anthropic", "google", "mistralai", "groq", "ollama", "cohere", "xai_sdk", "together", "fireworks"}
    | {"huggingface_hub", "botocore", "boto3", "litellm", "httpx", "httpcore", "httpx_sse", "aiohttp", "requests"}
)
"""Packages that speak to providers, besides those whose name begins with langchain."""
_BORROWED: Final = sys.stdlib_module_names | {"pydantic", "pydantic_core", "orjson"}
"""Packages that raise on behalf of whoever calls them."""
_MISREAD: Final = (AssertionError, AttributeError, LookupError, TypeError, json.JSONDecodeError, ValidationError)
"""What reading a body of another shape raises, by accident."""
# What LangChain raises on purpose, and where its packages raise what a body says; elsewhere, a `ValueError` is about
# the request.
_NO_REPLY: Final = re.compile(
    r"(?i)unexpected response type|\bno generations?\b|no generation chunks|['\"]choices['\"]"
)
_READS_REPLIES: Final = re.compile(
    r"create_chat_result|to_message|construct_lc_result|format_output|response_to_result"
)
# Where a request is still being made, nothing has been answered yet.
_BUILDS_REQUESTS: Final = re.compile(r"bind_tools|convert_to_openai|request_payload|message_to_dict|format_messages")
_FILTER_CODES: Final = frozenset(
    {"content_filter", "contentfilter", "content_filtered", "content_policy_violation", "responsibleaipolicyviolation"}
    | {"data_inspection_failed", "datainspectionfailed", "moderation_blocked", "prompt_blocked", "safety"}
    | {"prohibited_content", "content_moderation", "content_flagged"}
)
_FILTER_WORDS: Final = re.compile(
    r"(?i)content[ _-]filter|content management policy|content polic(?:y|ies)|responsible ai|input was flagged"
    r"|flagged .{0,40}(?:moderation|polic|safety)|blocked by .{0,40}(?:content|safety|moderation)|prohibited_content"
)
_FILTER_CLASSES: Final = frozenset(
    {
        "BlockedPromptException",
        "StopCandidateException",
        "ContentPolicyViolationError",
        "ContentFilterFinishReasonError",
    }
)
_CODE_KEYS: Final = ("code", "type", "status", "reason", "error_code", "Code")


class Said(NamedTuple):
    """What a provider reported about its failure."""

    http_status: int | None
    """None also for the success of a request whose reply was an error."""
    status: int | None
    """Of the error in the body; 200 when a body came that holds none."""
    codes: frozenset[str]
    """Names of the error, in lower case."""
    has_error_body: bool
    message: str
    """What the body says; empty where there is none, or only the exception's own text."""
    is_filter: bool
    """Whether a content filter refused the request."""


def said_by(error: Exception) -> Said:
    """Collect a provider's report from an exception, whichever library it is of."""
    http = _http_status(error)
    errors = list(_errors(error))
    codes = {str(one[key]).lower() for one in errors for key in _CODE_KEYS if isinstance(one.get(key), str | int)}
    codes |= {
        str(getattr(error, name)).lower() for name in ("code", "type") if isinstance(getattr(error, name, 0), str)
    }
    in_body = next((number for one in errors if (number := _number(one))), None)
    is_refused = (http if http is not None and http >= 400 else in_body or 400) in (400, 403, 422, 451)
    is_named = bool(codes & _FILTER_CODES or {base.__name__ for base in type(error).__mro__} & _FILTER_CLASSES)
    messages = [str(one["message"]) for one in errors if one.get("message")]
    text = "\n".join(messages or [words_of(error)])
    is_worded = (http is not None or bool(errors)) and _FILTER_WORDS.search(text) is not None
    return Said(
        http_status=http if http is not None and http >= 400 else None,
        status=in_body if in_body is not None else http if http is not None and http < 400 else None,
        codes=frozenset(codes),
        has_error_body=bool(errors),
        message=messages[0] if messages else "",
        is_filter=is_refused and (is_named or is_worded),
    )


def holds_reply(error: Exception) -> bool:
    """Whether a reply came that the client could not parse: cut off, not JSON, invalid tool arguments."""
    if getattr(error, "completion", None) is not None:
        return True
    if not isinstance(error, ValidationError) or not _is_clients(error):
        return False
    body = _response_body(error)
    return body is None or (isinstance(body, Mapping) and bool(body.get("choices")))


def is_unread_reply(error: Exception) -> bool:
    """Whether a client failed on a response that is not a completion."""
    names = [name for _, name in _raised_through(error)]
    if not _is_clients(error) or any(map(_BUILDS_REQUESTS.search, names)):
        return False
    if isinstance(error, _MISREAD):
        return True
    is_said = _NO_REPLY.search(words_of(error)) is not None or any(map(_READS_REPLIES.search, names))
    return isinstance(error, ValueError) and is_said


def _is_clients(error: Exception) -> bool:
    """Whether the raising code belongs to a client library."""
    roots = [module.partition(".")[0] for module, _ in _raised_through(error)]
    raised_in = next((root for root in reversed(roots) if root not in _BORROWED), "")
    return raised_in in _CLIENTS or raised_in.startswith("langchain")


def _raised_through(error: Exception) -> Iterator[tuple[str, str]]:
    """Return the modules and functions that an exception passed through, the raising one last."""
    trace = error.__traceback__
    while trace is not None:
        yield str(trace.tb_frame.f_globals.get("__name__", "")), trace.tb_frame.f_code.co_name
        trace = trace.tb_next


def _http_status(error: Exception) -> int | None:
    response = getattr(error, "response", None)
    if isinstance(response, Mapping):  # boto3
        found = response.get("ResponseMetadata")
        status = found.get("HTTPStatusCode") if isinstance(found, Mapping) else None
        return status if isinstance(status, int) else None
    for source in (error, response):
        status = getattr(source, "status_code", None)
        if isinstance(status, int):
            return status
    code = getattr(error, "code", None)  # Google's packages
    return code if isinstance(code, int) and 400 <= code < 600 else None


def _errors(error: Exception) -> Iterator[Mapping[str, Any]]:
    """Return the error objects in an exception's body, the outer ones first."""
    response = getattr(error, "response", None)
    given = error.args[0] if isinstance(error, ValueError) and error.args else None
    for body in (getattr(error, "body", None), given, response, _response_body(error)):
        if isinstance(body, Mapping):
            found = body.get("error", body.get("Error"))
            one = found if isinstance(found, Mapping) else {"message": found} if found else body
            if found or any(key in body for key in ("code", "type", "message")):
                yield one
                inner = one.get("innererror") or one.get("inner_error")
                if isinstance(inner, Mapping):
                    yield inner


def _response_body(error: Exception) -> Any:
    response = getattr(error, "response", None)
    if getattr(response, "status_code", None) is None:
        return None
    try:
        return response.json()  # type: ignore[union-attr]
    except Exception:  # noqa: BLE001  no JSON, or a stream that was not read: whatever the client's class raises
        return ""


def _number(body: Mapping[str, Any]) -> int | None:
    for key in ("code", "status", "status_code"):
        value = body.get(key)
        if isinstance(value, str) and value.isdigit():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and 400 <= value < 600:
            return value
    return None
