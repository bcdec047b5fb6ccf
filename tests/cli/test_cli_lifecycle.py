"""`memento cases`: retire, restore, quarantine, release, forget, undo, audit, snapshot, snapshots, rollback."""

import asyncio
import json
import re
import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.commands import Finished, ended, environment, invoke, memento, started

pytestmark = pytest.mark.allow_blocking("a command has its event loop to itself")

TASKS = ("Who wrote Dune?", "who wrote dune", "Capital of Peru?", "Boil an egg", "Sort a list of names")


@pytest.fixture(autouse=True)
def bank(tmp_path: Path) -> list[str]:
    """Five cases, the first two nearly the same; their ids."""
    return imported(tmp_path, TASKS)


def imported(folder: Path, tasks: tuple[str, ...], *options: str, plan: str = "look it up") -> list[str]:
    file = folder / "cases.jsonl"
    file.write_text("".join(json.dumps({"state": task, "action": plan, "reward": 1}) + "\n" for task in tasks))
    assert invoke("cases", "import", str(file), *options).code == 0
    by_task = {case["state"]: case["id"] for case in listed()}
    return [by_task[task] for task in tasks]


def listed() -> list[dict[str, Any]]:
    return invoke("cases", "list", "--limit", "9999", "--json").lines


def statuses(ids: list[str]) -> list[str]:
    found = {case["id"]: case["status"] for case in listed()}
    return [found[one] for one in ids]


def told(*args: str) -> dict[str, Any]:
    done = invoke("cases", *args, "--json")
    assert (done.code, done.err) == (0, "")
    return done.lines[-1]


def refusal(*args: str) -> Finished:
    done = invoke("cases", *args)
    assert (done.code, done.out) == (2, "")
    return done


def batch_in(done: Finished) -> str:
    found = re.search(r"`memento cases undo (\w+)` takes it back", done.err)
    assert found, done.err
    return found[1]


@pytest.mark.parametrize(
    ("out", "status", "back"),
    [
        ("retire", "retired", "restore"),
        pytest.param("quarantine", "quarantined", "release", marks=pytest.mark.slow),
    ],
)
def test_cases_go_out_and_come_back_when_named_by_their_beginnings(
    bank: list[str], out: str, status: str, back: str
) -> None:
    gone = invoke("cases", out, bank[0][:8], bank[2], "--reason", "the page is gone")
    assert (gone.code, gone.out) == (0, "")
    assert gone.err.startswith(f"{out}: 2 cases")
    assert statuses(bank[:3]) == [status, "active", status]
    again = told(out, bank[0], "--reason", "twice")
    assert again == {"event": out, "batch_id": None, "changed": [], "left_alone": {bank[0]: f"is {status} already"}}
    assert told(back, bank[0])["changed"] == [bank[0]]
    partly = invoke("cases", "undo", batch_in(gone))
    assert f"case {bank[0]}: has changed since" in partly.err
    assert statuses(bank[:3]) == ["active"] * 3


def test_a_sentence_says_why_when_a_verb_cannot_be_done(bank: list[str]) -> None:
    told("retire", bank[0], "--reason", "r")
    assert "no case" in refusal("retire", "zzz", "--reason", "r").err
    assert "restore" in refusal("release", bank[0]).err
    assert "no batch" in refusal("undo", "zzz").err
    told("snapshot", "calm")
    assert "there are: calm" in refusal("rollback", "storm").err
    assert "already" in refusal("snapshot", "calm").err
    assert invoke("cases", "forget", "--capacity", "0").code == 2
    error = invoke("cases", "undo", "zzz", "--json").lines[-1]
    assert (error["event"], error["exit_code"]) == ("error", 2)


def test_nothing_is_forgotten_before_somebody_says_yes(bank: list[str]) -> None:
    for options in ([], ["--dry-run", "--yes"]):
        shown = invoke("cases", "forget", "--capacity", "3", *options)
        assert shown.code == 0
        assert len(shown.out.splitlines()) == 3, "a head and two cases"
        assert shown.out.count("redundancy: covered by") == shown.out.count("capacity: beyond capacity 3") == 1
        assert "2 of 5 active cases" in shown.err
        assert "knows no effects of single cases" in shown.err
        assert "nothing was changed; --yes does it" in shown.err
    assert set(statuses(bank)) == {"active"}


def test_cases_are_forgotten_and_back_when_undone(bank: list[str]) -> None:
    done = invoke("cases", "forget", "--capacity", "3", "--yes", "--json")
    assert done.code == 0
    *retirements, plan, batch = done.lines
    assert [line["rule"] for line in retirements] == ["redundancy", "capacity"]
    assert retirements[0]["covered_by"] in bank[:2]
    assert (plan["n_active"], plan["n_retired"], plan["has_effects"]) == (5, 2, False)
    assert set(plan["coverage"]["before"]) == {"mean", "worst"}
    assert set(batch["changed"]) == {line["case_id"] for line in retirements}
    assert sorted(statuses(bank)) == ["active"] * 3 + ["retired"] * 2
    assert invoke("cases", "forget", "--capacity", "3").err.startswith("policy")  # a second run finds nothing
    assert set(told("undo", batch["batch_id"])["changed"]) == set(batch["changed"])
    assert set(statuses(bank)) == {"active"}


def test_the_trail_tells_what_why_and_in_which_batch(bank: list[str]) -> None:
    assert invoke("cases", "audit", "-n", "empty").err == "nothing has been changed yet\n"
    batch = told("retire", bank[0], bank[1], "--reason", "[red]why[/red]")["batch_id"]
    told("undo", batch)
    lines = invoke("cases", "audit", "--json").lines
    assert [line["verb"] for line in lines] == ["undo", "undo", "retire", "retire", "import"]
    assert lines[-2].items() >= {"subject": bank[0], "detail": "[red]why[/red]", "batch_id": batch}.items()
    assert len(invoke("cases", "audit", "--limit", "1", "--json").lines) == 1
    assert "[red]why[/red]" in invoke("cases", "audit").out


def test_the_namespace_is_as_it_was_when_rolled_back(bank: list[str], tmp_path: Path) -> None:
    assert invoke("cases", "snapshots").err == "no snapshots yet\n"
    assert told("snapshot", "before the import")["revision_offset"] == 5
    late = imported(tmp_path, ("Peel a pear",))
    told("retire", bank[0], "--reason", "r")
    assert [row["name"] for row in invoke("cases", "snapshots", "--json").lines] == ["before the import"]
    assert "before the import" in invoke("cases", "snapshots").out
    back = invoke("cases", "rollback", "before the import")
    assert back.err.startswith("rollback: 2 cases")
    assert statuses([bank[0], late[0]]) == ["active", "retired"]
    told("undo", batch_in(back))
    assert statuses([bank[0], late[0]]) == ["retired", "active"]


def test_imported_cases_wait_for_release_when_their_source_is_unknown(bank: list[str], tmp_path: Path) -> None:
    fresh = imported(tmp_path, ("Peel a pear", "Peel a fig"), "--quarantine")
    assert statuses(fresh) == ["quarantined"] * 2
    again = told("import", str(tmp_path / "cases.jsonl"), "--quarantine")
    assert again.items() >= {"imported": 0, "already_there": 2, "quarantined": 0}.items()
    told("release", *fresh)
    assert statuses([*fresh, *bank]) == ["active"] * 7


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_bank_is_whole_when_forgetting_is_stopped_by_ctrl_c(tmp_path: Path) -> None:
    env, file = environment(tmp_path / "home"), tmp_path / "many.jsonl"
    rows = [{"state": f"Find book {n} of shelf {n % 7}", "action": f"walk {n}", "reward": 1} for n in range(150)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert (await memento("cases", "import", str(file), env=env)).code == 0
    for pause in (1.0, 4.0):
        process = await started("cases", "forget", "--capacity", "50", "--yes", "--json", env=env)
        await asyncio.sleep(pause)
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        stopped = await ended(process)
        assert stopped.code in (0, 130, -signal.SIGINT), stopped.err
        n_active, n_told = _n_active(tmp_path / "home" / "ledger.sqlite")
        assert (n_active, n_told) in ((150, 0), (50, 100)), "all or nothing, and the trail says which"
    done = await memento("cases", "forget", "--capacity", "50", "--yes", "--json", env=env)
    assert done.code == 0, done.err
    assert _n_active(tmp_path / "home" / "ledger.sqlite") == (50, 100)


def _n_active(ledger: Path) -> tuple[int, int]:
    """Active cases, and audit lines of forgetting."""
    newest = "SELECT status, max(version) FROM case_revisions GROUP BY case_id"
    with sqlite3.connect(f"file:{ledger}?mode=ro", uri=True) as connection:
        active = connection.execute(f"SELECT count(*) FROM ({newest}) WHERE status = 'active'").fetchone()[0]  # noqa: S608
        told_of = connection.execute("SELECT count(*) FROM audit WHERE verb = 'forget'").fetchone()[0]
    return int(active), int(told_of)
