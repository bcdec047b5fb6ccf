"""Conformance of providers' replies: each shape in each role, through the real client, from a loopback server.

One row is one run of the workflow in which one role's model sends one shape, always or once. What comes of it is a
word: `complete`, what ended the subtask, what became of the reward, or the class of the error that the run ended with.
"""

import asyncio
import itertools
import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from langchain_openai import ChatOpenAI

from memento.cli.running import ExitCode, run_command
from memento.evals.runs.arm import parse_arm
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.runs.runner import EvalRunner, load_results
from memento.evals.subject import Subject
from memento.evals.task import EvalTask, fingerprint
from memento.graph.deps import Deps
from memento.graph.models import DEFAULT_MODELS
from memento.graph.workflow import MementoGraph, build_graph
from memento.memory.case_memory import CaseMemory
from memento.memory.encoder import Encoder
from memento.memory.errors import MementoError
from memento.nodes.context import Context
from memento.nodes.errors import ContentFiltered, ModelRejected, ModelUnavailable, NoCompletion
from tests import reply_shapes as shapes
from tests.commands import invoke
from tests.hashing_encoder import HashingEncoder
from tests.node_parts import a_memory, answer, plan, verdict
from tests.provider_server import Wire, completion, provider

RIGHT = "Bern is the capital, and it lies on the Aare."
ALWAYS = 1_000


class Row(NamedTuple):
    """One run."""

    name: str
    shape: shapes.Shape
    role: str
    times: int
    """How many of the role's replies have the shape."""
    outcome: str
    n_calls: int
    """How often the role's model is asked: what cannot help is not paid for."""
    is_streamed: bool = False


def rows_of(
    group: Mapping[str, shapes.Shape],
    role: str,
    outcome: str,
    n_calls: int,
    *,
    times: int = ALWAYS,
    is_streamed: bool | None = None,
) -> Iterator[Row]:
    for (name, shape), streamed in itertools.product(group.items(), (False, True)):
        if is_streamed in (None, streamed) and (role == "executor" or not streamed):
            yield Row(name, shape, role, times, outcome, n_calls, streamed)


def some(group: Mapping[str, shapes.Shape], *names: str) -> dict[str, shapes.Shape]:
    return {name: group[name] for name in names}


ROWS = [
    *rows_of(shapes.NO_COMPLETION, "planner", "NoCompletion", 3),
    *rows_of(shapes.NO_COMPLETION, "planner", "complete", 3, times=1),
    *rows_of(shapes.NO_COMPLETION, "executor", "NoCompletion", 3),
    *rows_of(shapes.NO_COMPLETION, "executor", "complete", 2, times=1),
    *rows_of(shapes.NO_COMPLETION, "judge", "unknown", 1),
    *rows_of(shapes.AWAY, "planner", "ModelUnavailable", 3),
    *rows_of(shapes.AWAY, "executor", "ModelUnavailable", 3),
    *rows_of(shapes.AWAY, "judge", "unknown", 1),
    *rows_of(shapes.REFUSED, "planner", "ModelRejected", 1),
    *rows_of(shapes.REFUSED, "executor", "ModelRejected", 1, is_streamed=False),
    *rows_of(shapes.REFUSED, "judge", "unknown", 1),
    *rows_of(shapes.FILTERED, "planner", "ContentFiltered", 1),
    *rows_of(shapes.FILTERED, "executor", "filter", 1, is_streamed=False),
    *rows_of(shapes.FILTERED, "judge", "unknown", 1),
    *rows_of(shapes.UNFINISHED, "planner", "no valid plan", 2),
    *rows_of(shapes.UNFINISHED, "planner", "complete", 3, times=1),
    *rows_of(some(shapes.UNFINISHED, "length", "MAX_TOKENS"), "executor", "length", 2),
    *rows_of(some(shapes.UNFINISHED, "content_filter", "SAFETY"), "executor", "filter", 2),
    *rows_of(some(shapes.UNFINISHED, "error"), "executor", "interrupted", 2),
    *rows_of(shapes.UNFINISHED, "executor", "complete", 2, times=1),
    *rows_of(shapes.UNFINISHED, "judge", "unknown", 2),
    *rows_of(shapes.THOUGHTS, "planner", "complete", 2),
    *rows_of(shapes.THOUGHTS, "executor", "complete", 1),
    *rows_of(shapes.THOUGHTS, "judge", "complete", 1),
    *rows_of(shapes.UNCLOSED, "planner", "no valid plan", 2),
    *rows_of(some(shapes.UNCLOSED, "unclosed <think>"), "executor", "reply", 2),
    *rows_of(some(shapes.UNCLOSED, "unclosed <think>, length"), "executor", "length", 2),
    *rows_of(shapes.UNCLOSED, "executor", "complete", 2, times=1),
    *rows_of(shapes.UNCLOSED, "judge", "unknown", 2),
    *rows_of(shapes.REFUSAL, "planner", "no valid plan", 2),
    *rows_of(shapes.REFUSAL, "executor", "refusal", 1, is_streamed=False),
    *rows_of(shapes.REFUSAL, "executor", "refusal", 2, is_streamed=True),
    *rows_of(shapes.REFUSAL, "judge", "unknown", 2),
    *rows_of(shapes.BAD_ARGUMENTS, "planner", "complete", 3, times=1),
    *rows_of(shapes.BAD_ARGUMENTS, "executor", "complete", 2, times=1),
    *rows_of(shapes.BAD_ARGUMENTS, "judge", "unknown", 2),
    *rows_of(shapes.TEXT_CALLS, "executor", "complete", 2, times=1),
    *rows_of(shapes.NOT_CALLS, "executor", "complete", 2, times=1),
    *rows_of(shapes.NOT_CALLS, "executor", "reply", 2),
    Row("a stream that breaks off", shapes.broken_stream, "executor", ALWAYS, "interrupted", 2, is_streamed=True),
    Row("a stream that breaks off", shapes.broken_stream, "executor", 1, "complete", 2, is_streamed=True),
    Row("an error in a stream", shapes.stream_error, "executor", ALWAYS, "NoCompletion", 3, is_streamed=True),
    Row("an error in a stream", shapes.stream_error, "executor", 1, "complete", 2, is_streamed=True),
]
SOME = [row for _, rows in itertools.groupby(ROWS, lambda row: row[2:6]) for row in itertools.islice(rows, 1)]
"""For the quick test: of every group of shapes two rows, of an executor one as a body and one as a stream."""
EVALUATED = [
    *((name, shape, "unknown") for name, shape in shapes.NO_COMPLETION.items()),
    *((name, shape, "unknown") for name, shape in shapes.FILTERED.items()),
    *((name, shape, "unknown") for name, shape in shapes.UNFINISHED.items()),
    *((name, shape, "right") for name, shape in shapes.THOUGHTS.items()),
    *((name, shape, "unknown") for name, shape in shapes.UNCLOSED.items()),
    *((name, shape, "unknown") for name, shape in shapes.REFUSAL.items()),
    *((name, shape, "unknown") for name, shape in shapes.BAD_ARGUMENTS.items()),
]


class Provider:
    """Answers every role rightly, but for the models that are named after a row."""

    def __init__(self, rows: Mapping[str, tuple[shapes.Shape, int]]) -> None:
        self.rows = rows
        self.asked: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, request: dict[str, Any]) -> Wire:
        model = request["model"]
        with self._lock:
            self.asked[model] += 1
        right = right_reply(model.partition("-")[0], request)
        shape, times = self.rows.get(model, (None, 0))
        wrong = self.asked[model] <= times
        if model.startswith("evaluated"):  # which of the tasks it is stands in the question
            wrong = "the poisoned one" in json.dumps(request["messages"])
        return shape(request, right) if shape and wrong else completion(request, content=right)


def right_reply(role: str, request: dict[str, Any]) -> str:
    if role == "executor":
        return RIGHT
    if role == "judge":
        return verdict("yes", "they agree")
    if role == "evaluated":
        return answer("Bern")
    return answer(RIGHT) if "<result " in json.dumps(request["messages"]) else plan("find the capital")


async def look_up(word: str) -> str:
    """Look a word up."""
    return f"{word} is a city"


def models_of(url: str, names: Mapping[str, str], *, is_streamed: bool = False) -> dict[str, Any]:
    more: dict[str, Any] = {"streaming": True} if is_streamed else {}
    return {
        role: ChatOpenAI(model=name, base_url=url, api_key="none", max_retries=0, **more)  # type: ignore[arg-type]
        for role, name in names.items()
    }


async def outcome_of(graph: MementoGraph) -> tuple[str, str]:
    """The word for what came of a run, and the sentence where there is one."""
    context = Context(policy="none", evaluator="judge")
    try:
        state = await graph.ainvoke({"task": "Which city?", "reference": [RIGHT]}, context=context, output_keys=STATE)
    except MementoError as error:
        return type(error).__name__, str(error)
    if not state.get("answer"):
        error = state["error"]
        return error.partition(":")[0], error
    ended = [one["ended_by"] for one in state["results"] if not one["is_complete"]]
    if ended:
        return ended[0], state["results"][0]["result"]
    if state["reward"] is None:
        return "unknown", state["error"]
    texts = {one["result"] for one in state["results"]}
    return ("complete", RIGHT) if texts == {RIGHT} else (f"another result: {texts}", "")


STATE = ["answer", "error", "results", "reward"]


@pytest.fixture
def served(request: pytest.FixtureRequest) -> Iterator[tuple[Provider, list[Row], list[dict[str, Any]]]]:
    """The provider, the rows of this test, and the models of each."""
    rows: list[Row] = request.param
    answering = Provider({f"{row.role}-{number}": (row.shape, row.times) for number, row in enumerate(rows)})
    with provider(answering) as url:
        models = []
        for number, row in enumerate(rows):
            names = {role: f"{role}-good" for role in ("planner", "executor", "judge")} | {
                row.role: f"{row.role}-{number}"
            }
            models.append(models_of(url, names, is_streamed=row.is_streamed))
        yield answering, rows, models


@pytest.mark.parametrize(
    "served",
    [pytest.param(SOME, id="some"), pytest.param(ROWS, id="all", marks=[pytest.mark.slow, pytest.mark.timeout(400)])],
    indirect=True,
)
async def test_every_shape_has_its_outcome_in_every_role(
    served: tuple[Provider, list[Row], list[dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    answering, rows, all_models = served
    at_once = asyncio.Semaphore(24)
    async with a_memory() as memory:

        async def tried(models: dict[str, Any]) -> tuple[str, str]:
            async with at_once:
                return await outcome_of(build_graph(Deps(memory=memory, tools=[look_up], **models)))

        outcomes = await asyncio.gather(*map(tried, all_models))
    assert len(rows) >= 40
    wrong = []
    for number, (row, (found, said)) in enumerate(zip(rows, outcomes, strict=True)):
        n_calls = answering.asked[f"{row.role}-{number}"]
        if (found, n_calls) != (row.outcome, row.n_calls):
            wrong.append(f"{row}: {found} after {n_calls} calls ({said})")
        if row.shape in shapes.REFUSAL.values() and row.role != "judge" and "I will not do that." not in said:
            wrong.append(f"{row}: the refusal's words are lost")
    assert not wrong, "\n".join(wrong)
    capsys.readouterr()
    for error in {name: said for name, said in outcomes if name in RAISED}.items():
        assert await asyncio.to_thread(exit_code_of, *error) == ExitCode.FAILED
    assert "unexpected error" not in capsys.readouterr().err


RAISED = {"NoCompletion": NoCompletion, "ModelUnavailable": ModelUnavailable, "ModelRejected": ModelRejected} | {
    "ContentFiltered": ContentFiltered
}


def exit_code_of(name: str, said: str) -> ExitCode:
    async def command() -> ExitCode:
        raise RAISED[name](said)

    return run_command(command(), as_json=False)


def in_memory(folder: Path, *, policy: str, namespace: str, seed: int, encoder: Encoder) -> CaseMemory:
    return CaseMemory.open(":memory:", policy=policy, namespace=namespace, seed=seed, encoder=encoder)


@pytest.fixture
def evaluated() -> Iterator[list[Subject]]:
    """A subject for every shape: its model sends it whenever the poisoned task is asked."""
    answering = Provider({f"evaluated-{number}": (shape, ALWAYS) for number, (_, shape, _) in enumerate(EVALUATED)})
    with provider(answering) as url:
        models = [models_of(url, {"planner": f"evaluated-{number}"})["planner"] for number in range(len(EVALUATED))]
        yield [
            Subject(
                name=f"shape {number}",
                make_deps=lambda memory, model=model: Deps(memory=memory, planner=model),  # type: ignore[misc]
                open_memory=in_memory,
            )
            for number, model in enumerate(models)
        ]


async def evaluated_with(subject: Subject, folder: Path) -> dict[str, TaskResult]:
    """The results of a run of three tasks, of which the second is poisoned; the run has to be complete."""
    questions = ["Which city?", "Which is the poisoned one?", "Which capital?"]
    tasks = [EvalTask(id=str(n), question=text, references=["Bern"]) for n, text in enumerate(questions)]
    run = RunPlan.model_validate(
        {"dataset": "d", "tasks": fingerprint(tasks), "n_tasks": 3, "subject": subject.name, "scorer": "exact"}
        | {"arms": [parse_arm("none")], "seeds": [0], "settings": {"evaluator": "exact"}}
    )
    runner = EvalRunner(run, tasks=tasks, subject=subject, folder=folder, concurrency=1, encoder=HashingEncoder())
    assert (await runner.run()).is_complete
    results = await asyncio.to_thread(lambda: list(load_results(folder, run)))
    return {result.task_id: result for result in results}


@pytest.mark.slow
async def test_an_evaluation_is_complete_whatever_one_of_its_tasks_is_answered_with(
    evaluated: list[Subject], tmp_path: Path
) -> None:
    at_once = asyncio.Semaphore(8)

    async def tried(number: int) -> dict[str, TaskResult]:
        async with at_once:
            return await evaluated_with(evaluated[number], tmp_path / str(number))

    found = await asyncio.gather(*map(tried, range(len(EVALUATED))))
    for (name, _, outcome), results in zip(EVALUATED, found, strict=True):
        assert [results[n].reward for n in ("0", "2")] == [1.0, 1.0], name
        poisoned = results["1"]
        expected = (1.0, False) if outcome == "right" else (None, True)
        assert (poisoned.reward, bool(poisoned.error)) == expected, f"{name}: {poisoned.error}"


@pytest.mark.slow
@pytest.mark.allow_blocking("a command has its event loop to itself")
@pytest.mark.parametrize(
    ("group", "name", "role", "times", "code", "said"),
    [
        ("NO_COMPLETION", "choices null", "planner", ALWAYS, 1, "not with a completion"),
        ("BAD_ARGUMENTS", "arguments a list", "executor", 1, 0, ""),
        ("FILTERED", "filtered by Azure", "executor", ALWAYS, 0, "filter"),
        ("FILTERED", "filtered by Azure", "planner", ALWAYS, 1, "content management policy"),
        ("UNFINISHED", "length", "executor", ALWAYS, 0, "length"),
        ("REFUSAL", "refusal", "planner", ALWAYS, 1, "I will not do that."),
    ],
)
def test_the_command_line_has_the_right_exit_code(
    group: str, name: str, role: str, times: int, code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = getattr(shapes, group)[name]
    answering = Provider({f"{role}-command": (shape, times)})

    def named_by_role(request: dict[str, Any]) -> Wire:
        return answering(request | {"model": f"{BY_DEFAULT[request['model']]}-command"})

    with provider(named_by_role) as url:
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        done = invoke("ask", "Which city?", "--reference", RIGHT, "--policy", "none")
    assert done.code == code, done.err
    assert said in done.err
    assert "unexpected error" not in done.err


BY_DEFAULT = {name.partition(":")[2]: role for role, name in DEFAULT_MODELS.items()}
