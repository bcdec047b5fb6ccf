"""Notices for users of a memory: conditions while they last, events once."""

import logging

_LOG = logging.getLogger(__name__)
_MAX_EVENTS = 20


class Notices:
    """The notices of one memory. A condition is told until it is withdrawn, an event until somebody has taken it."""

    def __init__(self) -> None:
        self._conditions: dict[str, str] = {}
        self._events: list[str] = []

    @property
    def now(self) -> list[str]:
        """All that holds now, and the events that nobody has been told of yet."""
        return [*self._conditions.values(), *self._events]

    def condition(self, topic: str) -> str | None:
        """What is told about a topic now, or None."""
        return self._conditions.get(topic)

    def say(self, topic: str, text: str) -> None:
        """Tell this from now on, in place of what was told about the topic."""
        if self._conditions.get(topic) != text:
            _LOG.warning("%s", text)
        self._conditions[topic] = text

    def withdraw(self, topic: str) -> None:
        """It is over: nothing is told about the topic any more."""
        if (text := self._conditions.pop(topic, None)) is not None:
            _LOG.info("no longer: %s", text)

    def note(self, event: str) -> None:
        """Something has happened that the next user of the memory should hear of."""
        _LOG.warning("%s", event)
        if event not in self._events:
            self._events.append(event)
            del self._events[:-_MAX_EVENTS]

    def take(self) -> list[str]:
        """The events that nobody has been told of yet; whoever calls this tells them."""
        events, self._events = self._events, []
        return events
