"""The first node: input becomes a run, whatever the thread held before, and candidates are recalled."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from memento.memory.errors import EncoderMismatch, EncoderUnavailable, LedgerUnavailable
from memento.nodes.context import Context
from memento.nodes.errors import InvalidAttachment, InvalidTask
from memento.nodes.retrieve_case import MAX_TASK_CHARS, make_retrieve_case
from memento.tools.workspace import Workspace
from tests.hashing_encoder import HashingEncoder
from tests.node_parts import a_memory, begun, failing, given, runtime_of


class DeadEncoder(HashingEncoder):
    """An encoder whose endpoint is down."""

    async def encode(self, texts: Any) -> Any:
        raise EncoderUnavailable("the endpoint is down")


async def retrieved(state: dict[str, Any], *, context: Any = None, workspace: Any = None, **memory: Any) -> Any:
    async with a_memory(**memory) as opened:
        node = make_retrieve_case(given(opened), workspace=workspace)
        return await node(state, runtime=runtime_of(context))  # type: ignore[arg-type]


async def refused(state: dict[str, Any], *, workspace: Any = None) -> None:
    """Runs the node on input that it refuses before it asks for the memory."""
    node = make_retrieve_case(failing(AssertionError("not to be opened")), workspace=workspace)
    await node(state, runtime=runtime_of())  # type: ignore[arg-type]


async def test_run_holds_input_and_settings_when_given() -> None:
    update = await retrieved(
        {"task": "Who?", "reference": ["Ada", " "], "namespace": "team"}, context=Context(k=2, max_cycles=5)
    )
    run = update["run"]
    assert (run["task"], run["references"], run["namespace"]) == ("Who?", ["Ada"], "team")
    assert (run["settings"]["k"], run["settings"]["max_cycles"]) == (2, 5)


async def test_namespace_is_the_memorys_when_none_given() -> None:
    update = await retrieved({"task": "Who?"}, namespace="house")
    assert update["run"]["namespace"] == "house"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("42", ["42"]),
        (["42", "forty-two"], ["42", "forty-two"]),
        (None, []),
        ("  ", []),
        (42, ["42"]),
        ([4, 2.5], ["4", "2.5"]),
    ],
)
async def test_references_are_texts_when_given_in_any_form(reference: Any, expected: list[str]) -> None:
    update = await retrieved({"task": "Who?", "reference": reference})
    assert update["run"]["references"] == expected


async def test_everything_of_the_last_run_is_reset_when_thread_is_used_again() -> None:
    old = begun(
        answer="stale",
        reward=0.0,
        plan=[{"id": "1", "description": "stale", "depends_on": []}],
        cycle=3,
        error="stale",
        case_id="stale",
        lesson="stale",
        rejection="stale",
        notices=["stale"],
        cases=[{"id": "stale"}],
        artefacts=["stale"],
        retrieval_degraded=True,
    )
    update = await retrieved({**old, "task": "new"})
    untouched = {key for key in old if key not in update and key not in ("messages", "task")}
    assert not untouched
    assert "stale" not in str({key: value for key, value in update.items() if key != "messages"})
    assert update["results"] is None, "None starts the reducer afresh"
    assert update["usage"] is None


async def test_messages_gain_the_task_when_it_came_as_task() -> None:
    update = await retrieved({"task": "Who?", "messages": [HumanMessage("before"), AIMessage("done")]})
    assert [message.text for message in update["messages"]] == ["Who?"]


async def test_messages_stay_as_they_are_when_the_task_is_the_last_of_them() -> None:
    update = await retrieved({"messages": [HumanMessage("first"), AIMessage("done"), HumanMessage("Who?")]})
    assert update["run"]["task"] == "Who?"
    assert "messages" not in update


async def test_task_is_the_text_when_content_is_a_list_of_parts() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    message = HumanMessage(content=[{"type": "text", "text": "What is "}, {"type": "text", "text": "this?"}, picture])
    update = await retrieved({"messages": [message]})
    assert update["run"]["task"] == "What is this?"


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"task": ""},
        {"task": " \n"},
        {"messages": []},
        {"messages": [HumanMessage("asked"), AIMessage("answered")]},
        {"messages": [HumanMessage("")]},
        {"task": 42},
        {"task": "x" * (MAX_TASK_CHARS + 1)},
    ],
    ids=["nothing", "empty", "blank", "no-messages", "answered", "empty-message", "not-text", "huge"],
)
async def test_invalid_task_when_there_is_none_or_too_much_of_it(state: dict[str, Any]) -> None:
    with pytest.raises(InvalidTask):
        await refused(state)


async def test_task_is_kept_whole_when_it_is_as_long_as_allowed() -> None:
    update = await retrieved({"task": "x" * MAX_TASK_CHARS})
    assert len(update["run"]["task"]) == MAX_TASK_CHARS


@pytest.mark.parametrize(
    "context", [None, {"k": 2}, {"k": 2, "host": "own"}, object()], ids=["none", "dict", "more", "foreign"]
)
async def test_settings_are_complete_when_context_is_not_ours(context: Any) -> None:
    update = await retrieved({"task": "Who?"}, context=context)
    expected = Context(k=2) if isinstance(context, dict) else Context()
    assert update["run"]["settings"] == expected.settings()


async def test_candidates_are_recalled_from_own_namespace_when_others_have_cases() -> None:
    async with a_memory() as memory:
        mine = await memory.write(state="capital of France", action="look", reward=1.0, namespace="mine")
        await memory.write(state="capital of Spain", action="look", reward=1.0, namespace="other")
        node = make_retrieve_case(given(memory))
        update = await node({"task": "capital of Italy", "namespace": "mine"}, runtime=runtime_of())
    assert [candidate[0] for candidate in update["recall"]["candidates"]] == [mine]
    assert update["retrieval_degraded"] is False


async def test_run_goes_on_without_cases_when_the_encoder_is_down() -> None:
    update = await retrieved({"task": "Who?"}, encoder=DeadEncoder())
    assert update["recall"] == {}
    assert update["retrieval_degraded"] is True
    assert "the endpoint is down" in update["notices"][0]


@pytest.mark.parametrize("error", [LedgerUnavailable("disk full"), EncoderUnavailable("no weights")])
async def test_run_goes_on_without_cases_when_the_memory_cannot_be_opened(error: Exception) -> None:
    update = await make_retrieve_case(failing(error))({"task": "Who?"}, runtime=runtime_of())
    assert update["retrieval_degraded"] is True
    assert str(error) in update["notices"][0]


async def test_run_ends_when_the_bank_has_another_encoders_vectors() -> None:
    with pytest.raises(EncoderMismatch):
        await make_retrieve_case(failing(EncoderMismatch("a", "b")))({"task": "Who?"}, runtime=runtime_of())


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "notes.txt").write_text("inside")
    (tmp_path / "secret.txt").write_text("outside")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "good-link.txt").symlink_to(folder / "sub" / "notes.txt")
    return folder


async def test_attachments_are_brought_into_the_runs_folder_when_they_lie_in_the_workspace(workspace: Path) -> None:
    await asyncio.to_thread((workspace / "other.txt").write_text, "other")
    given_names = ["sub/notes.txt", "good-link.txt", str(workspace / "sub" / "notes.txt"), "other.txt"]
    update = await retrieved({"task": "Read it", "attachments": given_names}, workspace=lambda: workspace)
    run = update["run"]
    assert run["attachments"] == ["notes.txt", "other.txt"]
    assert await asyncio.to_thread((workspace / "runs" / run["folder"] / "notes.txt").read_text) == "inside"
    assert run["inputs"] == ["notes.txt", "other.txt"]


@pytest.mark.parametrize("name", ["a\\b.txt", "C:x.txt", " spaced.txt ", "a\nb.txt", ".hidden"])
async def test_an_attachment_can_be_opened_by_tools_whatever_its_name(workspace: Path, name: str) -> None:
    await asyncio.to_thread((workspace / name).write_text, "odd")
    update = await retrieved({"task": "Read it", "attachments": [name]}, workspace=workspace)
    (given,) = update["run"]["attachments"]
    own = Workspace(workspace / "runs" / update["run"]["folder"])
    assert await asyncio.to_thread(own.read, given, max_bytes=10) == b"odd"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../secret.txt", "outside"),
        ("sub/../../secret.txt", "outside"),
        ("/etc/passwd", "outside"),
        ("link.txt", "outside"),
        ("missing.txt", "not a file"),
        ("sub", "not a file"),
        ("", "not a file"),
        ("nul\0.txt", "not a file"),
        ("x" * 5000, "not a file"),
        (42, "not a file"),
    ],
)
async def test_invalid_attachment_when_file_cannot_be_given(workspace: Path, name: Any, reason: str) -> None:
    with pytest.raises(InvalidAttachment, match=reason):
        await refused({"task": "Read it", "attachments": [name]}, workspace=workspace)


async def test_invalid_attachment_when_it_is_another_runs(workspace: Path) -> None:
    other = workspace / "runs" / "other"
    await asyncio.to_thread(other.mkdir, parents=True)
    await asyncio.to_thread((other / "made.txt").write_text, "of another")
    for name in ("runs/other/made.txt", "sub/../runs/other/made.txt", str(other / "made.txt")):
        with pytest.raises(InvalidAttachment, match="not a file in the workspace"):
            await refused({"task": "Read it", "attachments": [name]}, workspace=workspace)


async def test_invalid_attachment_when_file_cannot_be_read(workspace: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    (workspace / "sub" / "notes.txt").chmod(0)
    with pytest.raises(InvalidAttachment, match="cannot be read"):
        await refused({"task": "Read it", "attachments": ["sub/notes.txt"]}, workspace=workspace)


async def test_invalid_attachment_when_there_is_no_workspace() -> None:
    with pytest.raises(InvalidAttachment, match="workspace"):
        await refused({"task": "Read it", "attachments": ["notes.txt"]})


async def test_invalid_attachment_when_a_bare_text_is_given_for_the_list(workspace: Path) -> None:
    with pytest.raises(InvalidAttachment, match="list"):
        await refused({"task": "Read it", "attachments": "sub/notes.txt"}, workspace=workspace)


async def test_task_is_sendable_when_it_holds_half_a_character() -> None:
    update = await retrieved({"task": "Who wrote \udcff?"})
    assert update["run"]["task"] == "Who wrote ??"
