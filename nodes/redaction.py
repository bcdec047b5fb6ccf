"""Redacts known secrets from texts, in every form in which tools and providers repeat them.

Beside the plain one these are: base64 (both alphabets, at any place inside a longer encoded text, so that the Basic
header of `user:secret` is found, too), hexadecimal, URL-encoded, and escaped as in JSON, HTML or a shell.
"""

import base64
import html
import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import quote, quote_plus

from memento.nodes.errors import ModelError, ModelFailed, ModelRejected, ModelUnavailable
from memento.nodes.sources import Secrets

Redact = Callable[[str], str]
"""Gives the text without the secrets."""

_MASK: Final = "***"
_MIN_CHARS: Final = 8
_COMMON: Final = frozenset({"disabled", "required", "optional", "password", "undefined", "changeme", "localhost"})
"""Values that say nothing; as a secret each would take an everyday word out of every text."""
_RUN: Final = re.compile(rf"[A-Za-z0-9+/_-]{{{_MIN_CHARS},}}")
_IS_RUN: Final = re.compile(_RUN.pattern + r"\Z")
_WRAP: Final = re.compile(r"(?<=[A-Za-z0-9+/_-]{60})\r?\n(?=[A-Za-z0-9+/_-])")
"""Where long encoded texts are broken into lines."""
_ENCODE_URI_COMPONENT: Final = "!'()*~"
_ENCODE_URI: Final = ";,/?:@&=+$!'()*~#"


def make_redact(secrets: Secrets | None, *, min_chars: int = _MIN_CHARS) -> Redact:
    """Make the redacting function; secrets are read for every text, since the environment may change.

    Args:
        secrets: gives them.
        min_chars: those that are shorter could be any word and stay.
    """

    def redact(text: str) -> str:
        if secrets is None:
            return text
        known = frozenset(one for one in secrets() if len(one) >= min_chars and one.lower() not in _COMMON)
        return _forms(known).masked(text) if known else text

    return redact


def shown_error(refused: ModelError, original: Exception, redact: Redact) -> ModelError:
    """Return the error, or one without its message where the message quotes a secret.

    An error that leaves a step is kept in checkpoints and written to logs.
    """
    if all(redact(text) == text for text in (str(original), str(refused))):
        return refused
    reason = "the provider's message is not shown: it quotes a secret of this machine"
    if isinstance(refused, ModelRejected):
        return type(refused)(reason, refused.status)
    return type(refused)(reason) if isinstance(refused, ModelUnavailable) else ModelFailed(reason)


class _Forms(NamedTuple):
    """Search forms of secrets. Searching a literal costs far less than an alternation of hundreds."""

    in_runs: dict[str, str]
    """Forms of letters, digits and `+/_-` alone, looked for where such characters stand together; each with the
    pattern that it is masked by."""
    anywhere: dict[str, str]
    """All others."""

    def masked(self, text: str) -> str:
        """Replace all forms by `***`."""
        runs = "\n".join(_RUN.findall(_WRAP.sub("", text)))
        patterns = [pattern for form, pattern in self.in_runs.items() if form in runs]
        patterns += [pattern for form, pattern in self.anywhere.items() if form in text]
        return re.sub("|".join(sorted(patterns, key=len, reverse=True)), _MASK, text) if patterns else text


@lru_cache(maxsize=16)
def _forms(secrets: frozenset[str]) -> _Forms:
    patterns: dict[str, str] = {}
    for secret in secrets:
        patterns |= {form: re.escape(form) for form in _written(secret)}
        for form in _encoded(secret):
            wrapped = r"(?:\r?\n)?".join(map(re.escape, form))
            patterns.setdefault(form, f"[A-Za-z0-9+/_-]?{wrapped}[A-Za-z0-9+/_-]?={{0,2}}")
    in_runs = {form: pattern for form, pattern in patterns.items() if _IS_RUN.match(form)}
    return _Forms(in_runs, {form: pattern for form, pattern in patterns.items() if form not in in_runs})


def _written(secret: str) -> Iterator[str]:
    """Return the secret itself, and as other notations write it."""
    yield secret
    for is_ascii in (True, False):
        escaped = json.dumps(secret, ensure_ascii=is_ascii)[1:-1]
        yield from (escaped, escaped.replace("/", "\\/"), json.dumps(escaped, ensure_ascii=is_ascii)[1:-1])
    yield from (html.escape(secret), html.escape(secret, quote=False), repr(secret)[1:-1])
    content = secret.encode(errors="surrogatepass")
    yield from (content.hex(), content.hex().upper())
    for safe in ("", "/", _ENCODE_URI_COMPONENT, _ENCODE_URI):
        once = quote(content, safe=safe)
        for form in (once, quote_plus(content, safe=safe), quote(once, safe="")):
            yield form
            yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), form)


def _encoded(secret: str) -> Iterator[str]:
    """Return the Base64 forms at each of three byte offsets, without characters that depend on neighbours."""
    content = secret.encode(errors="surrogatepass")
    for n_before in range(3):
        whole = base64.b64encode(b"\0" * n_before + content).decode()
        core = whole[-(-8 * n_before // 6) : 8 * (n_before + len(content)) // 6]
        yield core
        yield core.translate(_URL_SAFE)


_URL_SAFE: Final = str.maketrans("+/", "-_")
