"""Made-up texts of the frozen bank: tasks, plans, import files. The same in every run."""

import json
from collections.abc import Iterator
from typing import Any

N_IMPORTED = 1_031

_THINGS = (
    "river",
    "bridge",
    "queen",
    "comet",
    "enzyme",
    "opera",
    "Straße",
    "火山",
    "océan",
    "роман",
    "μ-meson",
    "naïveté",
)
_ASKED = (
    "Where does the {} of {} begin?",
    "Who saw the {} of {}?",
    "How old is the {} of {}?",
    "Is the {} of {} old?",
)
_PLACES = ("Peru", "Kenya", "Łódź", "Ōsaka", "Malta", "São Tomé", "القاهرة", "Fiji", "Oman", "Zürich", "Ghana")
_STEPS = (
    "Search the archive for {}.",
    "Read the page on {}.",
    "Count how often {} occurs.",
    "Compare {} with a map.",
)


def task_text(number: int) -> str:
    """A task of the runs; some ask again what a case is of."""
    if number % 11 == 5:
        return _state(number)
    thing, place = _THINGS[number % len(_THINGS)], _PLACES[number * 3 % len(_PLACES)]
    return f"{_ASKED[number // 3 % len(_ASKED)].format(thing, place)} Give the year {1500 + number}, please."


def imported_rows() -> Iterator[dict[str, Any]]:
    """The rows of an import, in each of the forms that are read; every one another case."""
    for number in range(N_IMPORTED):
        label = "positive" if number * 7919 % 100 < 55 else "negative"
        if number < 700:
            yield {"case": _state(number), "plan": _plan(number), "case_label": label}
        elif number < 900:
            yield {"question": _state(number), "plan": _plan(number), "reward": number * 31 % 101 / 100}
        else:
            yield _own(number)


def log_rows() -> Iterator[dict[str, Any]]:
    """A retrieval log of 60 tasks over imported cases and a few that only it knows; one selection is there twice."""
    for number in [*range(60), 7]:
        for slot in range(1 + number % 4):
            case = (number * 13 + slot * 101) % 712
            yield {
                "query": f"Log {number}: {_state(number + 5)}",
                "case": _state(case),
                "case_label": "positive" if case * 7919 % 100 < 55 else "negative",
                "plan": _plan(case) if case < 700 else json.dumps({"plan": [{"id": 1, "description": f"Log {case}"}]}),
                "truth_label": (True, False, None)[number % 3 if number % 5 else 0],
            }


def untrusted_rows() -> Iterator[dict[str, Any]]:
    """Cases of an unknown source."""
    for number in range(12):
        yield {"case": f"Untrusted {number}: {_state(number)}", "plan": _plan(number), "case_label": "positive"}


def _state(number: int) -> str:
    """Four cases or so have each of these."""
    kind = number % 260
    thing, place = _THINGS[kind % len(_THINGS)], _PLACES[kind * 5 % len(_PLACES)]
    asked = _ASKED[kind % len(_ASKED)].format(thing, place)
    odd = {3: " 2⁸ = 28?", 50: " 1½ of \ud83d it", 77: " a\0b", 120: " 5!", 200: "\n\tن‎ 🜚 👩‍🚀"}.get(kind, "")
    return f"{asked} Part {kind}.{odd}"


def _plan(number: int) -> str:
    steps = [
        {
            "id": step + 1,
            "description": _STEPS[(number + step) % len(_STEPS)].format(f"{_PLACES[number % 11]} {number}"),
        }
        for step in range(1 + number % 3)
    ]
    return json.dumps({"plan": steps})


def _own(number: int) -> dict[str, Any]:
    """As `memento cases export` writes them."""
    status = {0: "quarantined", 1: "retired"}.get(number % 17, "active")
    return {
        "state": _state(number),
        "action": f"1. {_STEPS[number % 4].format(number)}\n2. Stop → „{number}“.",
        "reward": (number * 37 % 64) / 63,
        "answer": f"{number} m²" if number % 3 else "",
        "confidence": 0.5 + number % 5 / 10,
        "lesson": f"Mind № {number}." if number % 4 == 0 else "",
        "error_class": ("plan", "tool", "knowledge", "format", "budget", "judge", None)[number % 7],
        "status": status,
        "trust": 1.0 - number % 3 / 4,
        "provenance": {
            "thread_id": f"old {number}",
            "models": {"planner": "older"} if number % 2 else {},
            "evaluator": ("exact", "human", None)[number % 3],
        },
        "version": 1 + number % 4,
        "created_at": f"2025-0{1 + number % 9}-1{number % 10}T08:00:00.{number % 1000:03d}+00:00",
    }
