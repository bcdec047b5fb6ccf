"""examples/stream_the_answer.py."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.example_runs import run_example
from tests.node_parts import answer, plan
from tests.provider_server import Trickle, Wire, completion, provider, trickle

pytestmark = pytest.mark.slow


def reply(request: dict[str, Any]) -> Wire | Trickle:
    shown = json.dumps(request["messages"])
    if "You carry out" in shown:
        return completion(request, content="It is Bloomsburg.")
    said = answer("Bloomsburg, the county seat.") if "It is Bloomsburg" in shown else plan("look it up")
    if not request.get("stream"):
        return completion(request, content=said)
    return trickle(request, [said[at : at + 4] for at in range(0, len(said), 4)])


def test_the_answer_is_streamed_behind_its_steps(tmp_path: Path) -> None:
    with provider(reply) as url:
        printed = run_example("stream_the_answer", tmp_path, base_url=url)
    assert "[make_plan] 1. look it up\n[carry_out_subtask] It is Bloomsburg.\nBloomsburg, the county seat." in printed
    pieces = int(printed.rpartition("\nin ")[2].partition(" pieces: Bloomsburg, the county seat.")[0])
    assert pieces > 4
