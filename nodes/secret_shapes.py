"""Redacts secrets that nobody has named: tokens, keys and passwords recognised by their shape or by their name.

`redaction` takes out the secrets of this process. Texts of other programs (a coding agent's transcript, another
machine's log) hold secrets that this process has never seen; those are found here, by well-known prefixes, by private
key blocks, in URLs, and where a value stands beside a secret name (`API_KEY=...`, `"password": "..."`).
"""

import re
from collections.abc import Iterator
from typing import Final

from memento.nodes.secret_names import is_secret_name, secrets_in_urls

_MASK: Final = "***"
_MIN_VALUE_CHARS: Final = 8

_TOKENS: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"sk-[A-Za-z0-9_-]{16,}"  # OpenAI, Anthropic, OpenRouter, LiteLLM
    r"|(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}"  # Stripe
    r"|gh[opsur]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|glpat-[A-Za-z0-9_-]{16,}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}"  # Slack
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])|AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{20,}"
    r"|hf_[A-Za-z0-9]{30,}|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{40,}|dop_v1_[a-f0-9]{40,}"
    r"|tvly-[A-Za-z0-9_-]{16,}|lsv2_[A-Za-z0-9_]{20,}|gsk_[A-Za-z0-9]{30,}|r8_[A-Za-z0-9]{30,}"
    r"|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"  # SendGrid
    r"|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*"  # JSON web tokens
    r")"
)
_URL: Final = re.compile(r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s\"'<>]{1,2000}")
_PRIVATE_KEY: Final = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|\Z)", re.DOTALL
)
_HEADER: Final = re.compile(r"(?i)\b(bearer|basic|token)(\s+)([A-Za-z0-9._~+/-]{16,}=*)")
_NAMED: Final = re.compile(
    r"(?<![A-Za-z0-9_.-])(?P<name>[A-Za-z][A-Za-z0-9_.-]{1,60})(?P<between>\\?[\"']?\s{0,4}[:=]\s{0,4})"
    r"(?P<quote>\\?[\"']?)(?P<value>[^\s\"'`,;<>{}()\[\]\\]{8,})"
)
_OPTION: Final = re.compile(
    r"(?<![A-Za-z0-9-])(?P<name>--?[A-Za-z][A-Za-z0-9-]{1,60})(?P<between>\s{1,4})"
    r"(?P<quote>[\"']?)(?P<value>[^\s\"'`,;<>-][^\s\"'`;<>]{7,})"
)
_HAS_NO_SECRET: Final = re.compile(
    r"\$|\*{3}|os\.|process\.|env[.\[]|get[A-Z_]|None\b|null\b|true\b|false\b|x{4,}|\.{3}"
)
"""How a value begins that refers to a secret, or stands in for one."""


def redact_shapes(text: str) -> str:
    """Replace what looks like a secret by `***`."""
    text = _PRIVATE_KEY.sub(_MASK, text)
    for secret in dict.fromkeys(_in_urls(text)):
        text = text.replace(secret, _MASK)
    text = _TOKENS.sub(_MASK, text)
    text = _HEADER.sub(rf"\1\2{_MASK}", text)
    return _OPTION.sub(_without_value, _NAMED.sub(_without_value, text))


def _in_urls(text: str) -> Iterator[str]:
    for url in _URL.findall(text):
        yield from (one for one in secrets_in_urls(url) if len(one) >= _MIN_VALUE_CHARS)


def _without_value(found: re.Match[str]) -> str:
    name, value = found["name"].lstrip("-"), found["value"]
    is_prose = not found["quote"] and not name.isupper() and not any(map(str.isdigit, value))
    if is_prose or not is_secret_name(name) or _HAS_NO_SECRET.match(value):
        return found[0]
    return found[0][: found.start("value") - found.start()] + _MASK
