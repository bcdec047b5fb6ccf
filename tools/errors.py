"""Errors of tools. Their messages are shown to the model, so each says what to do next.

ToolError                        base; a run goes on, the model reads the message and chooses another way
├── ToolInputError (ValueError)  bad arguments: the model calls again with better ones; never retried for it
│   └── TookTooLong              reading ended at its time limit: too complex, or the machine was busy
├── ToolUnavailable              down, slow, refused or misconfigured; the only one that a retry may cure
└── ToolLimitReached             a quota is used up; repeating the call now cannot help
"""

from typing import ClassVar


class ToolError(Exception):
    """Base of all tool errors; raised by tools, caught where the executor calls them.

    Attributes:
        is_outage: whether what the tool works with is away, for any call: a run that goes wrong without it says
            nothing of what was tried in it. One page or one file that cannot be had is no outage.
    """

    OUTAGE: ClassVar[bool] = False
    """Whether an error of this class is one where its raiser does not say."""

    def __init__(self, *words: object, is_outage: bool | None = None) -> None:
        super().__init__(*words)
        self.is_outage = self.OUTAGE if is_outage is None else is_outage


class ToolInputError(ToolError, ValueError):
    """The arguments are invalid (empty query, malformed URL); nothing was done."""


class TookTooLong(ToolInputError):
    """The input could not be processed within the time limit; a later attempt may succeed."""


class ToolUnavailable(ToolError):
    """The service behind the tool failed: network down, key refused, folder missing, index damaged."""

    OUTAGE = True


class ToolLimitReached(ToolError):
    """A quota or rate limit is used up.

    Attributes:
        retry_after_s: seconds until the limit opens again, None when the service does not say.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None, is_outage: bool | None = None) -> None:
        super().__init__(message, is_outage=is_outage)
        self.retry_after_s = retry_after_s
