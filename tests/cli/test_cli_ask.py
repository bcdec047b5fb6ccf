"""`memento ask`: the workflow from the command line, on a thread that outlives the process."""

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks.everyday_tasks import TASKS, ask
from memento.cli.ask_run import reply_of
from memento.memory.errors import InvalidInput
from memento.nodes.attachments import copy_in
from memento.nodes.errors import InvalidAttachment
from tests.commands import assistant, ended, environment, invoke, memento, role_of, serving, started
from tests.scripted import ScriptedServer

pytestmark = pytest.mark.allow_blocking("a command has its event loop to itself")

TASK = "What is six [times] seven?"
PROMISED = {"answer", "reward", "case_id", "event_id", "cases_used", "policy", "cycles", "usage"}


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A model server that this process' settings lead to."""
    with serving(assistant()) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        yield server


def test_the_last_line_has_what_is_promised_when_json_is_wanted(served: ScriptedServer) -> None:
    done = invoke("ask", TASK, "--reference", "42", "--json")
    last = done.lines[-1]
    assert done.code == 0
    assert last.keys() >= PROMISED
    assert (last["answer"], last["reward"], last["cycles"], last["policy"]) == ("forty-two", 1.0, 1, "advantage")
    assert last["usage"]["model_calls"] == len(served.requests) == 4
    assert [line["event"] for line in done.lines] == ["cases", "plan", "subtask", "result", "reward", "written", "done"]


def test_a_case_is_used_when_an_earlier_run_left_one(served: ScriptedServer) -> None:
    first = invoke("ask", TASK, "-r", "42", "--json").lines[-1]
    second = invoke("ask", "What is six times eight?", "-r", "42", "--json").lines[-1]
    assert second["cases_used"] == [first["case_id"]]
    assert invoke("ask", "What is six times nine?", "--policy", "none", "--json").lines[-1]["cases_used"] == []
    assert invoke("cases", "stats", "--json").lines[-1].items() >= {"cases": 2, "events": 3, "unknown": 1}.items()
    keyed = invoke("ask", TASK, "--key", "game/2", "--json").lines[-1]["cases_used"]
    assert first["case_id"] in keyed, "the same text, and another task"


def test_only_the_answer_is_on_stdout_when_piped(served: ScriptedServer) -> None:
    done = invoke("ask", TASK, "-r", "42", "--thread", "mine")
    assert (done.code, done.out) == (0, "forty-two\n")
    shown = done.err.splitlines()
    assert shown[:4] == ["thread mine", "  no case from memory (advantage)", "  plan 1", "    1. Look it up"]
    assert shown[4:6] == ["      ✓ it is forty-two", "  reward 1 (judge)"]
    assert shown[-1].startswith("was it right? memento feedback ")
    assert "\x1b" not in done.err


def test_reward_is_that_of_ones_own_function_when_it_is_named(
    served: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scorer_of_ask.py").write_text("def score(task, answer, references):\n    return len(answer) / 10\n")
    monkeypatch.syspath_prepend(tmp_path)
    last = invoke("ask", TASK, "--scorer", "scorer_of_ask:score", "--json").lines[-1]
    assert (last["answer"], last["reward"]) == ("forty-two", 0.9)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["  "], "give a task"),
        (["x", "--policy", "foo"], "--policy should be "),
        (["x", "--evaluator", "foo"], "--evaluator should be "),
        (["x", "--evaluator", "custom"], "name it with --scorer"),
        (["x", "--scorer", "no_such_module_e5:f"], "there is no module"),
        (["x", "--scorer", "builtins:max", "--evaluator", "judge"], "leave --evaluator judge out"),
        (["x", "--k", "-1"], "--k"),
        (["x", "--model", "foo"], "unknown model 'foo'"),
        (["x", "--model", "foo:bar"], "unknown model 'foo:bar'"),
        (["x", "--thread", "../x"], "a thread's name"),
        (["x", "--thread", "a" * 101], "a thread's name"),
        (["x", "--attach", "/nonexistent"], "there is no file /nonexistent"),
        (["x", "--attach", "/"], "attachment / is not a file"),
        (["x", "--namespace", ""], "a namespace has"),
        (["x\udcff"], "not valid Unicode text"),
        (["x", "--reply", "approve"], "name it with --resume"),
        (["x", "--resume", "y"], "give no others"),
        (["--resume", "y", "--k", "2"], "give no others"),
        (["--resume", "y", "--key", "game/1"], "give no others"),
        (["--resume", "y"], "there is no thread 'y'"),
    ],
)
def test_one_sentence_and_exit_2_when_the_input_is_wrong(words: list[str], said: str, served: ScriptedServer) -> None:
    done = invoke("ask", *words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert not served.requests  # and nothing was begun


def test_the_ways_out_are_listed_when_no_model_is_configured() -> None:
    done = invoke("ask", TASK, "--json")
    assert done.code == 2
    assert [line["event"] for line in done.lines] == ["error"]
    assert "OPENAI_API_KEY" in done.err


def test_a_home_that_is_no_folder_is_named_when_a_run_begins(
    served: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMENTO_HOME", "/etc/passwd")
    done = invoke("ask", TASK)
    assert done.code == 2
    assert "set MEMENTO_HOME" in done.err


def test_a_long_task_is_answered_when_it_is_very_long(served: ScriptedServer) -> None:
    assert invoke("ask", "a" * 100_000, "--json").lines[-1]["answer"] == "forty-two"


def test_the_run_goes_on_without_the_engine_when_qdrant_is_down(
    served: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMENTO_QDRANT_URL", "http://127.0.0.1:9")
    last = invoke("ask", TASK, "-r", "42", "--json").lines[-1]
    assert (last["answer"], last["retrieval_degraded"]) == ("forty-two", True)
    assert "127.0.0.1:9" in " ".join(last["notices"])


def test_the_thread_goes_on_when_the_model_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(assistant(refuse="executor")) as broken:
        monkeypatch.setenv("OPENAI_BASE_URL", broken.base_url)
        stopped = invoke("ask", TASK, "-r", "42", "--thread", "kept", "--json")
    assert stopped.code in (1, 2)
    assert stopped.lines[-2] == {"event": "interrupted", "thread": "kept"}
    assert "memento ask --resume kept" in stopped.err
    with serving(assistant()) as mended:
        monkeypatch.setenv("OPENAI_BASE_URL", mended.base_url)
        resumed = invoke("ask", "--resume", "kept", "--json")
    assert resumed.lines[-1]["answer"] == "forty-two"
    assert role_of(mended.requests[0]) == "executor"  # what was planned is not planned again
    assert invoke("cases", "stats", "--json").lines[-1].items() >= {"cases": 1, "events": 1}.items()


def test_the_answer_is_shown_again_when_a_finished_thread_is_resumed(served: ScriptedServer) -> None:
    invoke("ask", TASK, "-r", "42", "--thread", "old")
    n_asked = len(served.requests)
    again = invoke("ask", "--resume", "old")
    assert (again.code, again.out) == (0, "forty-two\n")
    assert "had finished already" in again.err
    assert len(served.requests) == n_asked
    assert "is not waiting for a reply" in invoke("ask", "--resume", "old", "--reply", "approve").err


def test_a_plan_waits_for_approval_when_nobody_is_at_the_terminal(served: ScriptedServer) -> None:
    waiting = invoke("ask", TASK, "-r", "42", "--approve-plan", "--thread", "w", "--json")
    assert waiting.code == 1
    assert waiting.lines[-1]["event"] == "waiting"
    assert "--resume w --reply approve" in invoke("ask", "--resume", "w").err
    assert invoke("ask", "--resume", "w", "--reply", "perhaps").code == 2
    assert invoke("ask", "--resume", "w", "--reply", "approve", "--json").lines[-1]["reward"] == 1.0


def test_attachments_stay_apart_when_they_have_the_same_name(tmp_path: Path) -> None:
    files = [tmp_path / name / "f.txt" for name in ("one", "two")]
    for file in files:
        file.parent.mkdir()
        file.write_text(file.parent.name)
    workspace = tmp_path / "thread"
    assert copy_in([*files, files[0]], workspace) == ["f.txt", "f-2.txt"]
    assert [(workspace / name).read_text() for name in ("f.txt", "f-2.txt")] == ["one", "two"]
    assert copy_in([workspace / "f.txt"], workspace) == ["f.txt"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_an_attachment_is_refused_when_it_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "secret.txt"
    file.touch(mode=0)
    with pytest.raises(InvalidAttachment, match="cannot be read"):
        copy_in([file], tmp_path / "thread")


@pytest.mark.parametrize(
    ("kind", "typed", "reply"),
    [
        ("approve_plan", "yes", {"decision": "approve"}),
        ("approve_plan", "reject too long", {"decision": "reject", "reason": "too long"}),
        ("reward", "0.5 half of it", {"reward": 0.5, "reason": "half of it"}),
        ("reward", "", {"reward": None, "reason": ""}),
    ],
)
def test_what_a_person_types_is_understood_when_it_answers_the_question(
    kind: str, typed: str, reply: dict[str, Any]
) -> None:
    assert reply_of({"kind": kind}, typed) == reply


@pytest.mark.parametrize(("kind", "typed"), [("approve_plan", "perhaps"), ("reward", "7"), ("reward", "good")])
def test_what_a_person_types_is_refused_when_it_is_no_answer(kind: str, typed: str) -> None:
    with pytest.raises(InvalidInput):
        reply_of({"kind": kind}, typed)


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
async def test_a_thread_is_finished_once_when_its_process_was_ended(ending: signal.Signals, tmp_path: Path) -> None:
    env = environment(tmp_path / "home")
    reached = asyncio.Event()
    loop = asyncio.get_running_loop()
    is_first = True

    async with assistant() as server:
        reply = server._answer

        def slow_once(body: dict[str, Any]) -> Any:
            nonlocal is_first
            if role_of(body) == "executor" and is_first:
                is_first = False
                loop.call_soon_threadsafe(reached.set)
                time.sleep(8)
            return reply(body)

        server._answer = slow_once
        env["OPENAI_BASE_URL"] = server.base_url
        process = await started("ask", TASK, "-r", "42", "--thread", "t", "--json", env=env)
        await asyncio.wait_for(reached.wait(), 60)
        process.send_signal(ending)
        stopped = await ended(process)
        assert stopped.code == (130 if ending == signal.SIGINT else -9)
        if ending == signal.SIGINT:
            assert stopped.lines[-1] == {"event": "interrupted", "thread": "t"}
        resumed = await memento("ask", "--resume", "t", "--json", env=env)
        assert resumed.lines[-1]["reward"] == 1.0
        again = await memento("ask", "--resume", "t", "--json", env=env)
        assert again.lines[-1]["case_id"] == resumed.lines[-1]["case_id"]
        counted = (await memento("cases", "stats", "--json", env=env)).lines[-1]
    assert counted.items() >= {"cases": 1, "events": 1, "unknown": 0}.items()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_everyday_task_ends_with_an_answer_when_the_packaged_model_is_asked(tmp_path: Path) -> None:
    asked = ask(TASKS[0], tmp_path / "home")
    assert asked.is_answered, asked.said


@pytest.mark.slow
async def test_both_are_answered_when_two_processes_ask_at_once(tmp_path: Path) -> None:
    async with assistant() as server:
        env = environment(tmp_path / "home", server.base_url)
        both = [await started("ask", f"What is {n} times seven?", "-r", "42", "--json", env=env) for n in (5, 6)]
        done = [await ended(process) for process in both]
        counted = (await memento("cases", "stats", "--json", env=env)).lines[-1]
    assert [each.code for each in done] == [0, 0]
    assert all(each.lines[-1]["reward"] == 1.0 for each in done)
    assert counted.items() >= {"cases": 2, "events": 2}.items()


@pytest.mark.parametrize(("name", "value"), [("MEMENTO_TOOLS", "telepathy"), ("MEMENTO_MCP", "/nowhere/mcp.json")])
def test_a_wrong_tool_is_told_before_any_model_is_asked(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(assistant()) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv(name, value)
        done = invoke("ask", "What is it?")
        assert (done.code, server.requests) == (2, [])
    assert value in done.err


def test_an_option_is_named_as_it_was_given() -> None:
    assert "--max-usd should be greater than 0" in invoke("ask", "What is it?", "--max-usd", "0").err
