"""A scorer of the host's own: found by name, called in every form, believed only when it gives a reward."""

import asyncio
import sys
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt

from memento.evals.scorer import load_scorer
from memento.graph.deps import Deps
from memento.graph.workflow import build_graph
from memento.memory.errors import InvalidInput
from memento.nodes.scoring import Grade
from memento.nodes.scoring.custom import scored_by
from memento.nodes.scoring.parts import Answered, ScoringParts
from memento.nodes.scoring.registry import score
from memento.nodes.structured import StructuredCaller
from tests.node_parts import Roles, a_memory, a_run, always, answer

Given = tuple[str, str, list[str]]


def giving(grade: Any) -> Any:
    def scorer(_task: str, _answer: str, _references: Sequence[str]) -> Any:
        return grade

    return scorer


class Counting:
    """A scorer with a state."""

    def __init__(self) -> None:
        self.given: list[Given] = []

    async def __call__(self, task: str, answer: str, references: Sequence[str]) -> float:
        self.given.append((task, answer, list(references)))
        return 0.25


async def evaluation_by(scorer: Any) -> Grade:
    return await scored_by(scorer, "a task", "an answer", ["one", "other"])


@pytest.mark.parametrize(
    ("grade", "reward"),
    [(0.25, 0.25), (1, 1.0), (0, 0.0), (True, 1.0), (False, 0.0), (np.float32(0.5), 0.5), (np.bool_(1), 1.0)],
)
async def test_reward_is_the_scorers_when_it_gives_one(grade: Any, reward: float) -> None:
    assert await evaluation_by(giving(grade)) == (reward, "custom", 1.0, "")


async def test_confidence_and_reason_are_the_scorers_when_it_gives_an_evaluation() -> None:
    given = Grade(0.5, "human", 0.75, "3 of 6 tests pass")
    assert await evaluation_by(giving(given)) == (0.5, "custom", 0.75, "3 of 6 tests pass")
    long = await evaluation_by(giving(Grade(0.5, "x", 1.0, "x" * 10_000)))
    assert len(long.reason) == 500


@pytest.mark.parametrize(
    ("grade", "said"),
    [
        (None, "gave no reward"),
        (Grade(None, "x", reason="no compiler here"), "no compiler here"),
        (1.5, "reward=1.5"),
        (-0.1, "reward=-0.1"),
        (float("nan"), "reward=nan"),
        (float("inf"), "reward=inf"),
        (Grade(1.0, "x", 2.0), "confidence=2"),
        ("0.5", "gave a str"),
        ([1.0], "gave a list"),
        ({"reward": 1}, "gave a dict"),
    ],
)
async def test_reward_is_unknown_when_the_scorer_gives_none(grade: Any, said: str) -> None:
    evaluation = await evaluation_by(giving(grade))
    assert (evaluation.reward, evaluation.evaluator, evaluation.confidence) == (None, "custom", 0.0)
    assert said in evaluation.reason


async def test_reward_is_unknown_when_the_scorer_raises() -> None:
    def crash(*_: Any) -> float:
        raise ZeroDivisionError("the key is s3cret-0123")

    async def crash_later(*_: Any) -> float:
        raise OSError("no database")

    evaluation = await scored_by(crash, "t", "a", [], redact=lambda text: text.replace("s3cret-0123", "***"))
    assert evaluation == (None, "custom", 0.0, "the scorer failed: ZeroDivisionError: the key is ***")
    assert "no database" in (await evaluation_by(crash_later)).reason


@pytest.mark.parametrize("is_async", [True, False])
async def test_reward_is_unknown_when_the_scorer_would_end_the_process(is_async: bool) -> None:
    def leave(*_: Any) -> float:
        sys.exit(3)

    async def leave_later(*_: Any) -> float:
        sys.exit(3)

    evaluation = await evaluation_by(leave_later if is_async else leave)
    assert evaluation == (None, "custom", 0.0, "the scorer failed: RuntimeError: it called exit(3)")


async def test_a_person_is_asked_when_the_scorer_interrupts_the_run() -> None:
    async def ask(task: str, *_: Any) -> float:
        return float(interrupt({"kind": "score", "task": task}))

    async with a_memory() as memory:
        deps = Deps(memory=memory, planner=always(answer("42")), scorer=ask)
        graph = build_graph(deps, checkpointer=InMemorySaver())
        config: Any = {"configurable": {"thread_id": "t"}}
        await graph.ainvoke({"task": "t"}, config, context={"evaluator": "custom"})  # type: ignore[arg-type]
        waiting = (await graph.aget_state(config)).interrupts
        result = await graph.ainvoke(Command(resume=0.25), config)  # type: ignore[arg-type]
    assert waiting[0].value == {"kind": "score", "task": "t"}
    assert result["reward"] == 0.25


async def test_a_cancelled_run_is_cancelled_when_its_scorer_waits() -> None:
    began = asyncio.Event()

    async def wait(*_: Any) -> float:
        began.set()
        await asyncio.Event().wait()
        return 1.0

    scoring = asyncio.create_task(evaluation_by(wait))
    await began.wait()
    scoring.cancel()
    with pytest.raises(asyncio.CancelledError):
        await scoring


async def test_every_kind_of_callable_is_called_with_the_same() -> None:
    counting, seen = Counting(), []

    def plain(task: str, answer: str, references: Sequence[str]) -> Any:
        seen.append(threading.current_thread() is threading.main_thread())
        return counting(task, answer, references)  # a plain function that returns something to wait for

    for scorer in (counting, counting.__call__, plain):
        assert (await evaluation_by(scorer)).reward == 0.25
    assert counting.given == [("a task", "an answer", ["one", "other"])] * 3
    assert seen == [False], "what is not async runs in a thread"


async def test_scorer_of_the_graphs_parts_is_asked_when_a_run_says_custom() -> None:
    run = a_run(settings={"evaluator": "custom"})
    for scorer, said in ((giving(0.5), ""), (None, "Deps(scorer=...)")):
        parts = ScoringParts(models=Roles(), caller=StructuredCaller(), scorer=scorer)
        evaluation = (await score(Answered(run, "42"), parts)).evaluation
        assert evaluation.reward == (0.5 if scorer else None)
        assert said in evaluation.reason


async def test_scorer_is_given_run_and_results_by_keyword_when_it_takes_them() -> None:
    def by_keyword(_task: str, _answer: str, _references: Any, *, results: Any) -> float:
        return float(results[0]["result"] == "r")

    def any_keyword(_task: str, _answer: str, _references: Any, **given: Any) -> float:
        return float(set(given) == {"run", "results"} and given["run"]["task"] == "t")

    async def fourth(_task: str, _answer: str, _references: Any, run: Any = None) -> float:
        run["task"] = "changed"
        return 1.0

    def wrong(_task: str, _answer: str, _references: Any, *, run: Any, strict: bool) -> float:
        return 1.0

    def own_names(run: str, results: str, *_rest: Any, **_given: Any) -> float:
        return float((run, results) == ("t", "42"))

    class Asked:
        def __call__(self, _task: str, _answer: str, _references: Any, *, run: Any) -> float:
            return float(run["task"] == "t")

    run = a_run("t", settings={"evaluator": "custom"})
    for scorer, reward in (
        *((one, 1.0) for one in (by_keyword, any_keyword, fourth, own_names, Asked(), giving(1.0))),
        (partial(wrong, strict=True), 1.0),
        (wrong, None),
    ):
        parts = ScoringParts(models=Roles(), caller=StructuredCaller(), scorer=scorer)
        evaluation = (await score(Answered(run, "42", [{"result": "r"}]), parts)).evaluation  # type: ignore[typeddict-item]
        assert evaluation.reward == reward, scorer
    assert "the scorer failed: TypeError" in evaluation.reason
    assert run["task"] == "t", "a scorer has a copy"


MODULE = """
LIMIT = 3

def looks_at_results(task, answer, references, *, results):
    return 1.0

def fits(task, answer, references):
    return len(answer) <= LIMIT

async def fits_too(task, answer, references=(), *, strict=False):
    return 1.0

def too_few(answer):
    return 1.0
"""


async def test_scorer_is_found_when_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await asyncio.to_thread((tmp_path / "my_scorers_e5.py").write_text, MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("fits", "fits_too"):
        scorer = await asyncio.to_thread(load_scorer, f"my_scorers_e5:{name}")
        assert (await scored_by(scorer, "t", "42", [])).reward == 1.0
    assert await asyncio.to_thread(load_scorer, "my_scorers_e5:looks_at_results")
    assert await asyncio.to_thread(load_scorer, "builtins:max") is max, "what says nothing of itself is believed"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("my_scorers_e5b", "write package.module:function"),
        ("my_scorers_e5b:", "write package.module:function"),
        ("no_such_module_e5:f", "there is no module"),
        ("my_scorers_e5b:absent", "does not exist"),
        ("my_scorers_e5b:LIMIT", "is not a function"),
        ("my_scorers_e5b:too_few", "cannot be called so"),
    ],
)
async def test_error_says_what_is_wanted_when_there_is_no_such_scorer(
    name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.to_thread((tmp_path / "my_scorers_e5b.py").write_text, MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InvalidInput, match=r"(?s).*") as raised:
        await asyncio.to_thread(load_scorer, name)
    assert said in str(raised.value)
