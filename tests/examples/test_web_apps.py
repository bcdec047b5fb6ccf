"""examples/fastapi_app.py and examples/flask_app.py."""

from pathlib import Path

import pytest

from tests.example_runs import run_example
from tests.hosts.brain import Brain
from tests.provider_server import provider

pytestmark = pytest.mark.slow

PRINTED = ["Genoa", "cases", "plan", "subtask", "result", "reward", "written", "1451"]


def test_a_fastapi_service(tmp_path: Path) -> None:
    with provider(Brain().wire, keeps_alive=True) as url:
        printed = run_example("fastapi_app", tmp_path, base_url=url)
    assert printed.splitlines() == PRINTED


def test_a_flask_app(tmp_path: Path) -> None:
    with provider(Brain().wire, keeps_alive=True) as url:
        printed = run_example("flask_app", tmp_path, base_url=url)
    assert printed.splitlines() == PRINTED
