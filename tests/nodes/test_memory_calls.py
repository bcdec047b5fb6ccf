"""A memory that fails in any way never ends a run: it goes on without cases, its answer comes, and the user is told."""

import asyncio
from typing import Any

import pytest
from langgraph.errors import GraphInterrupt

from memento.graph.deps import Deps
from memento.graph.workflow import build_graph
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import EncoderMismatch, EncoderUnavailable, InvalidInput, LedgerUnavailable, UnknownEvent
from memento.memory.experience import Experience
from memento.nodes.memory_calls import MemoryFailed, memory_seconds, of_memory
from tests.hashing_encoder import HashingEncoder
from tests.node_parts import a_memory, a_run, always, answer, failing

ANY = [
    RuntimeError("CUDA out of memory"),
    KeyError("vectors"),
    ValueError("cannot reshape"),
    LedgerUnavailable("disk full"),
    EncoderUnavailable("no weights"),
    UnknownEvent("e", "default"),
    ConnectionError("refused"),
    asyncio.CancelledError(),
]


class Host(HashingEncoder):
    """A host's encoder, which fails from one call on."""

    def __init__(self, error: BaseException, *, works_for: int) -> None:
        super().__init__()
        self.error: BaseException | None = error
        self.works_for = works_for

    async def encode(self, texts: list[str]) -> Any:
        if self.works_for <= 0 and self.error is not None:
            raise self.error
        self.works_for -= 1
        return await super().encode(texts)


async def raising(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("error", ANY, ids=lambda error: type(error).__name__)
async def test_failure_is_one_error_with_its_reason_whatever_it_was(error: BaseException) -> None:
    with pytest.raises(MemoryFailed) as failed:
        await of_memory(lambda: raising(error), str, seconds=60)
    assert str(failed.value)


async def test_mistakes_of_the_caller_and_control_flow_pass() -> None:
    for error in (InvalidInput("no such policy"), EncoderMismatch("a", "b"), GraphInterrupt()):
        with pytest.raises(type(error)):
            await of_memory(lambda error=error: raising(error), str)  # type: ignore[misc]


async def test_failure_is_told_without_secrets_and_in_time() -> None:
    with pytest.raises(MemoryFailed, match=r"RuntimeError: the key is \*\*\*"):
        await of_memory(lambda: raising(RuntimeError("the key is s3cret")), lambda text: text.replace("s3cret", "***"))
    with pytest.raises(MemoryFailed, match=r"did not answer within 0\.05 s"):
        await of_memory(lambda: asyncio.sleep(3600), str, seconds=0.05)
    assert memory_seconds(a_run(settings={"run_max_seconds": 1})) == 60
    assert memory_seconds(a_run()) == 300


async def test_a_cancelled_run_is_cancelled_while_it_waits_for_its_memory() -> None:
    waiting = asyncio.ensure_future(of_memory(lambda: asyncio.sleep(3600), str, seconds=3600))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


@pytest.mark.parametrize("error", [RuntimeError("CUDA out of memory"), KeyError("vectors"), OSError("gone")])
@pytest.mark.parametrize("works_for", [0, 1, 2])
async def test_run_delivers_its_answer_when_the_hosts_encoder_fails(error: Exception, works_for: int) -> None:
    encoder = Host(error, works_for=works_for)
    async with CaseMemory.open(":memory:", encoder=encoder, policy="similarity", seed=0) as memory:
        graph = build_graph(Deps(memory=memory, planner=always(answer("42"))))
        result = await graph.ainvoke({"task": f"What is 6 times 7? ({works_for})", "reference": "42"})  # type: ignore[arg-type]
        counts = await memory.views.counts(namespace="default")
        encoder.error = None
    assert result["answer"] == "42"
    told = [text for text in result["notices"] if text.startswith(("running without cases", "not remembered"))]
    if works_for == 0:
        assert len(told) == 2, "once for reading, once for writing"
        assert (counts.events, counts.cases) == (0, 0)


@pytest.mark.parametrize("error", ANY[:-1], ids=lambda error: type(error).__name__)
async def test_run_delivers_its_answer_when_there_is_no_memory_at_all(error: Exception) -> None:
    graph = build_graph(Deps(memory=failing(error), planner=always(answer("42"))))
    result = await graph.ainvoke({"task": "What is 6 times 7?", "reference": "42"})  # type: ignore[arg-type]
    assert (result["answer"], result["reward"], result["case_id"]) == ("42", 1.0, None)
    assert any(text.startswith("running without cases: ") for text in result["notices"])
    assert any(text.startswith("not remembered: ") for text in result["notices"])


async def test_run_delivers_its_answer_when_a_source_raises_before_it_is_awaited() -> None:
    def source() -> Any:
        raise RuntimeError("no pool")

    graph = build_graph(Deps(memory=source, planner=always(answer("42"))))
    result = await graph.ainvoke({"task": "t"})  # type: ignore[arg-type]
    assert "running without cases: RuntimeError: no pool" in result["notices"]


async def test_nothing_is_learned_when_the_outcome_could_not_be_written() -> None:
    async with a_memory() as memory:
        await memory.write(state="What is 6 times 8?", action="multiply", reward=1.0)

        class Full:
            """Reads, and cannot write."""

            namespace, notices, recall, select = "default", (), memory.recall, memory.select

            async def write(self, experience: Experience, /) -> None:
                raise LedgerUnavailable("disk full")

        async def source() -> Any:
            return Full()

        graph = build_graph(Deps(memory=source, planner=always(answer("wrong"))))
        result = await graph.ainvoke({"task": "What is 6 times 7?", "reference": "42"}, context={"evaluator": "exact"})  # type: ignore[arg-type]
        outcome = await memory.views.outcome(result["event_id"], namespace="default")
    assert (result["answer"], result["reward"], outcome) == ("wrong", 0.0, None)
    assert "not remembered: disk full" in result["notices"]
