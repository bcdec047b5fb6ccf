"""The `memento` command for tests: as a real process, and a loopback model that plays planner, executor and judge."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from memento.cli.main import app
from tests.scripted import Refusal, ScriptedServer

MEMENTO = Path(sys.executable).with_name("memento")


@dataclass(frozen=True)
class Finished:
    """What a process left behind."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Stdout as JSON lines; anything else on it is an error."""
        return [json.loads(line) for line in self.out.splitlines()]


def environment(home: Path, base_url: str | None = None, **more: str) -> dict[str, str]:
    """The environment of a process: as the test's, with a home and a model server."""
    model = {"OPENAI_BASE_URL": base_url} if base_url else {}
    return {**os.environ, "MEMENTO_HOME": str(home), "NO_PROXY": "127.0.0.1", **model, **more}


async def started(*args: str, env: dict[str, str]) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(str(MEMENTO), *args, env=env, stdout=pipe, stderr=pipe, stdin=-3)


async def ended(process: asyncio.subprocess.Process) -> Finished:
    out, err = await process.communicate()
    return Finished(process.returncode or 0, out.decode(), err.decode())


async def memento(*args: str, env: dict[str, str]) -> Finished:
    return await ended(await started(*args, env=env))


def invoke(*args: str) -> Finished:
    """The command inside the test's process."""
    result = CliRunner().invoke(app, list(args), catch_exceptions=False)
    return Finished(result.exit_code, result.stdout, result.stderr)


@contextmanager
def serving(server: ScriptedServer) -> Iterator[ScriptedServer]:
    """Have a server run beside a test that is not async."""
    asyncio.run(server.__aenter__())
    try:
        yield server
    finally:
        asyncio.run(server.__aexit__(None, None, None))


def assistant(*, answer: str = "forty-two", correct: str = "yes", refuse: str | None = None) -> ScriptedServer:
    """A model that plans one step, calls no tool, answers, and judges; `refuse` makes one role fail for good."""

    def reply(body: dict[str, Any]) -> str | Refusal:
        role = role_of(body)
        if role == refuse:
            return Refusal(401, "no such key")
        return {
            "judge": json.dumps({"correct": correct, "reason": "compared"}),
            "executor": f"it is {answer}",
            "planner": json.dumps(plan_of(body, answer)),
            "final": json.dumps({"answer": answer}),
        }[role]

    return ScriptedServer(reply, embeds=True)


def role_of(body: dict[str, Any]) -> str:
    """Who is asked: by the form of reply that is asked for."""
    wanted = json.dumps(body.get("response_format") or {})
    if '"correct"' in wanted:
        return "judge"
    if '"subtasks"' in wanted:
        return "planner"
    return "final" if '"answer"' in wanted else "executor"


def plan_of(body: dict[str, Any], answer: str) -> dict[str, Any]:
    """What the planner says: one step, then the answer."""
    if "<result " in json.dumps(body["messages"]):
        return {"subtasks": [], "answer": answer}
    return {"subtasks": [{"id": "1", "description": "Look it up", "depends_on": []}], "answer": None}
