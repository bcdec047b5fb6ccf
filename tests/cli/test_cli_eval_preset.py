"""`memento eval preset`: the paper's figures without any model, and beside those of a run."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from memento.evals.runs.plan import RunPlan
from memento.evals.runs.runner import load_results
from tests.commands import Finished, environment, invoke, memento, role_of, serving
from tests.eval_commands import answering, question_of
from tests.eval_runs import make_run
from tests.scripted import ScriptedServer

SOURCES = ("nq", "musique", "Bamboogle", "popqa")


def planning() -> ScriptedServer:
    """A model that plans one step before it answers, unless it is asked for the answer; every third is wrong."""

    def reply(body: dict[str, Any]) -> str:
        role, text = role_of(body), json.dumps(body["messages"])
        if role == "executor":
            return "looked up"
        if role == "planner" and "<result " not in text:
            return json.dumps({"subtasks": [{"id": "1", "description": "Look it up", "depends_on": []}]})
        item = question_of(body)
        answer = "nothing" if item % 3 == 0 else f"thing {item}"
        return json.dumps({"answer": answer} if role == "final" else {"subtasks": [], "answer": answer})

    return ScriptedServer(reply, embeds=True)


@pytest.fixture(params=["answering"])
def server(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEMENTO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(planning() if request.param == "planning" else answering()) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("MEMENTO_ENCODER", "openai:stub")
        yield server


def questions(path: Path, *, n: int = 8, sources: tuple[str, ...] = SOURCES) -> Path:
    """Rows as DeepResearcher has them."""
    rows = [
        {
            "question": f"What is item {i} of the list?",
            "ground_truth": f"thing {i}",
            "data_source": sources[i % len(sources)],
        }
        for i in range(n)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def rows_of(done: Finished) -> list[dict[str, Any]]:
    return [line for line in done.lines if line["event"] == "row"]


@pytest.mark.parametrize("name", ["k-sweep", "continual", "ood", "components"])
def test_the_papers_figures_are_shown_when_nothing_is_there_to_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = invoke("eval", "preset", name, "--show", "--json")
    assert done.code == 0
    assert [line["event"] for line in done.lines[:2]] == ["plan", "paper"]
    figures = [pair for row in rows_of(done) for pair in row["pairs"].values()]
    assert all(pair["ours"] is None for pair in figures)
    assert any(pair["paper"] for pair in figures)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["frozen", "online", "noise", "controls"])
def test_a_protocol_says_what_it_runs_and_what_it_finds_out(name: str, tmp_path: Path) -> None:
    (plan,) = invoke("eval", "preset", name, "--show", "--json").lines
    assert (plan["event"], plan["arms"][0]) == ("plan", "none")
    told = invoke("eval", "preset", name, "--show").err
    assert "It finds out" in told or "must gain nothing" in told
    assert ", ".join(plan["arms"]) in told
    assert ("30 % of the questions" in told) == (name == "frozen")
    make_run(tmp_path, arms=plan["arms"], n_tasks=12, preset=name, held_out_share=plan.get("held_out_share", 0.0))
    lines = invoke("eval", "preset", name, "--show", "--out", str(tmp_path), "--json").lines
    assert {line["event"] for line in lines} >= {"gain"}
    assert {line["part"] for line in lines if line["event"] == "gain"} == (
        {"first", "test"} if name == "frozen" else {"first"}
    )
    assert "stateful minus stateless" in invoke("eval", "preset", name, "--show", "--out", str(tmp_path)).out


def test_a_table_for_people_has_both_means_and_says_what_differs() -> None:
    done = invoke("eval", "preset", "components", "--show")
    assert "all, weighted by questions" in done.out
    assert "64.2" in done.out
    assert "66.6" in done.out
    assert "Table 5" in done.out
    assert "is the mean over sources" in done.out
    assert "hotpotqa" not in done.out
    assert "hotpotqa" in invoke("eval", "preset", "components", "--show", "--by-source").out


def test_a_run_of_the_sweep_stands_beside_the_paper_and_goes_on(server: ScriptedServer, tmp_path: Path) -> None:
    data = questions(tmp_path / "questions.jsonl", n=6)
    command = ("eval", "preset", "k-sweep", "-d", str(data), "--scorer", "exact", "--seeds", "1", "--json")
    done = invoke(*command)
    assert done.code == 0, done.err
    rows = {row["label"]: row for row in rows_of(done) if row["part"] == "all, weighted by questions"}
    assert list(rows) == [f"K = {k}, similarity" for k in (0, 1, 2, 4, 8, 16, 32)]
    assert all(row["n"] == 6 for row in rows.values())
    four = rows["K = 4, similarity"]["pairs"]["pm"]
    assert four["paper"] == 78.5
    assert four["ours"][0] == pytest.approx(66.67)  # four of six
    folder = tmp_path / "out" / "eval" / "questions-k-sweep"
    plan = RunPlan.load(folder)
    assert plan.preset == "k-sweep"
    shown = {arm.name: 0 for arm in plan.arms}
    for result in load_results(folder, plan):
        shown[result.arm] = max(shown[result.arm], len(result.cases))
    assert [shown[f"similarity:k={k}"] for k in (0, 1, 2, 4, 8)] == [0, 1, 2, 4, 5]  # never its own
    n_asked = len(server.requests)
    again = invoke(*command)
    assert len(server.requests) == n_asked
    assert rows_of(again) == rows_of(done)
    assert rows_of(invoke("eval", "preset", "k-sweep", "--show", "--out", str(folder), "--json")) == rows_of(done)


@pytest.mark.slow
def test_iterations_are_told_apart_when_questions_come_again(server: ScriptedServer, tmp_path: Path) -> None:
    data = questions(tmp_path / "q.jsonl", n=4)
    done = invoke(
        *("eval", "preset", "continual", "-d", str(data), "--scorer", "exact", "--policy", "similarity", "--json"),
        *("--seeds", "1"),
    )
    assert done.code == 0, done.err
    rows = rows_of(done)
    assert [(row["arm"], row["label"]) for row in rows] == [
        (arm, f"iteration {number}") for arm in ("none", "similarity") for number in range(1, 6)
    ]
    assert [row["remark"] for row in rows[:2]] == ["first encounter", "retry"]
    assert [row["pairs"]["accuracy"]["ours"][0] for row in rows] == [50.0] * 10


@pytest.mark.slow
def test_held_out_sources_gain_over_no_cases(server: ScriptedServer, tmp_path: Path) -> None:
    data = questions(tmp_path / "q.jsonl", n=8, sources=("nq", "Musique", "bamboogle", "PopQA"))
    done = invoke(
        *("eval", "preset", "ood", "-d", str(data), "--scorer", "exact", "--policy", "similarity", "--json"),
        *("--seeds", "1"),
        *("--out", str(tmp_path / "run")),
    )
    assert done.code == 0, done.err
    rows = rows_of(done)
    assert [row["part"] for row in rows] == ["Musique", "bamboogle", "PopQA"]
    assert [row["pairs"]["pm"]["paper"] for row in rows] == [8.0, 9.6, 5.5]
    assert [(row["n"], row["pairs"]["pm"]["ours"][0]) for row in rows] == [(2, 0.0)] * 3
    plan = RunPlan.load(tmp_path / "run")
    results = list(load_results(tmp_path / "run", plan))
    learnt = [one for one in results if one.phase == "learn"]
    assert {one.source for one in learnt} == {"nq"}
    served = [one for one in results if one.phase == "test" and one.arm == "similarity"]
    assert len(served) == 6
    assert all(len(one.cases) == 2 for one in served)


@pytest.mark.slow
@pytest.mark.parametrize("server", ["planning"], indirect=True)
def test_a_component_is_taken_away_when_its_arm_runs(server: ScriptedServer, tmp_path: Path) -> None:
    data = questions(tmp_path / "q.jsonl", n=4)
    done = invoke(
        *("eval", "preset", "components", "-d", str(data), "--scorer", "exact", "--policy", "similarity", "--json"),
        *("--seeds", "1"),
        *("--out", str(tmp_path / "run")),
    )
    assert done.code == 0, done.err
    plan = RunPlan.load(tmp_path / "run")
    calls: dict[str, set[int]] = {}
    for result in load_results(tmp_path / "run", plan):
        calls.setdefault(result.arm, set()).add(result.usage["model_calls"])
    assert calls == {"none:run_max_model_calls=2": {1}, "none": {3}, "similarity": {3}}
    missing = next(row for row in rows_of(done) if row["label"] == "executor alone, with tools")
    assert missing["pairs"]["f1"] == {"paper": 30.8, "ours": None}
    assert "cannot be had" in missing["remark"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["temperature", "--show"], "there is no preset 'temperature'; there are k-sweep, continual, ood, components"),
        (["k-sweep"], "say which questions with --dataset"),
        (["continual", "--show", "--policy", "clairvoyance"], "clairvoyance"),
        (["continual", "--show", "--held-out", "nq"], "continual holds no source out"),
        (["ood", "-d", "law.jsonl"], "the data set has no source 'musique'; it has law, medicine"),
        (["ood", "-d", "law.jsonl", "--show"], "the data set has no source 'musique'"),
        (["ood", "-d", "law.jsonl", "--held-out", "physics"], "no source 'physics'"),
        (["ood", "--show", "--out", "sweep"], "sweep holds the preset k-sweep, not ood"),
        (["ood", "--show", "--out", "plain"], "plain holds a run that is not a preset, not ood"),
    ],
)
def test_a_command_is_refused_when_it_makes_no_sense(
    given: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    questions(Path("law.jsonl"), sources=("law", "medicine"))
    make_run(Path("sweep"), n_tasks=3, seeds=(0,), arms=("similarity:k=0",), preset="k-sweep")
    make_run(Path("plain"), n_tasks=3, seeds=(0,), arms=("none",))
    done = invoke("eval", "preset", *given, "--json")
    assert done.code == 2
    assert said in done.lines[-1]["error"]


def test_other_sources_can_be_held_out_when_the_data_set_has_not_the_papers(tmp_path: Path) -> None:
    data = questions(tmp_path / "law.jsonl", sources=("law", "medicine"))
    done = invoke("eval", "preset", "ood", "--show", "-d", str(data), "--held-out", "LAW", "--json")
    assert done.lines[0]["held_out"] == ["law"]
    assert {row["remark"] for row in rows_of(done)} == {"not in the paper"}


@pytest.mark.slow
async def test_processes_share_an_ablation(tmp_path: Path) -> None:
    data = await asyncio.to_thread(questions, tmp_path / "q.jsonl", n=4)
    env = environment(tmp_path / "home", MEMENTO_PLANNER="openai:stub")
    words = ("eval", "preset", "k-sweep", "-d", str(data), "--scorer", "exact", "--seeds", "1", "--json")
    async with answering() as server:
        env["OPENAI_BASE_URL"] = server.base_url
        together = await memento(*words, "--out", str(tmp_path / "two"), "--processes", "2", env=env)
        alone = await memento(*words, "--out", str(tmp_path / "one"), env=env)
    assert (together.code, alone.code) == (0, 0)
    assert rows_of(together) == rows_of(alone) != []
