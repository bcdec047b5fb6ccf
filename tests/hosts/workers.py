"""Worker processes that are forked, as Celery's are: the pool of prefork_pool.py, fed over its standard input."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from memento.memory.case_memory import CaseMemory
from tests.example_runs import ROOT
from tests.hashing_encoder import HashingEncoder
from tests.hosts.port import Part, Told

_LINE_BYTES = 1 << 20


class Pool:
    """A running pool; a host, and the client of its tasks."""

    def __init__(self, folder: Path, process: asyncio.subprocess.Process) -> None:
        self.folder, self.process = folder, process
        self.pids: list[int] = []
        """The process that ended each task."""
        self.at_work = 0
        """The process that told something last."""
        self._numbers = count()
        self._waiting: dict[int, asyncio.Queue[Any]] = {}
        self._reading = asyncio.create_task(self._read())

    async def ask(self, text: str, *, thread: str, approve_plan: bool = False) -> Told:
        return Told(**await self.result("ask", text=text, thread=thread, approve_plan=approve_plan))

    async def stream(self, text: str, *, thread: str) -> AsyncIterator[Part]:
        async for part in self.parts("stream", text=text, thread=thread):
            yield Part("event", part["event"]) if "event" in part else Part("answer", part["answer"])

    async def resume(self, reply: Any, *, thread: str) -> Told:
        return Told(**await self.result("resume", reply=reply, thread=thread))

    async def feedback(self, event_id: str, reward: float) -> None:
        await self.result("feedback", event_id=event_id, reward=reward)

    def memory(self) -> AbstractAsyncContextManager[CaseMemory]:
        return CaseMemory.open(self.folder / "bank", encoder=HashingEncoder(), policy="similarity", seed=0)

    async def result(self, task: str, **given: Any) -> dict[str, Any]:
        """Of a task that yields one."""
        (part,) = [part async for part in self.parts(task, **given)]
        assert isinstance(part, dict)
        return part

    async def parts(self, task: str, **given: Any) -> AsyncIterator[dict[str, Any]]:
        """What a task yields, as it does."""
        number = next(self._numbers)
        queue = self._waiting[number] = asyncio.Queue()
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"id": number, "task": task, **given}).encode() + b"\n")
        while (part := await queue.get()) is not None:
            if isinstance(part, Exception):
                raise part
            yield part

    async def aclose(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        await self._reading
        assert await self.process.wait() == 0

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            told = json.loads(line)
            self.at_work = told["pid"]
            if told["part"] is None:
                self.pids.append(told["pid"])
            self._waiting[told["id"]].put_nowait(told["part"])
        for queue in self._waiting.values():
            queue.put_nowait(AssertionError("the pool has ended"))


@asynccontextmanager
async def pool(folder: Path, base_url: str, n_workers: int = 3, *flags: str) -> AsyncIterator[Pool]:
    """Start one, with models from a provider."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.hosts.prefork_pool", str(folder), str(n_workers), *flags),
        cwd=ROOT,
        env={**os.environ, "OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": "sk-of-a-test"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LINE_BYTES,
        start_new_session=True,
    )
    running = Pool(folder, process)
    try:
        yield running
        await running.aclose()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
