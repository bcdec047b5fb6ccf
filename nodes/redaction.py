"""Secrets are taken out of what tools and providers say before anybody is shown it."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from memento.nodes.errors import ModelError, ModelFailed, ModelRejected, ModelUnavailable
from memento.nodes.sources import Secrets

Redact = Callable[[str], str]
"""Gives the text without the secrets."""

_MIN_CHARS: Final = 8


def make_redact(secrets: Secrets | None) -> Redact:
    """Make the function; the secrets are asked for with every text, since the environment may change.

    Args:
        secrets: gives them; those of less than 8 characters could be any word and stay.
    """

    def redact(text: str) -> str:
        known = frozenset(secret for secret in secrets() if len(secret) >= _MIN_CHARS) if secrets else frozenset()
        return _pattern(known).sub("***", text) if known else text

    return redact


def shown_error(refused: ModelError, original: Exception, redact: Redact) -> ModelError:
    """The error itself, or one without its message where the provider's message quotes a secret.

    An error that leaves a step is kept in checkpoints and written to logs.
    """
    if all(redact(text) == text for text in (str(original), str(refused))):
        return refused
    reason = "the provider's message is not shown: it quotes a secret of this machine"
    if isinstance(refused, ModelRejected):
        return type(refused)(reason, refused.status)
    return type(refused)(reason) if isinstance(refused, ModelUnavailable) else ModelFailed(reason)


@lru_cache(maxsize=8)
def _pattern(secrets: frozenset[str]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(secret) for secret in sorted(secrets, key=len, reverse=True)))
