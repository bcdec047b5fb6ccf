"""examples/studio_assistant.py."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.dev_server import dev_server
from tests.example_runs import run_example


@pytest.mark.slow
def test_the_form_is_printed(tmp_path: Path) -> None:
    printed = run_example("studio_assistant", tmp_path)
    assert "\nPlanning\n  Planner model: text, at planner, retrieve_case\n" in printed
    assert "  Cases shown: slider 0 to 32, at score_case\n" in printed
    assert "the assistant sets evaluator, judge_prompt, k, planner, planner_prompt, show_steps" in printed


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.allow_blocking("what may not block is in another process, which watches itself")
async def test_the_assistant_is_created_on_a_server(tmp_path: Path) -> None:
    def silent(_: dict[str, Any]) -> str:
        raise AssertionError("no model is asked")

    async with dev_server(tmp_path, silent) as server:
        printed = await asyncio.to_thread(run_example, "studio_assistant", tmp_path, server.url)
    assert "\ncreated " in printed
