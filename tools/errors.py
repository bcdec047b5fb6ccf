"""Everything a tool can fail with. The message is shown to the model, so each one says what to do next.

ToolError                        base; a run goes on, the model reads the message and chooses another way
├── ToolInputError (ValueError)  bad arguments: the model calls again with better ones; never retried for it
│   └── TookTooLong              reading ended at its time limit: too complex, or the machine was busy
├── ToolUnavailable              down, slow, refused or misconfigured; the only one that a retry may cure
└── ToolLimitReached             a quota is used up; repeating the call now cannot help
"""


class ToolError(Exception):
    """Base of every named failure of a tool; raised by tools, caught where the executor calls them."""


class ToolInputError(ToolError, ValueError):
    """The arguments make no sense (empty query, a URL that is none); nothing was done."""


class TookTooLong(ToolInputError):
    """What was given could not be read in the time there was; at another time it might be."""


class ToolUnavailable(ToolError):
    """The thing behind the tool did not answer: network or service down, key refused, folder missing, index damaged."""


class ToolLimitReached(ToolError):
    """A quota or rate limit is used up.

    Attributes:
        retry_after_s: seconds until the limit opens again, None when the service does not say.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
