"""`memento learn`: judged, promoted or refused, rebuilt, rolled back; by several processes at once, and killed."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from memento.memory.case_memory import CaseMemory
from memento.memory.ledger.settings_versions import SettingsVersion
from tests.commands import environment, invoke, memento, started

pytestmark = pytest.mark.allow_blocking("a command has its event loop to itself")

N_OUTCOMES = 88


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("MEMENTO_HOME", str(folder))
    monkeypatch.setenv("MEMENTO_POLICY", "kernel")
    return folder


def opened(home: Path) -> CaseMemory:
    return CaseMemory.open(home, policy="kernel")


async def live(home: Path, n: int) -> None:
    """Tasks that each have been asked once; what is served decides, every second case helps."""
    async with opened(home) as memory:
        for number in range(12):
            colour = ("amber", "violet")[number % 2]
            await memory.write(state=f"case {number} of the {colour} kind", action=f"{colour} way", reward=1.0)
        for number in range(n):
            reading = await memory.read(f"task {number}", policy="random", k=1)
            case = reading.cases[0].case
            await memory.feedback(reading.event_id, float("amber" in case.action))
        await memory.settle()  # so few outcomes are not learned when a memory is closed


def lived(home: Path, n: int = N_OUTCOMES) -> None:
    asyncio.run(live(home, n))


async def promoted(home: Path) -> SettingsVersion:
    """A version as the gate writes it, without the minutes that judging takes."""
    async with opened(home) as memory:
        draft = SettingsVersion(
            namespace="default",
            estimator="kernel",
            settings={"precision": 1.0},
            replaces=await memory.versions.serving_number("default", "kernel"),
            reason="better",
            report={"gain": [0.2, 0.1, 0.3]},
        )
        return await memory._storage.ledger.transact(lambda writer: memory.versions.append(writer, draft))


@pytest.mark.slow
def test_a_verdict_is_reached_and_kept_with_every_figure(home: Path) -> None:
    lived(home)
    done = invoke("learn", "--json")
    assert done.code == 0
    (line,) = done.lines
    assert line["verdict"] in ("promoted", "refused")
    assert line["reason"]
    assert line["serving"] == (line["version"] if line["verdict"] == "promoted" else 0)
    report = line["report"]
    assert report["n_outcomes"] == N_OUTCOMES
    for table in ("by_time", "by_question"):
        chosen = report[table]["rows"]["chosen"]
        assert {"auc", "brier", "ece", "log_loss"} == set(chosen)
        assert all(len(figure) == 3 for figure in chosen.values())
    (kept,) = invoke("learn", "history", "--json").lines
    assert (kept["version"], kept["verdict"], kept["report"]) == (line["version"], line["verdict"], report)


@pytest.mark.slow
def test_people_are_shown_controls_and_probes_and_the_verdict_in_a_sentence(home: Path) -> None:
    lived(home)
    done = invoke("learn")
    assert done.code == 0
    for shown in ("query only", "per-case mean", "question lookup", "constant", "placebo probe", "null probe"):
        assert shown in done.out
    assert "not enough repeated questions" in done.out
    assert done.err.startswith(("refused: ", "promoted as version "))
    assert len(invoke("learn", "history").out.splitlines()) >= 2


def test_nothing_is_judged_or_written_when_there_are_too_few_outcomes(home: Path) -> None:
    lived(home, 5)
    done = invoke("learn")
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith("refused: 5 known outcomes are too few to judge anything by; it takes 80\n")
    (line,) = invoke("learn", "--json").lines
    assert (line["verdict"], line["version"], line["report"]) == ("refused", None, None)
    assert invoke("learn", "history").err == (
        "nothing was ever judged in namespace 'default'; the built-in settings serve\n"
    )


def test_the_same_estimates_when_everything_is_learned_from_scratch(home: Path) -> None:
    lived(home, 30)
    (line,) = invoke("learn", "--from-scratch", "--json").lines
    assert (line["event"], line["n_outcomes"], line["max_difference"]) == ("rebuilt", 30, 0.0)
    assert line["n_estimates"] > 0
    assert "differ by at most 0 from" in invoke("learn", "--from-scratch").err


def test_a_snapshot_that_went_astray_is_found_and_replaced(home: Path) -> None:
    lived(home, 30)
    (path,) = home.glob("weights-*/*.kernel.safetensors")
    other = home.parent / "other"
    asyncio.run(live(other, 30))
    (theirs,) = other.glob("weights-*/*.kernel.safetensors")
    path.write_bytes(theirs.read_bytes())
    first = invoke("learn", "--from-scratch")
    assert (first.code, "gone astray" in first.err) == (1, True)
    assert invoke("learn", "--from-scratch").code == 0


def test_a_version_is_rolled_back_and_taken_up_again(home: Path) -> None:
    lived(home, 20)
    version = asyncio.run(promoted(home)).version
    back = invoke("learn", "rollback")
    assert (back.code, back.out) == (0, "")
    assert back.err == (
        f"version {version + 1} serves: estimates as version 0 last had them\n"
        f"every outcome counts; `memento learn rollback {version}` takes this back\n"
    )
    (forward,) = invoke("learn", "rollback", str(version), "--json").lines
    assert (forward["settings"], forward["replaces"]) == ({"precision": 1.0}, version + 1)
    history = invoke("learn", "history", "--json").lines
    assert [(one["verdict"], one["is_serving"]) for one in history] == [
        ("promoted", False),
        ("rolled_back", False),
        ("rolled_back", True),
    ]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("learn rollback", "nothing to roll back"),
        ("learn -p similarity", "policy 'similarity' learns nothing; name one of: parametric"),
        ("learn -p magic", "unknown policy 'magic'"),
        ("learn -n ", "a namespace has"),
    ],
)
def test_a_sentence_says_why_when_it_cannot_be(words: str, problem: str, home: Path) -> None:
    done = invoke(*words.split(" "))
    assert (done.code, done.out) == (2, "")
    assert problem in done.err


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_both_verdicts_are_kept_when_two_processes_judge_at_once(home: Path) -> None:
    await live(home, N_OUTCOMES)
    env = environment(home, MEMENTO_POLICY="kernel")
    first, second = await asyncio.gather(*(memento("learn", "--json", env=env) for _ in range(2)))
    lines = [*first.lines, *second.lines]
    assert [first.code, second.code] == [0, 0]
    assert len({line["version"] for line in lines}) == 2
    assert [line["verdict"] for line in lines].count("promoted") <= 1
    history = (await memento("learn", "history", "--json", env=env)).lines
    assert [one["version"] for one in history] == sorted(line["version"] for line in lines)


@pytest.mark.slow
@pytest.mark.parametrize("signal", ["interrupt", "kill"])
async def test_the_serving_version_is_left_alone_when_judging_is_cut_off(signal: str, home: Path) -> None:
    await live(home, 4 * N_OUTCOMES)
    version = (await promoted(home)).version
    process = await started("learn", env=environment(home, MEMENTO_POLICY="kernel"))
    await asyncio.sleep(5)  # anywhere between opening the ledger and the last probe
    process.send_signal(2 if signal == "interrupt" else 9)
    await process.communicate()
    assert process.returncode == (130 if signal == "interrupt" else -9)
    async with opened(home) as memory:
        assert await memory.versions.serving_number("default", "kernel") == version
    assert n_versions(home) == 1


def n_versions(home: Path) -> int:
    with sqlite3.connect(f"file:{home / 'ledger.sqlite'}?mode=ro", uri=True) as connection:
        return int(connection.execute("SELECT count(*) FROM settings_versions").fetchone()[0])


def test_settings_that_a_person_chose_serve_as_a_version_with_its_reason(home: Path) -> None:
    done = invoke(
        "learn", "set", "trials=400", "least_similarity=0.5", "--policy", "trial", "--reason", "alike", "--json"
    )
    assert done.code == 0
    (line,) = done.lines
    assert (line["event"], line["settings"]) == ("set", {"trials": 400, "least_similarity": 0.5})
    (kept,) = invoke("learn", "history", "--policy", "trial", "--json").lines
    assert (kept["is_serving"], kept["reason"]) == (True, "chosen by hand: alike")


@pytest.mark.parametrize("given", ["trials", "trials=many", "=3", "attempts=3", "trials=0"])
def test_a_setting_that_is_none_is_refused_by_name(home: Path, given: str) -> None:
    done = invoke("learn", "set", given, "--policy", "trial", "--reason", "a slip")
    assert done.code == 2
    assert given.partition("=")[0] in done.err
