"""Notices for users of a memory: conditions while they last, events once."""

import logging

_LOG = logging.getLogger(__name__)
_MAX_EVENTS = 20


class Notices:
    """The notices of one memory. A condition stays until it is withdrawn, an event until it has been taken."""

    def __init__(self) -> None:
        self._conditions: dict[str, str] = {}
        self._events: list[str] = []

    @property
    def now(self) -> list[str]:
        """Current conditions, and the events that have not been taken yet."""
        return [*self._conditions.values(), *self._events]

    def condition(self, topic: str) -> str | None:
        """The current condition of a topic, or None."""
        return self._conditions.get(topic)

    def say(self, topic: str, text: str) -> None:
        """Set the condition of a topic, replacing the former one."""
        if self._conditions.get(topic) != text:
            _LOG.warning("%s", text)
        self._conditions[topic] = text

    def withdraw(self, topic: str) -> None:
        """Remove the condition of a topic."""
        if (text := self._conditions.pop(topic, None)) is not None:
            _LOG.info("no longer: %s", text)

    def note(self, event: str) -> None:
        """Add an event to report to the next user of the memory."""
        _LOG.warning("%s", event)
        if event not in self._events:
            self._events.append(event)
            del self._events[:-_MAX_EVENTS]

    def take(self) -> list[str]:
        """Return and clear the events that have not been reported yet."""
        events, self._events = self._events, []
        return events
