"""Runs an evaluation in several worker processes; plan, folder and budget are shared."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from memento.evals.runs.halt import Halt
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.runs.runner import RunEnd, load_results
from memento.evals.runs.worker_job import WorkerJob, cores_per_worker, heard
from memento.evals.task import EvalTask
from memento.memory.errors import MementoError

_LONGEST_LINE = 1 << 26
_PATIENCE_S = 20.0
"""How long workers may take to close what they have opened, before they are killed."""


class WorkerRunner:
    """Runs a plan like `EvalRunner`, in several processes; results do not depend on their number."""

    def __init__(
        self,
        plan: RunPlan,
        *,
        tasks: Sequence[EvalTask],
        subject: str | None,
        scorer: str | None = None,
        folder: Path,
        processes: int,
        concurrency: int = 8,
        budget_usd: float | None = None,
    ) -> None:
        """Prepare; starts nothing.

        Args:
            plan: what is run.
            tasks: those of the plan.
            subject: `package.module:function`, which each process calls for itself; None for the configured agent.
            scorer: `package.module:function` of a scorer of one's own.
            folder: of the run.
            processes: how many at most; a stream is not divided, so no more than there are streams are started.
            concurrency: how many tasks are at work at most, in all processes together; each has at least one.
            budget_usd: what the run may cost, earlier sessions included.
        """
        self.plan = plan
        self.folder = folder
        self.n_tasks = sum(sum(1 for _ in plan.visits(tasks, key.seed)) for key in plan.streams())
        n_streams = len(plan.streams())
        self.n_processes = max(1, min(processes, n_streams))
        self.notices: list[str] = []
        """What to tell before it begins."""
        if processes > n_streams:
            self.notices.append(
                f"{n_streams} of {processes} processes are used: the run has {n_streams} streams "
                "(one per arm and seed), and a stream is worked on by one process"
            )
        self._budget_usd = budget_usd
        self._job = WorkerJob(
            plan=plan,
            tasks=list(tasks),
            folder=folder.absolute(),
            subject=subject,
            scorer=scorer,
            concurrency=max(1, concurrency // self.n_processes),
            path=sys.path,
        )

    async def run(self, listen: Callable[[TaskResult], None] = lambda result: None) -> RunEnd:
        """Run until everything is done or the budget is spent; `listen` as in `EvalRunner.run`.

        Raises:
            InvalidInput: the folder holds another run, or is damaged.
            MementoError: as in `EvalRunner.run`, or a process was ended from outside; what was finished is kept.
        """
        await asyncio.to_thread(self.plan.save, self.folder)
        earlier = await asyncio.to_thread(lambda: list(load_results(self.folder, self.plan)))
        halt = Halt(budget_usd=self._budget_usd, spent_usd=sum(one.usage["cost_usd"] for one in earlier))
        for result in earlier:
            listen(result)
        n_done = len(earlier)
        del earlier

        def take(result: TaskResult) -> None:
            nonlocal n_done
            n_done += 1
            halt.spend(result.usage["cost_usd"])
            listen(result)
            if halt.is_set:
                self._halt(workers)

        streams = deque(key.name for key in self.plan.streams())
        workers = [_Worker() for _ in range(self.n_processes)]
        job = self._job.model_dump_json()
        try:
            async with asyncio.TaskGroup() as group:
                for worker in workers:
                    group.create_task(self._run(worker, job, streams, halt, take, workers))
        finally:
            await asyncio.shield(asyncio.gather(*(worker.end() for worker in workers)))
        if halt.error is not None:
            raise halt.error
        is_complete = n_done == self.n_tasks
        return RunEnd(is_complete, halt.is_over_budget and not is_complete, halt.spent_usd)

    async def _run(
        self,
        worker: "_Worker",
        job: str,
        streams: deque[str],
        halt: Halt,
        take: Callable[[TaskResult], None],
        workers: "list[_Worker]",
    ) -> None:
        try:
            await worker.start(job, cores=cores_per_worker(self.n_processes))
            while streams and not halt.is_set:
                await worker.work(streams.popleft(), take)
        except Exception as error:  # noqa: BLE001  raised again once the others have finished their tasks
            halt.error = halt.error or error
            self._halt(workers)

    def _halt(self, workers: "list[_Worker]") -> None:
        for worker in workers:
            worker.say({"halt": True})


class _Worker:
    """A worker process, as seen from the run."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._is_busy = False

    async def start(self, job: str, *, cores: int) -> None:
        """Start the process, limited to so many cores unless the environment says how many."""
        environment = {"OMP_NUM_THREADS": str(cores)} | os.environ
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-W", "ignore", "-m", "memento.evals.runs.worker"),
            stdin=PIPE,
            stdout=PIPE,
            limit=_LONGEST_LINE,
            env=environment,
        )
        self._write(job)

    def say(self, line: dict[str, Any]) -> None:
        """Send it a line, if it is alive."""
        self._write(json.dumps(line))

    async def work(self, stream: str, take: Callable[[TaskResult], None]) -> None:
        """Run a stream in the worker to its end, or until it halts.

        Raises:
            MementoError: what went wrong there, or it was ended from outside.
        """
        assert self._process is not None  # noqa: S101  started
        assert self._process.stdout is not None  # noqa: S101  asked for
        self._is_busy = True
        self.say({"stream": stream})
        async for text in self._process.stdout:
            line = json.loads(text)
            if "result" in line:
                take(TaskResult.model_validate(line["result"]))
            elif "error" in line:
                raise heard(line)
            else:
                self._is_busy = False
                return
        code = await self._process.wait()
        raise MementoError(
            f"a worker process ended before its work did (exit status {code}: out of memory?); "
            "what was finished is kept, the same command resumes the run"
        )

    async def end(self) -> None:
        """Stop the worker and wait for its end; its current task is aborted."""
        process = self._process
        if process is None:
            return
        if not self._is_busy:
            self.say({"stream": None})
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                if process.stdout is not None:
                    await process.stdout.read()  # what it says now, nobody needs
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def _write(self, line: str) -> None:
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(line.encode() + b"\n")
