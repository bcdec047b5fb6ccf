"""Makes the frozen bank of a release: a ledger of years in small, its threads and weights, and what its views answer.

Run once, by the code of commit cd8a8e0 (0.1.0), from the root of a checkout of that commit:

    python -m tests.releases.make_bank 0.1.0-cd8a8e0

which wrote `0.1.0-cd8a8e0-bank.tar.xz` (the home), `0.1.0-cd8a8e0-bank.golden.json.xz` (what that code's views said of
it) and `schema-1-postgres.sql` (the tables as that code made them in Postgres). It is kept to show how they were made,
uses that release's API, and need not run with a later one. A later release freezes a bank of its own with a copy.

The texts are made up here. Ids of events and times are new in every run; choices, rewards and vectors are not.
"""

import asyncio
import json
import lzma
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from memento.graph.deps import Deps
from memento.graph.threads import open_checkpointer
from memento.graph.workflow import build_graph
from memento.memory import tables
from memento.memory.case import text_hash
from memento.memory.case_memory import CaseMemory
from memento.memory.interchange import read_cases
from memento.memory.learning.versions import PolicyVersion
from memento.memory.lifecycle.forgetting import ForgettingRules
from memento.memory.recorded_events import grouped
from memento.nodes.context import Context
from tests import frozen_views
from tests.hashing_encoder import HashingEncoder
from tests.node_parts import always, answer, plan, scripted
from tests.releases.bank_runs import live
from tests.releases.bank_texts import N_IMPORTED, imported_rows, log_rows, task_text, untrusted_rows

OTHER = "kunden/β"
RELEASES = Path(__file__).parent


def opened(home: Path, **changes: Any) -> CaseMemory:
    given = {"encoder": HashingEncoder(dim=16), "policy": "advantage", "seed": 0, **changes}
    return CaseMemory.open(home, **given)


async def import_rows(memory: CaseMemory, rows: Iterable[dict[str, Any]], namespace: str, **options: Any) -> int:
    """As `memento cases import` does it; the number of new cases."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
        file.flush()
        found = list(grouped(read_cases(Path(file.name), namespace=namespace)))
    alone = [line for group in found if group.selection is None for line in group.lines]
    assert all(line.case for line in alone), [line.problem for line in alone if line.case is None]
    n_new = 0
    for start in range(0, len(alone), 64):
        n_new += await memory.keep([line.case for line in alone[start : start + 64] if line.case], **options)
    kept = await memory.keep_recorded([group.selection for group in found if group.selection], **options)
    return n_new + kept.cases


async def decide(memory: CaseMemory, namespace: str, estimator: str, verdict: str, settings: dict[str, float]) -> None:
    serving = await memory.versions.serving_number(namespace, estimator)
    fields = {"namespace": namespace, "estimator": estimator, "verdict": verdict, "settings": settings}
    reported = {"reason": f"{verdict} (made up)", "report": {"gain": [0.02, -0.01, 0.05]}, "seed": 3}
    version = PolicyVersion.model_validate({**fields, **reported, "replaces": serving})
    async with memory._storage.ledger.writing() as writer:
        await memory.versions.append(writer, version)


async def change_statuses(memory: CaseMemory) -> None:
    """Every verb, one undone batch, one rollback."""
    lifecycle = memory.lifecycle
    ids = await memory.views.active_ids(namespace="default", exclude_question=None)
    await lifecycle.retire(*ids[:6], reason="the page it quotes is gone — 404 ✗")
    await lifecycle.restore(*ids[:2], reason="it is back")
    await lifecycle.quarantine(*ids[10:14], reason="doubted")
    await lifecycle.release(ids[10], reason="checked")
    await lifecycle.snapshot("before the sale ☂")
    batch = await lifecycle.retire(*ids[20:25], reason="by mistake")
    await lifecycle.undo(batch.batch_id or "")
    await lifecycle.apply(await lifecycle.plan(ForgettingRules(capacity=len(ids) - 20)))
    other = lifecycle.within(OTHER)
    ids = await memory.views.active_ids(namespace=OTHER, exclude_question=None)
    await other.retire(ids[0], reason="old")
    await other.snapshot("clean")
    await other.retire(ids[1], reason="only for now")
    await other.restore(ids[0])
    for number in (801, 802):
        await memory.write(state=task_text(number), action="guess", reward=1.0, namespace=OTHER)
    await other.rollback("clean")


async def run_threads(memory: CaseMemory, home: Path) -> None:
    """Three that have ended, one of them after two turns, and one that waits for approval."""
    async with open_checkpointer(home / "threads.sqlite") as saver:

        async def turn(thread: str, task: str, *replies: str, **settings: Any) -> None:
            deps = Deps(memory=memory, planner=scripted(*replies), executor=always("forty-two"), judge=always("{}"))
            graph = build_graph(deps, checkpointer=saver)
            asked = {"task": task, "reference": "42"}
            context = Context(**settings) if settings else None
            await graph.ainvoke(asked, {"configurable": {"thread_id": thread}}, context=context)

        await turn("ended", "How much is six times seven?", plan("multiply"), answer("42"))
        await turn("wrong", "How much is six times eight?", plan("multiply", "check"), answer("43"))
        await turn("two turns ✓", "Wie viel ist 6 mal 7 ∑?", plan("multiply"), answer("42"))
        await turn("two turns ✓", "And half of it?", answer("21"))
        await turn("waits", "How much is five times seven?", plan("multiply"), approve_plan=True)


async def make(home: Path) -> None:
    """Fill a home."""
    async with opened(home) as memory:
        assert await import_rows(memory, imported_rows(), "default") == N_IMPORTED
        await import_rows(memory, log_rows(), "default")
        await import_rows(memory, log_rows(), "default")  # the same log again adds nothing
        await import_rows(memory, list(imported_rows())[300:340], OTHER)
        await import_rows(memory, untrusted_rows(), OTHER, is_trusted=False)
        await live(memory, "default", range(60))
        await decide(memory, "default", "cross_entropy", "promoted", {"learning_rate": 3e-3})
        await live(memory, OTHER, range(200, 240))
        await decide(memory, OTHER, "kernel", "promoted", {"precision": 6.0})
        await live(memory, "default", range(60, 90))
        await decide(memory, "default", "cross_entropy", "refused", {"learning_rate": 3e-4})
        await memory.offline("parametric").rollback()
        await decide(memory, OTHER, "advantage", "promoted", {"memory": 0.99})
        await change_statuses(memory)
        await run_threads(memory, home)
        await live(memory, OTHER, range(240, 280))
        await live(memory, "default", range(90, 150))
        await memory.offline("kernel").learn(seed=0)
        await memory.write(state="Alone?", action="yes", reward=1.0, namespace="alone")
        await memory.settle()
        serving = await memory.versions.serving("default", "cross_entropy")
    lighten(home, serving.recipe)


def lighten(home: Path, recipe: str) -> None:
    """Leave out what is made again anyway: the index, and of the weights the largest file and those that serve no more.

    Weights that stay: every estimator's in the other namespace; in the default one those of `kernel` and, of
    `cross_entropy`, those that serve, which have a recipe.
    """
    for index in home.glob("index-*"):
        shutil.rmtree(index)
    default = text_hash("default")
    for weights in home.glob(f"weights-*/{default}.*"):
        if ".kernel." not in weights.name and recipe not in weights.name:
            weights.unlink()


def pack(home: Path, archive: Path) -> None:
    def anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid, member.gid, member.uname, member.gname, member.mtime = 0, 0, "root", "root", 1795824000
        return member

    with lzma.open(archive, "wb", preset=9 | lzma.PRESET_EXTREME) as out, tarfile.open(fileobj=out, mode="w") as tar:
        tar.add(home, arcname="bank", filter=anonymous)


def postgres_schema() -> str:
    """What `metadata.create_all` sends, in its order."""
    statements = []
    for table in tables.metadata.sorted_tables:
        statements.append(CreateTable(table))
        statements += [CreateIndex(index) for index in sorted(table.indexes, key=lambda one: one.name or "")]
    return "".join(f"{str(one.compile(dialect=postgresql.dialect())).strip()};\n\n" for one in statements)


def main(name: str) -> None:
    """Make the three files beside this one; a bank that is there already stays."""
    archive = RELEASES / f"{name}-bank.tar.xz"
    with tempfile.TemporaryDirectory() as folder:
        if not archive.exists():
            asyncio.run(make(Path(folder) / "bank"))
            pack(Path(folder) / "bank", archive)
        else:
            with tarfile.open(archive) as packed:
                packed.extractall(folder, filter="data")
        golden = asyncio.run(frozen_views.golden_of(Path(folder) / "bank"))
    text = json.dumps(golden, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    (RELEASES / f"{name}-bank.golden.json.xz").write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
    (RELEASES / "schema-1-postgres.sql").write_text(postgres_schema())


if __name__ == "__main__":
    main(sys.argv[1])
