"""Errors of the memory, and what happens after each.

    MementoError                     base of every named error of the project; holds data, never logs
    ├── InvalidInput (ValueError)    the caller's mistake; never retried
    │   ├── UnknownPolicy            lists the policies that exist
    │   ├── UnknownEvent             no such event in this namespace
    │   ├── UnknownCase              no such case in this namespace
    │   ├── UnknownPicture           no such picture in this namespace
    │   ├── AnotherAttempt           the event has an attempt's outcome already; `write_attempt` keeps both apart
    │   ├── FeedbackRefused          its evaluator may not change this outcome (any more)
    │   ├── ErasedRecord             the event or case was erased: its texts are gone for good
    │   ├── UnknownBatch             no such batch of changes in this namespace
    │   ├── UnknownSnapshot          no such snapshot in this namespace; the message lists those that exist
    │   ├── LedgerTooNew             a newer release wrote the ledger; the message says which one to install
    │   └── EncoderMismatch          the bank has another encoder's vectors; `memento cases reindex`
    ├── LedgerUnavailable            the truth cannot be read or written (disk full, database down); NOT kept
    ├── EncoderUnavailable           weights missing or damaged, embedding service down, any failure of a host's encoder
    ├── OwnerLoopUnavailable         its event loop is blocked, has ended or is another process'; may be kept
    └── EngineError                  the search index; reads go on without it, writes are safe in the ledger
        ├── EngineUnavailable        down, slow, connection lost, 5xx; retried later, opens the breaker
        │   └── IndexRebuilding      another process rebuilds the shared index; looked at again soon
        ├── EngineThrottled          429; retried after `retry_after_s`
        ├── EngineRejected           4xx: a bug or a wrong configuration; never retried
        └── IndexDamaged             the index on disk cannot be trusted; rebuilt from the ledger

Retry rules look at the base: `MementoError` derives from `Exception`, `InvalidInput` from `ValueError` too, which
LangGraph's default retry never repeats.
"""


class MementoError(Exception):
    """Base of every named error of the project."""


class InvalidInput(MementoError, ValueError):
    """An argument is invalid; raised before anything is written, and repeating the call cannot help."""


class UnknownPolicy(InvalidInput):
    """A retrieval policy that does not exist; the message lists those that do."""

    def __init__(self, policy: str, known: tuple[str, ...]) -> None:
        super().__init__(f"unknown policy {policy!r}; choose one of: {', '.join(known)}")
        self.policy = policy
        self.known = known


class UnknownEvent(InvalidInput):
    """No retrieval event of this id in this namespace."""

    def __init__(self, event_id: str, namespace: str) -> None:
        super().__init__(f"no event {event_id!r} in namespace {namespace!r}")
        self.event_id = event_id
        self.namespace = namespace


class UnknownCase(InvalidInput):
    """No case of this id in this namespace."""

    def __init__(self, case_id: str, namespace: str) -> None:
        super().__init__(f"no case {case_id!r} in namespace {namespace!r}")
        self.case_id = case_id
        self.namespace = namespace


class UnknownPicture(InvalidInput):
    """No picture of this hash in this namespace, or one whose stored row is damaged."""

    def __init__(self, picture: str, namespace: str) -> None:
        super().__init__(
            f"no picture {picture!r} in namespace {namespace!r}: `Case.picture` has the hash of one; `memento doctor` "
            "lists rows that are damaged"
        )
        self.picture = picture
        self.namespace = namespace


class AnotherAttempt(InvalidInput):
    """The event has the outcome of another attempt already, and one selection of cases is credited once."""

    def __init__(self, event_id: str) -> None:
        super().__init__(
            f"event {event_id!r} has the outcome of another attempt already; correct that with `feedback`, give the id "
            "of the reading that this attempt used, or store it apart with `write_attempt`"
        )
        self.event_id = event_id


class FeedbackRefused(InvalidInput):
    """Feedback that its evaluator may not give: the owner has spoken, or it was changed too often."""


class ErasedRecord(InvalidInput):
    """An event or a case whose texts were erased: nothing can be added to it, and nothing brings it back."""

    def __init__(self, what: str, namespace: str, erased_at: str | None = None) -> None:
        when = f" on {erased_at[:10]}" if erased_at else ""
        super().__init__(
            f"{what} of namespace {namespace!r} was erased{when}; its texts are gone and cannot be restored"
        )


class UnknownBatch(InvalidInput):
    """No batch of case changes of this id in this namespace."""

    def __init__(self, batch_id: str, namespace: str) -> None:
        super().__init__(f"no batch {batch_id!r} in namespace {namespace!r}")
        self.batch_id = batch_id
        self.namespace = namespace


class UnknownSnapshot(InvalidInput):
    """No snapshot of this name in this namespace; the message lists those that exist."""

    def __init__(self, name: str, namespace: str, known: list[str]) -> None:
        there = f"; there are: {', '.join(known)}" if known else ""
        super().__init__(f"no snapshot {name!r} in namespace {namespace!r}{there}")
        self.name = name
        self.namespace = namespace


class EncoderMismatch(InvalidInput):
    """The bank's vectors come from another encoder, so that they cannot be compared with the configured one's."""

    def __init__(self, stored: str, configured: str) -> None:
        super().__init__(
            f"this bank was written with encoder {stored!r}, but {configured!r} is configured; "
            f"open it with {stored!r}, or run `memento cases reindex` to re-encode every case"
        )
        self.stored = stored
        self.configured = configured


class LedgerTooNew(InvalidInput):
    """A newer release wrote this ledger, and this one cannot read it; nothing was written."""

    def __init__(self, found: str, known: int, readable_from: str | None) -> None:
        release = f"'memento-langgraph>={readable_from}'" if readable_from else "-U memento-langgraph"
        super().__init__(
            f"a newer release wrote this ledger: it has schema {found}, and this release reads up to {known}; "
            f"nothing was written. To read it: pip install {release}"
        )
        self.found = found
        self.readable_from = readable_from


class LedgerUnavailable(MementoError):
    """The ledger cannot be read or written; what was being written is not acknowledged and was not kept."""


class EncoderUnavailable(MementoError):
    """The encoder cannot produce vectors: weights missing or damaged, service down, or a custom encoder raised."""


class OwnerLoopUnavailable(MementoError):
    """The event loop that a memory or graph lives on is blocked, has ended, or belongs to another process."""


class EngineError(MementoError):
    """Base of search engine failures; never ends a run, which goes on without cases instead."""


class EngineUnavailable(EngineError):
    """The engine did not answer (down, slow, connection lost, 5xx); the same call may succeed later."""


class IndexRebuilding(EngineUnavailable):
    """The shared index is damaged, and another process, which projects the ledger into it, rebuilds it."""


class EngineThrottled(EngineError):
    """The engine asked for a pause (429).

    Attributes:
        retry_after_s: seconds to wait before the next call.
    """

    def __init__(self, message: str, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class EngineRejected(EngineError):
    """The engine refused the request itself (4xx); repeating it cannot help."""


class IndexDamaged(EngineError):
    """The index on disk cannot be opened or does not hold what it claims; it is rebuilt from the ledger."""
