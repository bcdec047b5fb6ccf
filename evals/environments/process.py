"""A child process in which an environment's program runs: JSON lines over stdin and stdout, with a time limit each.

A program that hangs is killed with everything that it started; one that has crashed is started again by the next
request that allows it. When this process ends, in whatever way, the end of the child's stdin tells the child to end
too. The child runs in a folder of its own and gets no variables but those it needs: keys and passwords stay here.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from typing import Any, Final

from memento.memory.shielded import shielded
from memento.nodes.acting.environment import EnvironmentFailed

_LONGEST_LINE: Final = 1 << 24
_LAST_WORDS_S: Final = 5.0
"""For a killed process to be gone, on a busy machine."""

_PASSED_ON: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "JAVA_HOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")


class ProgramProcess:
    """The child process of one program, started when it is first needed."""

    def __init__(self, program: str, *, start_limit_s: float) -> None:
        """Prepare; starts nothing.

        Args:
            program: its name in child.py.
            start_limit_s: what the first request after a start may take longer.
        """
        self._program = program
        self._start_limit_s = start_limit_s
        self._process: Process | None = None
        self._folder = ""

    @property
    def pid(self) -> int | None:
        """Of the child, which leads a process group of its own; None when none runs."""
        return self._process.pid if self._process is not None else None

    async def ask(self, request: dict[str, Any], *, limit_s: float, may_start: bool) -> dict[str, Any]:
        """Send a request and return the answer.

        Args:
            request: JSON values.
            limit_s: after this time the child is killed.
            may_start: whether a child that does not run is started; else that is a failure.

        Raises:
            EnvironmentFailed: the child crashed, hung, or cannot be started.
        """
        if self._process is None:
            if not may_start:
                raise EnvironmentFailed(f"{self._program} does not run; reset starts it afresh")
            self._process = await self._started()
            limit_s += self._start_limit_s
        try:
            async with asyncio.timeout(limit_s):
                answer = await self._exchange(self._process, request)
        except TimeoutError:
            await self.end()
            raise EnvironmentFailed(f"{self._program} gave no answer within {limit_s:g} s and was ended") from None
        except BaseException:  # a cancelled caller, too: its answer would be taken for that of the next request
            await self.end()
            raise
        if "failed" in answer:
            await self.end()
            raise EnvironmentFailed(f"{self._program} failed: {answer['failed']}")
        return answer

    async def end(self) -> None:
        """Kill the child and what it has started, and wait until they are gone."""
        process, self._process = self._process, None
        if process is not None:
            await shielded(_killed(process, self._folder))

    async def _started(self) -> Process:
        if not hasattr(os, "killpg"):
            raise EnvironmentFailed(f"{self._program} runs in a process group, which needs Linux or macOS")
        self._folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="memento-environment-")
        try:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-W", "ignore", "-m", "memento.evals.environments.child"),
                *(self._program, self._folder),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                cwd=self._folder,
                env={name: os.environ[name] for name in _PASSED_ON if name in os.environ} | {"OMP_NUM_THREADS": "1"},
                start_new_session=True,
                limit=_LONGEST_LINE,
            )
        except BaseException as error:  # a cancelled caller, too
            await shielded(asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True))
            if isinstance(error, OSError):
                raise EnvironmentFailed(f"{self._program} cannot be started: {error}") from error
            raise

    async def _exchange(self, process: Process, request: dict[str, Any]) -> dict[str, Any]:
        assert process.stdin is not None  # noqa: S101 - it was started with pipes
        assert process.stdout is not None  # noqa: S101
        with contextlib.suppress(ConnectionError):  # it has ended; its status tells how
            process.stdin.write(json.dumps(request).encode() + b"\n")
            await process.stdin.drain()
        line = await process.stdout.readline()
        if not line.endswith(b"\n"):
            status = await process.wait()
            raise EnvironmentFailed(f"the process of {self._program} ended (exit status {status})")
        answer: dict[str, Any] = json.loads(line)
        return answer


async def _killed(process: Process, folder: str) -> None:
    assert process.stdout is not None  # noqa: S101 - it was started with pipes
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.stdin is not None:
        process.stdin.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LAST_WORDS_S):
            with contextlib.suppress(RuntimeError):  # a request waits for its answer, and reads to the end itself
                while await process.stdout.read(1 << 16):  # asyncio reports the exit only after the pipes are closed
                    pass
            await process.wait()
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
