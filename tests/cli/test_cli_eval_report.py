"""`memento eval report` and `memento eval compare`."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.commands import environment, invoke, memento
from tests.eval_runs import make_run

pytest.importorskip("matplotlib", reason="comes with the extra `demo`")


def test_report_says_where_the_page_is(tmp_path: Path) -> None:
    make_run(tmp_path, n_tasks=15)
    shown = invoke("eval", "report", str(tmp_path))
    assert (shown.code, shown.out, shown.err) == (0, f"{tmp_path / 'report.html'}\n", "")
    (line,) = invoke("eval", "report", str(tmp_path), "--json").lines
    assert (line["event"], line["is_complete"], line["n_results"]) == ("report", True, 180)
    assert {Path(path).name for path in line["pictures"]} >= {"learning-curves.png", "arms.png", "differences.png"}
    assert all(Path(path).stat().st_size > 1000 for path in (line["page"], *line["pictures"]))


def test_report_of_an_unfinished_run_says_so(tmp_path: Path) -> None:
    make_run(tmp_path, n_tasks=15, share_done=0.4)
    shown = invoke("eval", "report", str(tmp_path))
    assert shown.code == 0
    assert shown.err.startswith("the run is not finished: the page shows its 72 results so far")


@pytest.mark.parametrize("command", [["report"], ["compare", "."]])
def test_what_is_no_run_is_bad_input(command: list[str], tmp_path: Path) -> None:
    shown = invoke("eval", *command, str(tmp_path))
    assert shown.code == 2
    assert "contains no evaluation run" in shown.err


@pytest.mark.slow
def test_report_opens_the_browser_that_there_is(tmp_path: Path) -> None:
    run, seen, nowhere = tmp_path / "run", tmp_path / "seen", tmp_path / "nowhere"
    make_run(run, n_tasks=5)
    browser = tmp_path / "browser"
    browser.write_text(f"#!{sys.executable}\nimport sys\nopen({str(seen)!r}, 'w').write(sys.argv[1])\n")
    browser.chmod(0o755)
    env = environment(tmp_path / "home", PATH=str(nowhere))
    command = ("eval", "report", str(run), "--open")
    assert asyncio.run(memento(*command, env=env | {"BROWSER": str(browser)})).code == 0
    assert seen.read_text() == (run / "report.html").as_uri()
    shown = asyncio.run(memento(*command, env=env))
    assert (shown.code, shown.err) == (0, "there is no browser to show it in\n")


@pytest.mark.slow
def test_compare_prints_every_common_arm(tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    make_run(first, n_tasks=60, seeds=range(6), arms=("none", "advantage", "random"), effect=0.0)
    make_run(second, n_tasks=60, seeds=range(6), arms=("none", "advantage"), effect=3.0, subject="another")
    shown = invoke("eval", "compare", str(first), str(second))
    assert shown.code == 0
    lines = shown.out.splitlines()
    assert lines[2].split()[0] == "none"
    assert "60 questions, paired" in lines[2]
    assert "no difference shown" in lines[2]
    assert "better by" in lines[3]
    assert "subject: 'scripted' in the first, 'another' in the second" in shown.err
    assert f"only in {first}: random" in shown.err
    runs, *arms = invoke("eval", "compare", str(first), str(second), "--json").lines
    assert (runs["differs"], runs["only_first"]) == ({"subject": ["scripted", "another"]}, ["random"])
    assert [(arm["arm"], arm["is_paired"], arm["is_shown"]) for arm in arms] == [
        ("none", True, False),
        ("advantage", True, True),
    ]
    assert set(arms[0]["difference"]) == {"value", "low", "high"}
    assert [(arm["n_orders"], arm["unit"]) for arm in arms] == [(6, "questions"), (6, "orders and questions")]


def test_compare_refuses_runs_without_a_common_arm(tmp_path: Path) -> None:
    make_run(tmp_path / "1", n_tasks=5, arms=["none"])
    make_run(tmp_path / "2", n_tasks=5, arms=["random"])
    shown = invoke("eval", "compare", str(tmp_path / "1"), str(tmp_path / "2"))
    assert shown.code == 2
    assert "the runs have no arm in common" in shown.err
