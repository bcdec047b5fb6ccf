"""The files a run is given, and those it makes. Attachments by path: test_retrieve_case.py."""

import asyncio
import base64
import uuid
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver

from memento.graph.deps import Deps
from memento.graph.workflow import build_graph
from memento.nodes.attachments import copy_in, folder_name, given_files
from memento.tools.workspace import Workspace
from tests.node_parts import a_memory, answer, calling, plan
from tests.scripted import ScriptedChatModel


async def save(name: str, workspace: Workspace) -> str:
    """Save a file."""
    await asyncio.to_thread(workspace.write, name, b"made")
    return f"saved {name}"


def with_file(content: bytes, name: str = "notes.txt") -> HumanMessage:
    block = {"type": "file", "base64": base64.b64encode(content).decode(), "mime_type": "text/plain", "filename": name}
    return HumanMessage([{"type": "text", "text": "What do they say?"}, block])


@pytest.mark.parametrize("thread", ["7f0c", "A.b-c_1", "x" * 100])
def test_folder_has_the_threads_name_when_it_is_safe(thread: str) -> None:
    assert folder_name(thread) == thread


@pytest.mark.parametrize("thread", ["", "..", ".hidden", "a/b", "a\\b", "x" * 101, "a:b", "trailing.", "é", "a\nb"])
def test_folder_has_another_name_that_stays_when_the_threads_is_not_safe(thread: str) -> None:
    assert folder_name(thread) == folder_name(thread)
    assert folder_name(thread).replace("_", "").isalnum()


ONCE = uuid.uuid5(uuid.NAMESPACE_OID, "acme/7").hex


def test_no_thread_shares_the_folder_of_another_one_whatever_it_is_called(tmp_path: Path) -> None:
    own = folder_name("acme/7", tmp_path)
    threads = [ONCE, own, own.removeprefix("_"), ONCE.upper(), "acme_7", "acme-7", f"_{own}", f".leaving-{own}"]
    for root in (None, tmp_path):
        names = [folder_name(thread, root) for thread in ["acme/7", *threads]]
        assert len(set(names)) == len(names)
        assert names[0] == own
    # What a state says is believed only where the thread can have had it.
    assert folder_name("other", tmp_path, earlier=own) == "other"
    assert folder_name(ONCE, tmp_path, earlier=own) == folder_name(ONCE)


def test_a_folder_of_an_earlier_release_is_found_by_its_thread_and_by_no_other(tmp_path: Path) -> None:
    (tmp_path / "runs" / ONCE).mkdir(parents=True)
    assert folder_name("acme/7", tmp_path) == ONCE
    assert folder_name("acme/7", tmp_path, earlier=ONCE) == ONCE
    assert folder_name(ONCE, tmp_path) != ONCE
    assert folder_name(ONCE, tmp_path, earlier=ONCE) == ONCE  # its own runs say so
    assert folder_name("acme/8", tmp_path) != ONCE
    (tmp_path / "runs" / folder_name("acme/7")).mkdir()
    assert folder_name("acme/7", tmp_path) == folder_name("acme/7")


async def test_a_thread_goes_on_in_the_folder_that_its_last_run_had(tmp_path: Path) -> None:
    planner = ScriptedChatModel(lambda _: answer("42"))
    await asyncio.to_thread((tmp_path / "runs" / ONCE).mkdir, parents=True)

    async with a_memory() as memory:
        deps = Deps(memory=memory, planner=planner, executor=planner, workspace=tmp_path)
        graph = build_graph(deps, checkpointer=InMemorySaver())

        async def folder_of(thread: str) -> str:
            config: Any = {"configurable": {"thread_id": thread}}
            await graph.ainvoke({"task": "six times seven?"}, config)
            return str((await graph.aget_state(config)).values["run"]["folder"])

        assert await folder_of("acme/7") == ONCE
        await asyncio.to_thread((tmp_path / "runs" / folder_name("acme/7")).mkdir)
        assert await folder_of("acme/7") == ONCE
        assert await folder_of(ONCE) == folder_name(ONCE) != ONCE


def test_a_link_that_code_has_left_is_replaced_by_the_attachment_and_not_written_through(tmp_path: Path) -> None:
    own, outside, folder = tmp_path / "data.csv", tmp_path / "outside", tmp_path / "run"
    own.write_text("own")
    outside.write_text("untouched")
    folder.mkdir()
    (folder / "data.csv").symlink_to(outside)
    assert copy_in([own], folder) == ["data.csv"]
    assert (folder / "data.csv").read_text() == "own"
    assert not (folder / "data.csv").is_symlink()
    assert outside.read_text() == "untouched"
    assert copy_in([folder / "data.csv"], folder) == ["data.csv"]  # it lies there already


def test_folders_differ_when_there_is_no_thread() -> None:
    assert folder_name(None) != folder_name(None)


async def test_files_of_the_message_lie_in_the_runs_folder_when_there_is_one(tmp_path: Path) -> None:
    given = await asyncio.to_thread(given_files, [], with_file(b"one"), tmp_path, "run")
    assert given == (["notes.txt"], ["notes.txt"], [])
    assert await asyncio.to_thread((tmp_path / "runs" / "run" / "notes.txt").read_bytes) == b"one"


async def test_files_of_an_earlier_message_stay_when_another_brings_the_same_name(tmp_path: Path) -> None:
    for content in (b"one", b"two", b"two"):
        given = await asyncio.to_thread(given_files, [], with_file(content), tmp_path, "run")
    assert given.attachments == ["notes-2.txt"], "the same file again is the same file"
    assert given.present == ["notes-2.txt", "notes.txt"]


async def test_user_is_told_when_there_is_nowhere_to_put_a_file() -> None:
    given = await asyncio.to_thread(given_files, [], with_file(b"one"), None, "run")
    assert given == ([], [], ["1 files of the message were left out: there is no workspace"])


async def test_run_returns_what_it_made_and_not_what_it_was_given(tmp_path: Path) -> None:
    executor = ScriptedChatModel(
        lambda messages: "done" if messages[-1].type == "tool" else calling("save", name=f"made-{len(made)}.txt")
    )
    planner = ScriptedChatModel(lambda messages: answer("42") if "<result " in messages[-1].text else plan("a"))
    config: Any = {"configurable": {"thread_id": "thread-1"}}
    made: list[str] = []
    async with a_memory() as memory:
        deps = Deps(memory=memory, planner=planner, executor=executor, tools=[save], workspace=tmp_path)
        graph = build_graph(deps, checkpointer=InMemorySaver())
        first = await graph.ainvoke({"messages": [with_file(b"one")]}, config)
        made += first["artefacts"]
        second = await graph.ainvoke({"task": "and now?"}, config)
        state = (await graph.aget_state(config)).values
    assert (first["artefacts"], second["artefacts"]) == (["made-0.txt"], ["made-1.txt"])
    assert (tmp_path / "runs" / "thread-1" / "made-1.txt").exists()
    assert "\nnotes.txt\n" in planner.calls[0].text
    assert state["run"]["folder"] == "thread-1"
