"""An evaluation that an earlier release left in the middle is read, and gone on with where it stood."""

import asyncio
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from memento.evals.report.report import write_report
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.runner import load_results
from tests.releases.make_run import made_runner

pytestmark = pytest.mark.allow_blocking("files are unpacked and looked at")

ARCHIVES = ("0.1.0-cd8a8e0-run.tar.xz", "0.2.0-e3533e0-run.tar.xz")


@pytest.fixture(params=ARCHIVES)
def left(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    with tarfile.open(Path(__file__).parents[1] / "releases" / request.param) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "run"


def journal_lines(left: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in left.rglob("journal.jsonl") for line in path.read_text().splitlines()]


async def test_it_goes_on_and_asks_for_no_task_twice(left: Path) -> None:
    before = {(one["arm"], one["task_id"]): one for one in journal_lines(left) if "task_id" in one}
    runner, model = made_runner(left)
    assert (await runner.run()).is_complete
    results = await asyncio.to_thread(lambda: list(load_results(left, RunPlan.load(left))))
    assert len(before) in range(20, 36)
    assert len(model.calls) == 36 - len(before)
    assert len(results) == 36
    assert [one.reward for one in results] == [0.0 if int(one.task_id[1:]) % 3 == 0 else 1.0 for one in results]
    for one in results:
        known = before.get((one.arm, one.task_id))
        assert known is None or (known["event_id"], known["answer"]) == (one.event_id, one.answer)
    assert any(one.cases for one in results if one.arm == "advantage" and one.position >= 9)


@pytest.mark.slow
async def test_its_report_is_written_as_far_as_it_went(left: Path) -> None:
    written = await write_report(left)
    assert "advantage" in written.page.read_text(encoding="utf-8")
