"""Short, redacted one-line messages of foreign exceptions, and URLs with their passwords masked."""

import re
from collections.abc import Callable

_REASON_CHARS = 300
_READ_CHARS = 4_000
"""Maximum length of a message that is read: messages may quote a whole page."""
_SECRET = re.compile(r"(?i)\b(sk-|key-|bearer\s+|api[-_]?key[\"']?\s*[=:]\s*[\"']?)[^\s\"',}]{4,}")
# Up to the last @ before the path: a password may hold an @ of its own. Bounded, so that no text takes long.
_CREDENTIALS = re.compile(r"((?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,30}://)[^/\s?#]*@")
_QUERY_SECRET = re.compile(
    r"(?i)([?&][^=&\s#?]{0,60}(?:key|token|secret|passw|pwd|auth|sig)[^=&\s#?]{0,60}=)[^&\s#\"']+"
)


def brief_reason(error: Exception, redact: Callable[[str], str] = str) -> str:
    """One line of an exception's message, short and without what looks like a key.

    Args:
        error: any exception.
        redact: takes known secrets out, before the message is cut: half of one is still half of one.
    """
    text = " ".join(redact(words_of(error))[:_READ_CHARS].split())
    text = re.sub(r" ?\[type=.*", "", text)  # pydantic repeats the input, keys included
    return masked(_SECRET.sub(r"\1***", text))[:_REASON_CHARS]


def words_of(error: Exception) -> str:
    """An exception's message, as it is; a tool or a model may bring exceptions that cannot even be printed."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001
        return "(no reason given)"


def masked(text: str) -> str:
    """The text with `***` for the user and password of every URL in it, and for query parameters that name a secret."""
    return _QUERY_SECRET.sub(r"\1***", _CREDENTIALS.sub(r"\1***@", text))


def status_of(error: Exception) -> int | None:
    """The HTTP status in an exception of any client library, or of the response that it carries."""
    for source in (error, getattr(error, "response", None)):
        status = getattr(source, "status_code", None)
        if isinstance(status, int):
            return status
    return None
