"""`memento eval run` from the command line: a run, going on with it, and everything that ends one early."""

import asyncio
import json
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from memento.evals.runs.run_lock import locked
from tests.commands import Finished, ended, environment, invoke, memento, serving, started
from tests.eval_commands import PRICES, answering, question_of, write_dataset
from tests.scripted import ScriptedServer

pytestmark = [
    pytest.mark.allow_blocking("a command has its event loop to itself"),
    pytest.mark.timeout(300),  # many commands, each of which loads the encoder
]


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> None:
    for role in ("PLANNER", "EXECUTOR", "JUDGE"):
        monkeypatch.setenv(f"MEMENTO_{role}", "openai:stub")
    monkeypatch.setenv("MEMENTO_PRICES", PRICES)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    with serving(answering()) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        yield server


def evaluate(folder: Path, *more: str, n: int = 6, arms: tuple[str, ...] = ("none",)) -> Finished:
    """A run of the small data set in `folder`/out, scored without a judge."""
    data = folder / "items.jsonl"
    if not data.exists():
        write_dataset(data, n)
    words = [word for arm in arms for word in ("--arm", arm)]
    return invoke("eval", "run", "-d", str(data), "--out", str(folder / "out"), "--scorer", "exact", *words, *more)


def test_every_task_is_a_line_and_nothing_is_paid_twice_when_run_again(tmp_path: Path, served: ScriptedServer) -> None:
    more = ("--seeds", "2", "--json")
    first = evaluate(tmp_path, *more, arms=("none", "similarity:k=2"))
    assert first.code == 0
    start, *tasks, end = first.lines
    assert (start["event"], start["tasks"], start["done"], start["questions"]) == ("start", 24, 0, 6)
    assert Counter((one["arm"], one["seed"]) for one in tasks) == dict.fromkeys(
        [("none", 0), ("none", 1), ("similarity:k=2", 0), ("similarity:k=2", 1)], 6
    )
    assert [one["done"] for one in tasks] == list(range(1, 25))
    assert all("held" not in one for one in tasks)
    rewards = {(one["task_id"], one["reward"]) for one in tasks}
    assert rewards == {(f"q{item}", float(item % 3 != 0)) for item in range(6)}
    (part,) = end["parts"]
    assert (end["event"], end["is_complete"], end["done"], end["unpriced_calls"]) == ("end", True, 24, 0)
    assert end["cost_usd"] == pytest.approx(0.24)
    assert [arm["reward"]["weighted"]["value"] for arm in part["arms"]] == pytest.approx([2 / 3, 2 / 3])
    (against,) = part["comparisons"]
    assert (against["control"], against["weighted"]["value"]) == ("none", 0.0)

    again = evaluate(tmp_path, *more, arms=("none", "similarity:k=2"))
    assert (again.code, [line["event"] for line in again.lines]) == (0, ["start", "end"])
    assert again.lines[0]["done"] == 24
    assert len(served.requests) == 24


def test_summary_bad_rows_and_figures_are_shown_to_people(tmp_path: Path, served: ScriptedServer) -> None:
    write_dataset(tmp_path / "items.jsonl", 6, broken=True)
    done = evaluate(
        tmp_path, "--held-out", "s1", "--feedback", "correction", "--seeds", "1", arms=("none", "advantage")
    )
    assert done.code == 0
    assert "items (generic): 6 tasks, 2 bad rows skipped" in done.err
    assert "line 2: not JSON" in done.err
    assert "line 3: `question` is missing or empty" in done.err
    assert "2 arms, 1 seed: 2 streams, 12 tasks" in done.err
    assert "one order of the tasks: no verdict on arms with a memory, which needs --seeds 6" in done.err
    assert "12 of 12 (100%)" in done.err
    assert "none 66.7% (n 6)" in done.err
    assert "\x1b" not in done.err
    tables = done.out.split("items, ")
    assert [table.partition(";")[0] for table in tables[1:]] == [
        "first encounter (prequential)",
        "held-out tasks, frozen bank",
    ]
    assert "advantage against none: too few orders to tell:" in " ".join(done.out.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--arm", "magic"], "unknown policy 'magic'"),
        (["--arm", "none:k=99"], "k: Input should be less than or equal to 32"),
        (["--arm", "none:lucky=1"], "lucky"),
        (["--arm", "none", "--arm", "none"], "give every arm once"),
        (["--arm", "none:evaluator=human"], "no person approves plans"),
        (["--scorer", "magic"], "there is no scorer 'magic'"),
        (["--scorer", "human"], "there is no scorer 'human'"),
        (["--scorer", "nowhere:score"], "there is no module 'nowhere'"),
        (["--subject", "nowhere:make"], "there is no module 'nowhere'"),
        (["--subject", "just-a-name"], "package.module:function"),
        (["--subject", "json:nothing"], "nothing does not exist"),
        (["--feedback", "praise"], "--feedback is reward or correction"),
        (["--held-out", "s7"], "its sources: s0, s1"),
        (["--held-out", "s0", "--held-out", "s1"], "nothing to learn from"),
        (["--field", "question"], "PART=PATH"),
        (["--field", "question=nowhere"], "nowhere"),
        (["--format", "magic"], "magic"),
        (["--model", "magic"], "unknown model 'magic'"),
        (["--limit", "0"], "--limit"),
    ],
)
def test_one_sentence_and_nothing_begun_when_the_command_line_is_wrong(
    words: list[str], said: str, tmp_path: Path, served: ScriptedServer
) -> None:
    data = write_dataset(tmp_path / "items.jsonl")
    done = invoke("eval", "run", "-d", str(data), "--out", str(tmp_path / "out"), *words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert not (tmp_path / "out").exists()
    assert not served.requests


def test_a_data_set_is_refused_when_tools_could_read_its_answers(
    tmp_path: Path, served: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMENTO_FILES", str(tmp_path))
    done = evaluate(tmp_path)
    assert done.code == 2
    assert "it would find the answers there" in done.err
    assert not served.requests


def test_another_run_is_refused_when_the_folder_holds_one(tmp_path: Path, served: ScriptedServer) -> None:
    assert evaluate(tmp_path, n=2).code == 0
    n_asked = len(served.requests)
    other = evaluate(tmp_path, "--seeds", "2")
    assert other.code == 2
    assert "contains a run with other seeds" in other.err
    assert "another --out" in other.err
    assert len(served.requests) == n_asked


def test_a_second_process_is_refused_when_the_folder_is_being_worked_on(tmp_path: Path, served: ScriptedServer) -> None:
    with locked(tmp_path / "out"):
        done = evaluate(tmp_path, n=2)
    assert done.code == 2
    assert "another process is working on" in done.err
    assert evaluate(tmp_path).code == 0


def test_the_run_goes_on_with_a_larger_budget_when_one_is_spent(tmp_path: Path, served: ScriptedServer) -> None:
    first = evaluate(tmp_path, "--budget-usd", "0.03", "--concurrency", "1")
    assert first.code == 1
    assert "the budget of $0.03 is spent ($0.03): 3 of 6 tasks are done" in first.err
    assert "first encounter" in first.out
    again = evaluate(tmp_path, "--budget-usd", "0.03")
    assert (again.code, len(served.requests)) == (1, 3)
    assert "3 done already" in again.err
    assert evaluate(tmp_path, "--budget-usd", "0.30").code == 0
    assert sorted(map(question_of, served.requests)) == list(range(6))


def test_it_is_said_once_when_the_budget_cannot_hold(
    tmp_path: Path, served: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MEMENTO_PRICES")
    done = evaluate(tmp_path, "--budget-usd", "0.03")
    assert (done.code, len(served.requests)) == (0, 6)
    assert done.err.count("the budget cannot hold") == 1
    assert "cost not known" in done.err


@pytest.mark.slow
def test_what_was_finished_is_kept_when_the_model_goes_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answering(refuse_after=3)) as broken:
        monkeypatch.setenv("OPENAI_BASE_URL", broken.base_url)
        stopped = evaluate(tmp_path, "--concurrency", "1", "--json")
    assert stopped.code == 1
    assert [line["event"] for line in stopped.lines] == ["start", "task", "task", "task", "interrupted", "error"]
    assert stopped.lines[-2].items() >= {"done": 3, "tasks": 6}.items()
    assert "the same command resumes the run" in stopped.err
    assert "closed for today" in stopped.err
    with serving(answering()) as mended:
        monkeypatch.setenv("OPENAI_BASE_URL", mended.base_url)
        assert evaluate(tmp_path).code == 0
    answered = {question_of(body) for body in broken.requests[:3]}
    assert sorted(map(question_of, mended.requests)) == sorted(set(range(6)) - answered)


def test_files_of_a_task_lie_in_its_runs_folder(tmp_path: Path, served: ScriptedServer) -> None:
    (tmp_path / "map.txt").write_text("north is up")
    row = {"question": "What is item 1 of the map?", "answer": "thing 1", "files": ["map.txt"]}
    (tmp_path / "items.jsonl").write_text(json.dumps(row))
    assert evaluate(tmp_path).code == 0
    assert (tmp_path / "out/workspace/runs/none-0-0/map.txt").read_text() == "north is up"
    assert "map.txt" in json.dumps(served.requests[0]["messages"])


def test_reasons_are_told_when_rewards_are_not_known(tmp_path: Path, served: ScriptedServer) -> None:
    rows = [{"question": f"What is item {i} of the list?"} for i in (1, 2)]
    rows.append({"question": "What is item 4 of the list?", "answer": "thing 4"})
    (tmp_path / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = evaluate(tmp_path)
    assert done.code == 0
    assert "3 tasks, 2 without a reference" in done.err
    assert "none 100.0% (n 1, 2 unknown)" in done.err
    assert "2 results without a reward: no reference to compare with" in done.err


@pytest.mark.slow
async def test_processes_share_the_work_when_there_are_several(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "items.jsonl", 6)
    env = environment(tmp_path / "home", MEMENTO_PLANNER="openai:stub", MEMENTO_PRICES=PRICES)
    words = ("eval", "run", "-d", str(data), "--arm", "none", "--arm", "similarity", "--scorer", "exact")
    words += ("--seeds", "1", "--json")
    async with answering() as server:
        env["OPENAI_BASE_URL"] = server.base_url
        together = await memento(*words, "--out", str(tmp_path / "two"), "--processes", "9", env=env)
        alone = await memento(*words, "--out", str(tmp_path / "one"), env=env)
    assert (together.code, alone.code) == (0, 0)
    assert "2 of 9 processes are used" in together.lines[0]["notices"][0]
    told = [
        {(one["arm"], one["task_id"], one["reward"], len(one["cases"])) for one in done.lines if one["event"] == "task"}
        for done in (together, alone)
    ]
    assert told[0] == told[1]
    assert len(told[0]) == 12
    assert [done.lines[-1]["cost_usd"] for done in (together, alone)] == pytest.approx([0.12, 0.12])


AGENT = """
import json
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from memento.evals.subject import Subject
from memento.graph.deps import Deps


def forever():
    while True:
        yield AIMessage(json.dumps({"subtasks": [], "answer": "a short one"}))


def make():
    model = GenericFakeChatModel(messages=forever())
    return Subject(name="mine", make_deps=lambda memory: Deps(memory=memory, planner=model, executor=model))


def brief(task, answer, references):
    return 1 / len(answer.split())


def wrong():
    return "a subject"
"""


def test_ones_own_agent_and_scorer_are_used_when_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "an_agent_of_mine.py").write_text(AGENT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    data = write_dataset(tmp_path / "items.jsonl", 2)
    mine = ("--subject", "an_agent_of_mine:make", "--scorer", "an_agent_of_mine:brief")
    done = invoke("eval", "run", "-d", str(data), *mine, "--arm", "none", "--json")
    assert done.code == 0
    assert (done.lines[0]["subject"], done.lines[0]["out"]) == ("mine", "out/eval/items")
    assert [line["reward"] for line in done.lines[1:-1]] == pytest.approx([1 / 3, 1 / 3])
    assert {line["evaluator"] for line in done.lines[1:-1]} == {"custom"}
    wrong = invoke("eval", "run", "-d", str(data), "--subject", "an_agent_of_mine:wrong")
    assert wrong.code == 2
    assert "must return a memento.evals.subject.Subject, not str" in wrong.err


@pytest.mark.slow
async def test_what_was_acknowledged_is_kept_when_somebody_interrupts(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "items.jsonl", 12)
    env = environment(tmp_path / "home", MEMENTO_PLANNER="openai:stub", MEMENTO_PRICES=PRICES)
    words = ("eval", "run", "-d", str(data), "--arm", "none", "--scorer", "exact", "--out", str(tmp_path / "out"))
    enough, loop = asyncio.Event(), asyncio.get_running_loop()
    async with answering() as server:
        reply = server._answer

        def counted(body: dict[str, Any]) -> Any:
            if len(server.requests) == 5:
                loop.call_soon_threadsafe(enough.set)
            return reply(body)

        server._answer = counted
        env["OPENAI_BASE_URL"] = server.base_url
        process = await started(*words, "--json", env=env)
        await asyncio.wait_for(enough.wait(), 60)
        process.send_signal(signal.SIGINT)
        stopped = await ended(process)
        assert stopped.code == 130
        assert "the same command resumes the run" in stopped.err
        *_, last = stopped.lines
        kept = [line["task_id"] for line in stopped.lines if line["event"] == "task"]
        assert (last["event"], last["done"]) == ("interrupted", len(kept))
        assert 4 <= len(kept) < 12
        rest = await memento(*words, "--json", env=env)
    assert (rest.code, rest.lines[-1]["is_complete"]) == (0, True)
    finished = [line["task_id"] for line in rest.lines if line["event"] == "task"]
    assert not set(kept) & set(finished)
    assert len(kept) + len(finished) in (11, 12)  # a last one may have been kept without having been told
    assert rest.lines[0]["done"] + len(finished) == 12
