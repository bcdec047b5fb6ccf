"""A real `langgraph dev`, started as the README says, in a folder of its own; and its scripted models."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.conftest import OUTSIDE
from tests.scripted import ScriptedServer

ROOT = Path(__file__).parents[1]
STARTS_WITHIN_S = 120


class Server:
    """A running `langgraph dev`."""

    def __init__(
        self, port: int, log: Path, home: Path, process: asyncio.subprocess.Process, models: ScriptedServer
    ) -> None:
        self.models = models
        self.url = f"http://127.0.0.1:{port}"
        self.home = home
        self.process = process
        self._log = log

    @property
    def log(self) -> str:
        return re.sub(r"\x1b\[[0-9;]*m", "", self._log.read_text(errors="replace"))

    async def started(self) -> None:
        async with httpx.AsyncClient(trust_env=False) as http:
            for _ in range(STARTS_WITHIN_S * 4):
                if self.process.returncode is not None:
                    break
                try:
                    if (await http.get(f"{self.url}/ok", timeout=1)).is_success:
                        return
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.25)
        raise AssertionError(f"langgraph dev did not start:\n{self.log[-3000:]}")

    async def stop(self) -> None:
        """Ctrl-C, as a person would; whatever is left of the group is killed."""
        try:
            os.killpg(self.process.pid, signal.SIGINT)
            await asyncio.wait_for(self.process.wait(), 30)
        except (ProcessLookupError, TimeoutError):
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


@asynccontextmanager
async def dev_server(folder: Path, reply: Callable[[dict[str, Any]], Any], **environment: str) -> AsyncIterator[Server]:
    """Start a server and stop it.

    Args:
        folder: of the served graph and its home. A second server in it goes on where the first one ended.
        reply: of the model that plays all roles.
        environment: more variables.
    """
    served, home = folder / "served", folder / "home"
    served.mkdir(exist_ok=True)  # it leaves `.langgraph_api` behind
    for name in ("langgraph.json", "pyproject.toml"):
        (served / name).write_text((ROOT / name).read_text())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "server.log"
    async with ScriptedServer(reply) as models:
        variables = {
            **{name: value for name, value in os.environ.items() if not name.startswith(OUTSIDE)},
            "LANGGRAPH_NO_VERSION_CHECK": "1",
            "LANGGRAPH_CLI_NO_ANALYTICS": "1",
            "LANGSMITH_TRACING": "false",
            "MEMENTO_HOME": str(home),
            "OPENAI_BASE_URL": models.base_url,
            "OPENAI_API_KEY": "dummy",
            "HF_HUB_OFFLINE": "1",
            **environment,
        }
        command = [str(Path(sys.executable).parent / "langgraph"), "dev", "--no-browser", "--no-reload"]
        command += ["--port", str(port), "--n-jobs-per-worker", "10"]
        with log.open("a") as output:
            process = await asyncio.create_subprocess_exec(
                *command, cwd=served, env=variables, stdout=output, stderr=output, start_new_session=True
            )
        running = Server(port, log, home, process, models)
        try:
            await running.started()
            yield running
        finally:
            await running.stop()
