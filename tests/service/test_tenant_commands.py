"""The commands and the files they read: in one namespace, whatever ids and rows of another one they are given."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from memento.memory.case import case_id
from memento.memory.case_memory import CaseMemory
from tests.commands import Finished, invoke
from tests.tenant_world import SECRET, TABLES

STATE, ACTION = "What does the marvin account owe?", "look into the ledger"


class Ids(NamedTuple):
    event: str
    case: str
    snapshot: str
    batch: str
    folder: Path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Ids:
    """Bob has everything that can be had; alice has a case of her own."""
    folder = tmp_path_factory.mktemp("home")

    async def made() -> Ids:
        async with CaseMemory.open(folder, policy="similarity", namespace="bob", seed=0) as memory:
            reading = await memory.read(STATE)
            case = await memory.write(
                state=f"{STATE} {SECRET}", action=ACTION, reward=1.0, lesson=SECRET, event_id=reading.event_id
            )
            await memory.lifecycle.snapshot("moment")
            other = await memory.write(state="other", action=SECRET, reward=1.0)
            batch = (await memory.lifecycle.retire(str(other), reason=SECRET)).batch_id
            await memory.write(state=STATE, action=ACTION, reward=0.5, namespace="alice")
            await memory.settle()
            return Ids(reading.event_id, str(case), "moment", str(batch), folder)

    return asyncio.run(made())


def rows_of(folder: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as database:
        query = "SELECT * FROM {} WHERE namespace LIKE 'bob%' ORDER BY 1"  # his ranked documents, too
        return {table: database.execute(query.format(table)).fetchall() for table in TABLES}


def weights_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.glob("weights-*/**/*") if "bob" in file.name}


def command(*arguments: str) -> Callable[[Ids, Path], Finished]:
    """A command of alice's; `{event}` and the like stand for what is bob's."""
    return lambda ids, _: invoke(*(one.format(**ids._asdict()) for one in arguments), "--namespace", "alice")


def importing(*command: str, **row: Any) -> Callable[[Ids, Path], Finished]:
    def run(ids: Ids, folder: Path) -> Finished:
        given = {
            name: value.format(**ids._asdict()) if isinstance(value, str) else value for name, value in row.items()
        }
        given["provenance"] = {"event_id": ids.event, "evaluator": "human", "thread_id": "t"}
        file = folder / "rows.jsonl"
        file.write_text(json.dumps(given) + "\n")
        return invoke(*command, str(file), "--namespace", "alice")

    return run


FORGED: dict[str, Any] = {"state": f"{STATE} ", "action": ACTION, "reward": 0.0, "lesson": "forged", "version": 1000}
ATTEMPTS = {
    "feedback": command("feedback", "{event}", "0"),
    "feedback withdrawn": command("feedback", "{event}", "unknown"),
    "feedback with a correction": command("feedback", "{event}", "0", "--correction", "forged"),
    "show": command("cases", "show", "{case}"),
    "show by the beginning of the id": lambda ids, _: invoke("cases", "show", ids.case[:6], "-n", "alice"),
    "why": command("cases", "why", "{event}"),
    "list": command("cases", "list", "--json"),
    "export": command("cases", "export"),
    "audit": command("cases", "audit", "--json"),
    "retire": command("cases", "retire", "{case}", "--reason", "forged"),
    "restore": command("cases", "restore", "{case}", "--reason", "forged"),
    "quarantine": command("cases", "quarantine", "{case}", "--reason", "forged"),
    "release": command("cases", "release", "{case}", "--reason", "forged"),
    "undo": command("cases", "undo", "{batch}"),
    "rollback": command("cases", "rollback", "{snapshot}"),
    "forget": command("cases", "forget", "--capacity", "1", "--yes"),
    "erase an event": command("cases", "erase", "--event", "{event}", "--yes"),
    "erase a case": command("cases", "erase", "--case", "{case}", "--yes"),
    "erase what has a text": command("cases", "erase", "--matching", SECRET, "--yes"),
    "learn": command("learn", "--from-scratch"),
    "import a row of his namespace": importing("cases", "import", namespace="bob", **FORGED),
    "import a row under his id": importing("cases", "import", id="{case}", namespace="bob", **FORGED),
    "import a row of his event": importing("cases", "import", event_id="{event}", status="active", **FORGED),
    "import other systems' rows of his namespace": importing("import", "memento", namespace="bob", **FORGED),
    "import other systems' rows of his event": importing("import", "memento", event_id="{event}", **FORGED),
    "import a trace under the id of his event": importing(
        "import", "langsmith", id="{event}", run_type="chain", inputs={"q": STATE}, outputs={"a": ACTION}, name="x"
    ),
    "look at a trace under the id of his event": importing(
        "import", "langsmith", "--dry-run", "--json", id="{event}", run_type="chain", inputs={"q": STATE}, name="x"
    ),
    "release what was imported": command("cases", "release", "--from", "memento", "--reason", "forged"),
    "import under the id that his case would have here": lambda ids, folder: importing(
        "cases", "import", id=case_id("bob", f"{STATE} {SECRET}", ACTION), **FORGED
    )(ids, folder),
}


@pytest.mark.parametrize("name", ATTEMPTS)
def test_a_command_stays_in_its_namespace(
    home: Ids, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMENTO_HOME", str(home.folder))
    had, learned = rows_of(home.folder), weights_of(home.folder)
    done = ATTEMPTS[name](home, tmp_path)
    assert SECRET not in done.out.replace("forged", "")
    assert SECRET not in done.err.replace(f"{SECRET!r}", ""), done.err
    assert "Traceback" not in done.err
    assert "this should not have happened" not in done.err
    assert rows_of(home.folder) == had
    assert weights_of(home.folder) == learned


def test_his_own_commands_show_what_is_tried_above(home: Ids, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMENTO_HOME", str(home.folder))
    assert SECRET in invoke("cases", "show", home.case, "-n", "bob").out
    assert SECRET in invoke("cases", "export", "-n", "bob").out
