"""Documents that mean harm end in a clear error, or in text, and touch nothing outside the workspace.

The heavy ones, and how much memory each takes, are left to `python -m benchmarks.hostile_documents`.
"""

import asyncio
from pathlib import Path

import pytest

from benchmarks.hostile.case import Case, is_touched, tried
from benchmarks.hostile_documents import cases, run
from memento.tools.workspace import Workspace

MIN_CASES = 100


async def _outcome(case: Case, root: Path) -> str:
    """Try a case; say what is wrong with what came of it, nothing when all is well."""
    await asyncio.to_thread(root.mkdir)
    folder = await asyncio.to_thread(case.lay_out, root)
    said, is_error = await tried(case.path, case.tool, Workspace(folder))
    if await asyncio.to_thread(is_touched, root):
        return f"{case.name}: something outside was written"
    return "" if case.is_right(said, is_error=is_error) else f"{case.name}: {said[:300]}"


@pytest.mark.slow
async def test_every_light_case_ends_as_it_must_and_nothing_outside_is_written(tmp_path: Path) -> None:
    light = await asyncio.to_thread(lambda: [case for case in cases() if not case.is_heavy])
    assert len(light) >= MIN_CASES
    at_once = asyncio.Semaphore(3)

    async def one(number: int, case: Case) -> str:
        async with at_once:
            return await _outcome(case, tmp_path / str(number))

    wrong = await asyncio.gather(*(one(number, case) for number, case in enumerate(light)))
    assert [found for found in wrong if found] == []


@pytest.mark.slow
def test_memory_stays_below_its_limit_when_contents_grow_to_a_gigabyte() -> None:
    outcomes = [*run("contents that grow to 1 GB"), *run("pptx: a part of 320 MB")]
    assert len(outcomes) == 2
    for outcome in outcomes:
        assert outcome.is_safe, outcome
        assert 100 < outcome.child_mib < 512


def test_a_case_is_wrong_when_a_secret_is_told_or_the_error_is_missing() -> None:
    case = Case("any", "a.txt", b"", "damaged")
    assert case.is_right("it is damaged", is_error=True)
    assert not case.is_right("it is damaged", is_error=False)
    assert not case.is_right("damaged: what lies in another folder", is_error=True)
    assert not Case("any", "a.txt", b"", "!root:").is_right("root:x", is_error=True)
