"""examples/fastapi_app.py and examples/flask_app.py, each asked by examples/ask_over_http.py."""

from pathlib import Path

import pytest

from tests.example_runs import EXAMPLES, run_example, serve_example
from tests.hosts.brain import Brain
from tests.provider_server import provider

pytestmark = pytest.mark.slow

PRINTED = [
    *("  cases", "  plan", "waits for a person: carry_out_plan"),
    *("  subtask", "  result", "  reward", "  written", "Genoa", "feedback: 200"),
    *("  cases", "  plan", "  subtask", "  result", "  reward", "  written", "1451"),
    "feedback on an unknown event: 404",
]


def test_a_fastapi_service(tmp_path: Path) -> None:
    uvicorn = ("-m", "uvicorn", "--app-dir", str(EXAMPLES), "--port", "PORT", "fastapi_app:app")
    with (
        provider(Brain().wire, keeps_alive=True) as models,
        serve_example("fastapi_app", tmp_path, *uvicorn, base_url=models) as url,
    ):
        assert run_example("ask_over_http", tmp_path, url).splitlines() == PRINTED


def test_a_flask_app(tmp_path: Path) -> None:
    with (
        provider(Brain().wire, keeps_alive=True) as models,
        serve_example("flask_app", tmp_path, str(EXAMPLES / "flask_app.py"), "PORT", base_url=models) as url,
    ):
        assert run_example("ask_over_http", tmp_path, url).splitlines() == PRINTED
