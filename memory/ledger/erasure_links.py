"""What belongs together where texts are erased: cases, the runs that wrote them, guides written from them, threads."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from memento.memory.case import question_hash

Ids = dict[str, set[str]]


def _ids() -> Ids:
    return defaultdict(set)


class Links:
    """Links between the living rows of one namespace, damaged ones too."""

    def __init__(self) -> None:
        self._events_of_case = _ids()
        self._cases_of_event = _ids()
        self._related = _ids()
        """Event to those of the same run, both ways: which it follows, is a fork of or a subtask's part of."""
        self._same = _ids()
        """Id of a row's column to the one of its body and back, where damage made them differ."""
        self._questions = _ids()
        """Case to the hashes of its task: a row of an earlier release may hold a former one."""
        self._guides = _ids()
        """Hash of a task to the guides that were written from cases of it."""
        self.threads = _ids()
        """Case or event to the threads that it came from."""

    def add_case(self, row: Any, body: dict[str, Any]) -> None:
        """Take up a revision of a case."""
        self._are_same(row.case_id, body.get("id"))
        if row.event_id:
            self._events_of_case[row.case_id].add(row.event_id)
            self._cases_of_event[row.event_id].add(row.case_id)
        provenance = body.get("provenance")
        self.threads[row.case_id].update(_thread(provenance))
        self._questions[row.case_id].update((row.question, _question(body)))
        for question in _written_from(provenance):
            self._guides[question].add(row.case_id)

    def add_event(self, event_id: str, body: dict[str, Any]) -> None:
        """Take up a reading."""
        for other in filter(None, (body.get("follows"), body.get("fork_of"), body.get("part_of"))):
            self._related[event_id].add(other)
            self._related[other].add(event_id)

    def add_outcome(self, event_id: str, body: dict[str, Any]) -> None:
        """Take up an outcome."""
        self.threads[event_id].update(_thread(body.get("attempt")))
        self._are_same(event_id, body.get("event_id"))

    def same(self, ids: set[str]) -> set[str]:
        """The other ids of damaged rows."""
        return _all(self._same, ids)

    def closed(self, cases: set[str], events: set[str]) -> "Closed":
        """Some cases and events with all that belongs to them."""
        found = Closed(set(cases), set(events))
        while cases or events:
            new_events = {*_all(self._events_of_case, cases), *_all(self._related, events), *_all(self._same, events)}
            new_cases = {*_all(self._cases_of_event, events), *_all(self._same, cases), *self._written_from(cases)}
            cases, events = new_cases - found.cases, new_events - found.events
            found.cases.update(cases)
            found.events.update(events)
        return found

    def _written_from(self, cases: set[str]) -> set[str]:
        """Guides that were written from a case of the same task."""
        return _all(self._guides, _all(self._questions, cases))

    def _are_same(self, column: str, in_body: Any) -> None:
        if isinstance(in_body, str) and in_body != column:
            self._same[column].add(in_body)
            self._same[in_body].add(column)


class Closed(NamedTuple):
    """Cases and events that belong together."""

    cases: set[str]
    events: set[str]


def _all(links: Ids, ids: set[str]) -> set[str]:
    return {other for one in ids for other in links.get(one, ())}


def _question(body: dict[str, Any]) -> str:
    return question_hash(str(body.get("state", "")), str(body.get("key", "")))


def _written_from(record: Any) -> Iterator[str]:
    found = record.get("written_from") if isinstance(record, dict) else None
    yield from (one for one in found if isinstance(one, str)) if isinstance(found, list) else ()


def _thread(record: Any) -> set[str]:
    found = record.get("thread_id") if isinstance(record, dict) else None
    return {found} if isinstance(found, str) else set()
