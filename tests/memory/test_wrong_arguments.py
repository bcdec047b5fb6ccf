"""What a memory cannot take is named as the caller's mistake, before anything is read or written.

An outage would be told where a wrong argument reached the ledger, and tried again for ever.
"""

import asyncio
import math
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from memento.integrations.langchain.agent_tools import case_tools
from memento.integrations.langchain.middleware import CaseMiddleware
from memento.memory.arguments import MAX_COUNT
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput, LedgerUnavailable
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.reads import LedgerViews
from memento.memory.lifecycle.forgetting import ForgettingRules
from tests.hashing_encoder import HashingEncoder
from tests.ledgers import ledger, url

__all__ = ["ledger", "url"]  # fixtures

NO_TEXT = (1.5, b"a", [], ["a"], object())
NO_COUNT = (-1, True, math.nan, math.inf, 0.5, "1", MAX_COUNT + 1, 10**400, [])
NO_SEED = (-1, True, math.nan, 0.5, "1", "\ud800", [1])
NO_SHARE = (-0.1, 1.1, math.nan, "1", True, 10**400, [])
NO_TEXTS = ("abc", b"abc", 7, None, [3], ["a", None])
NO_PATH = (7, True, None, [], b"a", "", "a\0b", "\ud800", "x" * 300)

OPEN = {
    "location": (7, None, b"a", "", "a\0b", "\ud800", "x" * 300),
    "policy": ("", *NO_TEXT),
    "namespace": ("", "\n", "x" * 201, None, *NO_TEXT),
    "seed": NO_SEED,
    "ledger_url": ("", *NO_TEXT),
    "approximate_from": (0, None, *NO_COUNT),
    "home": tuple(one for one in NO_PATH if one is not None),
    "min_confidence": (None, *NO_SHARE),
    "positive_from": (None, 0, *(one for one in NO_SHARE if one != "1")),  # numbers may come as text
}

CALLS: dict[str, dict[str, tuple[object, ...]]] = {
    "read": {
        "query": ("", None, *NO_TEXT),
        "k": (None, *NO_COUNT),
        "policy": ("nearest", 1.5, ["similarity"]),
        "namespace": NO_TEXT,
        "task": NO_TEXT,
        "follows": NO_TEXT,
        "seed": NO_SEED,
        "key": (None, "x" * 501, *NO_TEXT),
        "kind": ("plans", None, *NO_TEXT),
        "max_tokens": NO_COUNT,
        "picture": (1.5, "no base64", b"no image"),
    },
    "write": {
        "state": ("", None, *NO_TEXT),
        "action": (None, *NO_TEXT),
        "reward": NO_SHARE,
        "confidence": (None, *NO_SHARE),
        "event_id": NO_TEXT,
        "thread_id": NO_TEXT,
        "models": (7, "gpt", [("planner", "m")]),
        "namespace": (7, "\n", "x" * 201),
        "error_class": ("weather", 7),
        "left_out": NO_TEXTS,
        "guides": NO_TEXTS,
        "written_from": NO_TEXTS,
    },
    "feedback": {
        "event_id": (None, *NO_TEXT),
        "reward": NO_SHARE,
        "confidence": (None, *NO_SHARE),
        "evaluator": (None, *NO_TEXT),
        "lesson": (None, *NO_TEXT),
        "namespace": NO_TEXT,
    },
    "rank": {"task": ("", None, *NO_TEXT), "k": (None, *NO_COUNT), "seed": NO_SEED, "namespace": NO_TEXT},
    "write_all": {"experiences": NO_TEXTS},
    "write_attempt": {"experience": (None, "abc", 7)},
    "keep": {"cases": NO_TEXTS, "pictures": NO_TEXTS},
    "keep_attempts": {"attempts": NO_TEXTS},
    "keep_recorded": {"selections": NO_TEXTS},
    "trials": {"case_ids": NO_TEXTS, "namespace": NO_TEXT},
    "picture": {"picture": ("unknown", None, *NO_TEXT)},
    "backup": {"file": NO_PATH},
    "load": {"cases": NO_PATH, "vectors": tuple(one for one in NO_PATH if one is not None)},
    "lifecycle.audit": {"limit": (None, *NO_COUNT)},
    "lifecycle.retire": {"reason": (None, *NO_TEXT)},
    "lifecycle.snapshot": {"name": ("", None, *NO_TEXT)},
    "lifecycle.rollback": {"name": ("unknown", None, *NO_TEXT)},
    "lifecycle.undo": {"batch_id": ("unknown", None, *NO_TEXT)},
    "lifecycle.erase": {
        "cases": NO_TEXTS,
        "events": NO_TEXTS,
        "matching": (None, *NO_TEXT),
        "before": (7, "2026-01-01"),
    },
    "select": {"recall": (None, *NO_TEXT)},
    "lifecycle.apply": {"plan": (None, *NO_TEXT)},
    "lifecycle.plan": {"rules": (7, "none")},
    "lifecycle.plan_erasure": {"cases": NO_TEXTS},
}
GOOD: dict[str, dict[str, Any]] = {
    "read": {"query": "a task"},
    "write": {"state": "a task", "action": "a plan", "reward": 1.0},
    "feedback": {"event_id": "given by the test", "reward": 1.0},
    "rank": {"task": "a task", "candidates": ["a", "b"]},
    "keep": {"cases": []},
    "trials": {"case_ids": []},
    "load": {"cases": "cases.jsonl"},
}


def wrong() -> Iterator[tuple[str, str, object]]:
    for call, arguments in CALLS.items():
        for argument, values in arguments.items():
            yield from ((call, argument, value) for value in values)


def bank(location: Any = ":memory:", **options: Any) -> CaseMemory:
    return CaseMemory.open(location, **{"encoder": HashingEncoder(), "policy": "similarity"} | options)


async def complaint_about(call: Callable[[], Awaitable[object]]) -> str:
    """What is wrong with how a call refuses; empty where nothing is."""
    try:
        await call()
    except InvalidInput as error:
        message = str(error)
        message.encode()  # as a log or a response takes it
        return "" if len(message) < 400 else f"a message of {len(message)} characters"
    except Exception as error:  # noqa: BLE001  told with all the others
        return f"{type(error).__name__}: {error}"
    return "was taken"


async def test_each_wrong_argument_of_each_call_is_refused_and_nothing_is_written() -> None:
    async with bank() as memory:
        event = (await memory.read("a task")).event_id
        await memory.write(state="a task", action="a plan", reward=1.0, event_id=event)
        before = await memory.views.counts(namespace="default")
        complaints = list[str]()
        for call, argument, value in wrong():
            of, _, method = call.rpartition(".")
            made = getattr(getattr(memory, of) if of else memory, method)
            good = GOOD.get(call, {}) | ({"event_id": event} if call == "feedback" else {})
            given = good | {argument: value}
            if complaint := await complaint_about(lambda made=made, given=given: made(**given)):
                complaints.append(f"{call}({argument}={value!a:.40}): {complaint}")
        assert complaints == []
        assert await memory.views.counts(namespace="default") == before


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("option", "values"), OPEN.items(), ids=OPEN)
async def test_each_wrong_option_is_refused_before_anything_is_opened(
    option: str, values: tuple[object, ...], here: Path
) -> None:
    complaints = list[str]()
    for value in values:

        async def opened(value: object = value) -> None:
            async with bank(**{option: value}):
                pass

        if complaint := await complaint_about(opened):
            complaints.append(f"{option}={value!a:.40}: {complaint}")
    assert complaints == []
    assert await asyncio.to_thread(os.listdir, here) == [], "no folder of a name that was none"


async def test_seeds_of_learning_and_evaluation_are_refused_too() -> None:
    async with bank(policy="advantage") as memory:
        for seed in NO_SEED:
            with pytest.raises(InvalidInput, match="a seed"):
                memory.evaluation(seed=seed)  # type: ignore[arg-type]
            with pytest.raises(InvalidInput, match="a seed"):
                await memory.offline().learn(seed=seed)  # type: ignore[arg-type]


async def test_whole_numbers_of_other_types_count() -> None:
    import numpy as np

    async with bank() as memory:
        await memory.write(state="another task", action="a plan", reward=1.0)
        reading = await memory.read("a task", k=np.int64(2), max_tokens=np.int32(1_000), seed=2**80)  # type: ignore[arg-type]
        assert len(reading.cases) == 1
        await memory.write(state="a task", action="a", reward=1.0, left_out={reading.cases[0].case.id})  # type: ignore[arg-type]


async def test_hosts_refuse_by_the_same_door() -> None:
    async with bank() as memory:
        for value in NO_COUNT:
            with pytest.raises(InvalidInput, match=r"k (is|must be)"):
                CaseMiddleware(memory, k=value)  # type: ignore[arg-type]
            with pytest.raises(InvalidInput, match="max_case_tokens"):
                case_tools(memory, max_case_tokens=value)  # type: ignore[arg-type]
        with pytest.raises(InvalidInput, match="confidence"):
            case_tools(memory, confidence=None)  # type: ignore[arg-type]
        for rules in ({"capacity": 0}, {"capacity": 2.5}, {"min_uses": math.nan}, {"false_share": 1}):
            with pytest.raises(InvalidInput):
                ForgettingRules(**rules)  # type: ignore[arg-type]


async def test_what_the_ledger_takes_in_no_column_is_no_outage(ledger: Ledger) -> None:
    views = LedgerViews(ledger)
    for after in (2**70, {}):
        with pytest.raises(InvalidInput, match="the ledger takes no such argument"):
            await views.changes(after=after, limit=1)  # type: ignore[arg-type]
    assert await views.changes(after=0, limit=1) == []
    await ledger.aclose()
    with pytest.raises(LedgerUnavailable):
        await views.changes(after=0, limit=1)
