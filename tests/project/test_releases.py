"""What earlier releases wrote opens: a frozen home of each, with its ledger, weights and threads, and an evaluation.

A home is made by a release's own code: a bank by `HashingEncoder(dim=16)` (ten tasks with outcomes, a case whose task
key that release folded otherwise, a reading without an outcome), a thread that has ended, one that waits for approval,
and a run of four tasks. Its index is left out, for that is made again from the ledger.
"""

import asyncio
import tarfile
from pathlib import Path

import pytest
from langgraph.types import Command

from memento.evals.runs.journal import Journal
from memento.graph.deps import Deps
from memento.graph.threads import Threads, open_checkpointer
from memento.graph.workflow import build_graph
from memento.memory.case_memory import CaseMemory
from tests.commands import assistant, invoke, serving
from tests.hashing_encoder import HashingEncoder
from tests.node_parts import always, answer, scripted

RELEASES = sorted(
    path
    for path in (Path(__file__).parent.parent / "releases").glob("*.tar.xz")
    if not path.name.endswith(("-bank.tar.xz", "-run.tar.xz"))
)


@pytest.fixture(params=RELEASES, ids=lambda path: path.name.removesuffix(".tar.xz"))
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    with tarfile.open(request.param) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


def opened(home: Path) -> CaseMemory:
    return CaseMemory.open(home, encoder=HashingEncoder(dim=16), policy="advantage", seed=0)


def test_there_is_a_home_of_a_release() -> None:
    assert RELEASES


async def test_a_bank_is_read_learns_on_and_leaves_a_tasks_own_cases_out(written: Path) -> None:
    async with opened(written / "home") as memory:
        counts = await memory.views.counts(namespace="default")
        assert (counts.cases, counts.positive, counts.negative) == (12, 8, 4)
        reading = await memory.read("How much is 12 times seven?", k=4)
        assert reading.cases
        assert not reading.is_degraded
        await memory.feedback(reading.event_id, reward=1.0)
        await memory.settle()
        own = await memory.read("How much is 2⁸?", k=12)
        assert own.cases
        assert all(scored.case.state != "How much is 2⁸?" for scored in own.cases)
        (kept,) = [
            scored
            for scored in (await memory.read("How much is 28?", k=12, policy="similarity")).cases
            if scored.case.state == "How much is 2⁸?"
        ]
        assert kept.case.answer == "256"


async def test_the_same_is_believed_with_the_old_weights_and_without(written: Path) -> None:
    (weights,) = await asyncio.to_thread(lambda: list((written / "home").glob("weights-*/*.safetensors")))
    async with opened(written / "home") as memory:
        before = await memory.read("How much is 3 times eight?", k=3)
    await asyncio.to_thread(weights.unlink)
    async with opened(written / "home") as memory:
        from_the_ledger = await memory.read("How much is 3 times eight?", k=3)
    assert [one.case.id for one in before.cases] == [one.case.id for one in from_the_ledger.cases]


async def test_threads_are_listed_and_go_on(written: Path) -> None:
    home = written / "home"
    async with opened(home) as memory, open_checkpointer(home / "threads.sqlite") as saver:
        planner = scripted(answer("35"), answer("43"))
        graph = build_graph(Deps(memory=memory, planner=planner, executor=always("35")), checkpointer=saver)
        threads = Threads(graph, saver, home / "workspace")
        assert sorted(await threads.names()) == ["ended", "waits"]
        assert (await threads.read("waits")).waits_for
        done = await graph.ainvoke(Command(resume="approve"), {"configurable": {"thread_id": "waits"}})
        assert done["answer"] == "35"
        again = await graph.ainvoke({"task": "And one more?"}, {"configurable": {"thread_id": "ended"}})
        assert again["answer"] == "43"


def test_a_journal_is_read(written: Path) -> None:
    journal = Journal(written / "run" / "streams" / "none-0" / "journal.jsonl")
    journal.read()
    assert len(journal.results) == 4


@pytest.mark.allow_blocking("a command has its event loop to itself")
def test_an_evaluation_is_complete_and_asks_nothing_again(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("--dataset", str(written / "tasks.jsonl"), "--arm", "none", "--out", str(written / "run"))
    with serving(assistant()) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        done = invoke("eval", "run", *words, "--scorer", "exact")
        assert (done.code, server.requests) == (0, [])
    assert "4 done already" in done.err
