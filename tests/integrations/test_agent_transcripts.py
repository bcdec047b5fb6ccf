"""What a transcript shows of a turn, and what the test command says of it."""

import os
from pathlib import Path

import pytest

from memento.integrations.agent_hooks.attempts import CodingAttempt, attempt_of
from memento.integrations.agent_hooks.hook_input import HookInput, InvalidHookInput, Rating, prompt_hash
from memento.integrations.agent_hooks.transcripts import read_turn
from memento.integrations.agent_hooks.turn_files import MAX_TURNS, HookTurn, TurnFile
from memento.nodes.secret_shapes import without_secret_shapes as redact
from tests.transcripts import Line, call, prompt, result, said, write

TASK = "Fix the failing test of the parser"
EDIT = (call("e", "Edit", file_path="/work/src/a.py", old_string="x", new_string="y"), result("e"))


def attempt(path: Path, *lines: Line | str, test_command: str = "", last_message: str = "") -> CodingAttempt:
    write(path / "t.jsonl", prompt("An earlier task of long ago"), said("Done."), prompt(TASK), *lines)
    turn = read_turn(path / "t.jsonl", prompt_hash(TASK))
    made = attempt_of(turn, cwd="/work", last_message=last_message, test_command=test_command, redact=redact)
    assert made is not None
    return made


def test_steps_files_and_the_final_message_are_told(tmp_path: Path) -> None:
    made = attempt(
        tmp_path,
        call("1", "Read", file_path="/work/src/a.py"),
        result("1", "content"),
        *EDIT,
        call("2", "Bash", command="pytest  -q\n tests", description="run"),
        result("2", "Exit code 1\nFAILED", is_error=True),
        call("3", "TodoWrite", todos=[]),
        call("4", "mcp__plugin_memento_memory__recall_cases", task="x"),
        {"type": "assistant", "isSidechain": True, "message": {"content": [{"type": "text", "text": "sub"}]}},
        {"type": "file-history-snapshot"},
        "not JSON",
        "[" * 100_000,
        said("It was the order of a set."),
    )
    assert made.action == (
        "1. Read: src/a.py\n2. Edit: src/a.py\n3. Bash: pytest -q tests (exit code 1)\nFiles changed: src/a.py\n"
        "Final message: It was the order of a set."
    )
    assert (made.answer, made.reward) == ("It was the order of a set.", None)


def test_only_the_turn_of_the_prompt_counts(tmp_path: Path) -> None:
    meta = prompt("Caveat: not the person's", isMeta=True)
    made = attempt(tmp_path, meta, prompt("<local-command-stdout>x</local-command-stdout>"), *EDIT, said("Done."))
    assert made.action.startswith("1. Edit: src/a.py\n")


def test_the_last_message_may_not_be_in_the_file_yet(tmp_path: Path) -> None:
    assert attempt(tmp_path, *EDIT, last_message="All green.").answer == "All green."
    assert attempt(tmp_path, last_message="It is 42.").action == "Answered without tools.\nFinal message: It is 42."


def test_a_long_turn_is_bounded(tmp_path: Path) -> None:
    steps = [line for n in range(200) for line in (call(str(n), "Bash", command=f"{n} " + "x" * 5_000), result(str(n)))]
    made = attempt(tmp_path, *steps, said("y" * 100_000))
    assert "… 170 steps left out …" in made.action
    assert made.action.count("\n") < 60
    assert len(made.action) < 10_000
    assert len(made.answer) < 9_000
    repeated = [line for n in range(50) for line in (call(str(n), "Bash", command="make"), result(str(n)))]
    assert "1. Bash: make (50 times)" in attempt(tmp_path, *repeated).action


def test_a_huge_transcript_is_read_from_its_end(tmp_path: Path) -> None:
    noise = [result(f"n{n}", "z" * 1_000_000) for n in range(40)]
    made = attempt(tmp_path, *EDIT, *noise, call("l", "Bash", command="make last"), result("l"), said("Done."))
    assert made.action.startswith("(the beginning of the turn is not known)\n1. Bash: make last")


def test_secrets_are_taken_out_before_texts_are_cut(tmp_path: Path) -> None:
    secret = "sk-proj-" + "a1B2c3D4" * 30
    made = attempt(tmp_path, call("1", "Bash", command=f"export KEY={secret}"), result("1"), said(f"used {secret}"))
    assert "sk-proj" not in made.action + made.answer


RUN = call("t", "Bash", command="make test")
PASSED, FAILED = result("t", "ok"), result("t", "Exit code 2\nFAILED", is_error=True)


@pytest.mark.parametrize(
    ("lines", "reward"),
    [
        ((*EDIT, RUN, PASSED), 1.0),
        ((*EDIT, RUN, FAILED), 0.0),
        ((*EDIT, RUN, FAILED, call("u", "Bash", command="make test"), result("u")), 1.0),
        ((*EDIT, call("t", "Bash", command="make test -j 2"), PASSED), 1.0),
        ((RUN, FAILED), None),  # nothing was changed: "run the tests" was done well
        ((RUN, PASSED, *EDIT), None),  # changed after the run
        ((*EDIT, RUN), None),
        ((*EDIT, RUN, result("t", "[Request interrupted by user for tool use]", is_error=True)), None),
        ((*EDIT, RUN, result("t", "Command timed out after 2m", is_error=True)), None),
        ((*EDIT, RUN, result("t", "", interrupted=True)), None),
        ((*EDIT, RUN, result("t", "Exit code 125\nFAILED", is_error=True)), 0.0),
        ((*EDIT, RUN, result("t", "Exit code 126\nmake: Permission denied", is_error=True)), None),
        ((*EDIT, RUN, result("t", "Exit code 127\nmake: command not found", is_error=True)), None),
        ((*EDIT, RUN, result("t", "Exit code 137\nKilled", is_error=True)), None),
        ((*EDIT, RUN, result("t", "running", backgroundTaskId="b1")), None),
        ((*EDIT, call("t", "Bash", command="make test", run_in_background=True), PASSED), None),
        ((*EDIT, call("t", "Bash", command="make test | tail -3"), PASSED), None),
        ((*EDIT, call("t", "Bash", command="make test || true"), PASSED), None),
        ((*EDIT, call("t", "Bash", command="make test; echo done"), PASSED), None),
        ((*EDIT, call("t", "Bash", command="make test\necho done"), PASSED), None),
        ((*EDIT, call("t", "Bash", command="make testing"), PASSED), None),
        ((*EDIT, call("t", "Bash", command="echo make test"), PASSED), None),
        (EDIT, None),
    ],
)
def test_the_outcome_is_known_where_the_test_command_tells_it(
    tmp_path: Path, lines: tuple[Line, ...], reward: float | None
) -> None:
    assert attempt(tmp_path, *lines, said("Done."), test_command="make  test").reward == reward
    assert attempt(tmp_path, *lines, said("Done.")).reward is None


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "missing", "."):
        with pytest.raises(OSError, match=r"."):
            read_turn(tmp_path / name, "x")


@pytest.mark.parametrize("content", [b"", b"not JSON", b"[]", b"{}", b'{"session_id": 5}', b"[" * 100_000, b"\xff"])
def test_input_that_is_not_a_hooks_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidHookInput):
        HookInput.parse(content)


@pytest.mark.parametrize(
    ("text", "is_task", "rating"),
    [
        (TASK, True, None),
        ("yes, go on", False, None),
        ("ok", False, None),
        ("修复解析器的失败测试", True, None),
        ("好的,继续", False, None),
        ("/compact and keep the tests", False, None),
        ("<task-notification>an agent is done</task-notification>", False, None),
        ("/memento:worked", False, Rating(1.0, "")),
        ("/memento:failed  it broke the build\nagain ", False, Rating(0.0, "it broke the build\nagain")),
        ("/memento:workedx", False, None),
        ("please say /memento:worked", True, None),
    ],
)
def test_tasks_and_verdicts_are_told_from_other_prompts(text: str, is_task: bool, rating: Rating | None) -> None:
    given = HookInput("s", "", text, "", "", "", "")
    assert (given.is_task, given.rating) == (is_task, rating)


def test_turns_are_kept_privately_and_bounded(tmp_path: Path) -> None:
    turns = TurnFile(tmp_path / "hooks", "a/session/../id")
    for number in range(MAX_TURNS + 5):
        turns.keep(HookTurn(key=str(number), event_id="e", namespace="n", prompt_hash="h"))
    assert [turn.key for turn in turns.read()] == [str(number) for number in range(5, MAX_TURNS + 5)]
    turns.captured(turns.read()[0])
    assert turns.find("5", "n") == HookTurn(key="5", event_id="e", namespace="n", prompt_hash="h", is_captured=True)
    assert turns.find("5", "another") is None
    assert turns.find("", "another") is None
    (file,) = (tmp_path / "hooks").iterdir()
    assert file.stat().st_mode & 0o077 == 0
    assert (tmp_path / "hooks").stat().st_mode & 0o077 == 0
    for damaged in ("", "{", "[5, {}]", '[{"key": 1, "event_id": 2, "namespace": 3, "prompt_hash": 4}]', "[" * 9_999):
        file.write_text(damaged)
        assert turns.read() == []


def test_old_sessions_are_removed(tmp_path: Path) -> None:
    turn = HookTurn(key="k", event_id="e", namespace="n", prompt_hash="h")
    for name in ("old", "new"):
        TurnFile(tmp_path, name).keep(turn)
    old = min(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    os.utime(old, (0, 0))
    (tmp_path / "x.1.unfinished").touch()
    os.utime(tmp_path / "x.1.unfinished", (0, 0))
    TurnFile(tmp_path, "newest").keep(turn)
    assert len(list(tmp_path.iterdir())) == 2
    assert TurnFile(tmp_path, "new").read() == [turn]
