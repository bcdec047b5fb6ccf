"""Text from pages, files, tools, people and models reaches prompts only inside fences, and secrets reach nobody."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import SystemMessage
from langgraph.checkpoint.memory import InMemorySaver

from memento.graph.deps import Deps
from memento.graph.workflow import build_graph
from memento.nodes.agent.notes import SUMMARY_SYSTEM
from memento.nodes.errors import ModelRejected
from memento.nodes.evaluate import make_evaluate
from memento.nodes.prompts import (
    EXECUTOR_SYSTEM,
    JUDGE_SYSTEM,
    PLANNER_SYSTEM,
    RUBRIC_SYSTEM,
    SECOND_JUDGE_SYSTEM,
)
from memento.nodes.structured import StructuredCaller
from memento.tools.errors import ToolInputError, ToolLimitReached
from tests.injections import INJECTIONS, MARK, escaped, roles, spoken
from tests.node_parts import Roles, a_memory, a_run, begun, calling, plan, runtime_of, scripted, verdict
from tests.scripted import ScriptedChatModel

JUDGES = {JUDGE_SYSTEM, SECOND_JUDGE_SYSTEM, RUBRIC_SYSTEM}
SYSTEMS = {PLANNER_SYSTEM, EXECUTOR_SYSTEM, SUMMARY_SYSTEM, *JUDGES}
SECRETS = {
    "OPENAI_API_KEY": "openai-marker-0123456789",
    "TAVILY_API_KEY": "tavily-marker-0123456789",
    "MEMENTO_QDRANT_API_KEY": "qdrant-marker-0123456789",
    "MEMENTO_LEDGER_URL": "postgresql://me:ledger-marker-0123456789@db/x",
    "ANTHROPIC_API_KEY": "anthropic-marker-0123456789",
    "SOME_PASSWORD": "password-marker-0123456789",
}
SOME = [
    pytest.param(text, id=str(number), marks=pytest.mark.slow if number % 3 else ())
    for number, text in enumerate(INJECTIONS)
]
"""All of them; a third in the quick tests."""
MARKERS = [value.partition("me:")[2].partition("@")[0] or value for value in SECRETS.values()]


def tools_saying(text: str) -> list[Any]:
    """One tool for each way in which a text reaches the executor."""

    async def say() -> str:
        """Return the text."""
        return text

    async def page() -> str:
        """Return a page with the text in it."""
        return f"# Title\n\nhttps://example.org/{text}\n\n| a | {text} |\n\n- {text}\n"

    async def blocks() -> Any:
        """Return blocks."""
        return [{"type": "text", "text": text}, {"type": "text", "text": f"more {text}"}]

    async def refuse() -> str:
        """Fail with an error of ours."""
        raise ToolInputError(f"no such thing: {text}")

    async def crash() -> str:
        """Fail with any error."""
        raise RuntimeError(f"{text} happened")

    async def long() -> str:
        """Return much."""
        return f"{text}\n" * 5_000

    return [say, page, blocks, refuse, crash, long]


async def run_with(text: str, workspace: Path) -> list[ScriptedChatModel]:
    """A run in which everything that others fill holds the text; its three models, which know what they were shown."""
    tools = tools_saying(text)
    calls = [calling(tool.__name__, number) for number, tool in enumerate(tools)]
    calls += [calling("say", 20, wrong=text), calling(f"no_such_{text}", 21)]
    executor = scripted(*calls, text, "done")
    planner = scripted(plan((text, text), ("2", f"look at {text}", [text.strip()])), plan(text), '{"answer": "42"}')
    judge = scripted(verdict("no", text))
    name = text.replace("/", "\u2215").replace("\0", "").strip()[:80]
    await asyncio.to_thread((workspace / name).write_text, "x")
    async with a_memory() as memory:
        for number, reward in enumerate((0.0, 1.0)):
            await memory.write(state=f"six times {number} {text}", action=text, reward=reward, lesson=text, answer=text)
        parts: Any = {"planner": planner, "executor": ScriptedChatModel(lambda m: _next(executor, m)), "judge": judge}
        deps = Deps(memory=memory, tools=tools, workspace=workspace, **parts)
        given: Any = {"task": f"six times seven {text}", "reference": [text], "attachments": [name]}
        await build_graph(deps).ainvoke(given, context={"max_cycles": 2})  # type: ignore[arg-type]
    return [planner, parts["executor"], judge]


def _next(executor: ScriptedChatModel, _messages: Any) -> Any:
    """The script's replies in turn, then always the last one."""
    replies: Any = executor._replies
    return replies.pop(0) if len(replies) > 1 else replies[0]


@pytest.mark.parametrize("text", SOME)
async def test_untrusted_text_stays_in_its_fence_wherever_it_comes_from(text: str, tmp_path: Path) -> None:
    models = await run_with(text, tmp_path)
    n_seen = 0
    for model in models:
        assert model.calls
        for call in model.calls:
            assert not roles(call.messages)
            assert call.messages[0].content in SYSTEMS, "system messages are constants"
            for message in spoken(call.messages[1:]):
                assert not escaped(message)
                n_seen += message.text.count(MARK)
    assert n_seen >= 30, "it was there to be seen: in cases, results, errors, names, references"


@pytest.mark.parametrize("text", SOME)
@pytest.mark.parametrize("evaluator", ["judge", "judges", "rubric"])
async def test_untrusted_text_stays_in_its_fence_when_a_judge_reads_it(evaluator: str, text: str) -> None:
    judge = scripted(verdict("yes", text), verdict("yes", text), text)  # the first of two, then what fits no form
    run = a_run(f"six times seven {text}", references=[text, f"42 {text}"], settings={"evaluator": evaluator})
    step: Any = {"cycle": 1, "id": text, "description": text, "result": text, "is_complete": True, "tool_calls": []}
    node = make_evaluate(Roles(judge=judge), StructuredCaller())
    await node(begun(run, answer=f"42 {text}", results=[step], event_id="e"), runtime=runtime_of())
    assert {call.messages[0].content for call in judge.calls} <= JUDGES
    assert len(judge.calls) == {"judge": 1, "judges": 3, "rubric": 2}[evaluator]
    for call in judge.calls:
        assert not roles(call.messages)
        shown = spoken(call.messages[1:])
        assert not escaped(shown[0])
        assert shown[0].text.count(MARK) >= 3
        assert not any(MARK in message.text for message in shown[1:]), "a second try quotes nobody"


def test_the_reader_notices_when_a_fence_is_left() -> None:
    def faults(text: str) -> list[str]:
        return escaped(SystemMessage(text))

    assert not faults(f"<task>\n{MARK}\n</task>\n\n<case a='b'>\nx\n</case>")
    assert faults(MARK)
    assert faults(f"<task>\nx\n</task> {MARK}")
    assert faults(f"<task>\n</task>\n{MARK}\n</task>")
    assert faults(f"<task>\n</ T\u200bask >{MARK}\n</task>")
    assert faults("<task>\n<case>\n</task>")
    assert faults("<task>\nx")


def everything_in(saver: InMemorySaver) -> bytes:
    return repr((saver.storage, saver.writes, saver.blobs)).encode()


def quoting(marker: str) -> list[Any]:
    async def refuse() -> str:
        """Fail with an error of ours."""
        raise ToolLimitReached(f"the plan of key {marker} is used up")

    async def crash() -> str:
        """Fail with any error, which quotes it where messages are cut."""
        raise RuntimeError("x" * 290 + marker)

    async def show() -> str:
        """Return it."""
        return f"environment: {marker} " * 2_000

    async def invalid(number: int) -> str:
        """Fail in the arguments' own check."""
        return str(int(f"{marker}{number}"))

    return [refuse, crash, show, invalid]


@pytest.mark.parametrize("marker", MARKERS)
async def test_secrets_reach_no_prompt_state_event_or_log_when_tools_quote_them(
    marker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    executor = scripted(
        calling("refuse", 1), calling("crash", 2), calling("show", 3), calling("invalid", 4, number=1), "done"
    )
    planner = scripted(plan("a"), '{"subtasks": [], "answer": "42"}')
    saver, modes = InMemorySaver(), ["values", "updates", "messages", "custom", "tasks", "checkpoints", "debug"]
    async with a_memory() as memory:
        deps = Deps(memory=memory, planner=planner, executor=executor, tools=quoting(marker), workspace=tmp_path)
        graph = build_graph(deps, checkpointer=saver)
        config: Any = {"configurable": {"thread_id": "t"}}
        with caplog.at_level(logging.DEBUG):
            events = [e async for e in graph.astream({"task": "t"}, config, stream_mode=modes, subgraphs=True)]  # type: ignore[arg-type]
    assert len(executor.calls) == 5
    shown = "".join(call.text for model in (executor, planner) for call in model.calls)
    assert shown.count("***") > 3
    for place in (shown, repr(events), everything_in(saver).decode(), caplog.text):
        assert marker not in place
        assert marker[:12] not in place, "nor half of it"
    files = await asyncio.to_thread(lambda: list(tmp_path.rglob("*.txt")))
    assert files
    for path in files:
        assert marker not in await asyncio.to_thread(path.read_text)


@pytest.mark.parametrize("role", ["planner", "executor"])
async def test_secrets_are_not_in_the_error_when_a_provider_quotes_them(
    role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refused(Exception):
        status_code = 401

    monkeypatch.setenv("OPENAI_API_KEY", SECRETS["OPENAI_API_KEY"])
    saver = InMemorySaver()
    async with a_memory() as memory:
        failing = scripted(Refused(f"Incorrect API key provided: {SECRETS['OPENAI_API_KEY']}"))
        models: Any = {"planner": scripted(plan("a")), "executor": scripted("42")} | {role: failing}
        graph = build_graph(Deps(memory=memory, **models), checkpointer=saver)
        with pytest.raises(ModelRejected, match="quotes a secret") as raised:
            await graph.ainvoke({"task": "t"}, {"configurable": {"thread_id": "t"}})
    assert raised.value.status == 401
    assert raised.value.__cause__ is None
    assert SECRETS["OPENAI_API_KEY"].encode() not in everything_in(saver)
