"""Worker process: runs the streams it is given, one after the other, and ends with its run.

Its run's process writes to its input: a job, then the name of a stream at a time, or that the run halts. An input that
ends without a word means that the run's process is gone, whatever ended it: then the worker ends too, within seconds.
"""

import asyncio
import json
import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TextIO

from memento.evals.configured import opened_subject
from memento.evals.environments.pool import EnvironmentPool
from memento.evals.environments.subject import specs_of
from memento.evals.runs.halt import Halt
from memento.evals.runs.result import TaskResult
from memento.evals.runs.runner import STREAMS
from memento.evals.runs.stream import Stream
from memento.evals.runs.worker_job import WorkerJob, told
from memento.evals.scorer import load_scorer
from memento.evals.subject import Subject, scored_with
from memento.memory.encoder import Encoder
from memento.memory.minilm.encoder import MiniLmEncoder

_PATIENCE_S = 5.0
"""How long a worker without a run may take to close what it has opened."""

WorkerMessage = dict[str, Any]


class _Worker:
    """Runs the streams of one process."""

    def __init__(self, job: WorkerJob, say: Callable[[WorkerMessage], None]) -> None:
        self._job = job
        self._say = say
        self._halt = Halt()
        self._given: asyncio.Queue[str | None] = asyncio.Queue()

    def hear(self, line: WorkerMessage) -> None:
        """Handle a line from the run: a stream, a stop signal, or the end."""
        if "halt" in line:
            self._halt.stop()
        else:
            self._given.put_nowait(line["stream"])

    async def work(self) -> None:
        """Run streams until there are no more."""
        job = self._job
        specs = await asyncio.to_thread(specs_of, job.plan.environments)
        async with (
            EnvironmentPool(specs, size=job.concurrency) as pool,
            opened_subject(
                job.subject,
                folder=job.folder,
                settings=job.plan.settings,
                pool=pool,
                environments=specs,
                arms=job.plan.arms,
            ) as (given, encoder, _),
        ):
            subject = scored_with(given, await asyncio.to_thread(load_scorer, job.scorer)) if job.scorer else given
            shared = encoder or MiniLmEncoder()
            while (name := await self._given.get()) is not None:
                await self._stream(name, subject, shared)
                self._say({"ended": name})

    async def _stream(self, name: str, subject: Subject, encoder: Encoder) -> None:
        job = self._job
        key = next(key for key in job.plan.streams() if key.name == name)
        folder = job.folder / STREAMS / name
        stream = Stream(key, plan=job.plan, tasks=job.tasks, subject=subject, folder=folder, encoder=encoder)
        await stream.run(slots=asyncio.Semaphore(job.concurrency), halt=self._halt, listen=self._tell)
        if self._halt.error is not None:
            raise self._halt.error

    def _tell(self, result: TaskResult) -> None:
        self._say({"result": result.model_copy(update={"held": None, "correction": None}).model_dump(mode="json")})


async def _main(job: WorkerJob, lines: TextIO, say: Callable[[WorkerMessage], None]) -> None:
    worker, loop, working = _Worker(job, say), asyncio.get_running_loop(), asyncio.current_task()

    def read() -> None:
        with suppress(RuntimeError):  # the loop has ended, and so will the process
            for text in lines:
                loop.call_soon_threadsafe(worker.hear, line := json.loads(text))
                if line.get("stream", "") is None:
                    return
            if working is not None:
                loop.call_soon_threadsafe(working.cancel)
            threading.Event().wait(_PATIENCE_S)
            os._exit(1)

    threading.Thread(target=read, daemon=True, name="memento-run").start()
    try:
        await worker.work()
    except Exception as error:  # noqa: BLE001  told to the run, which raises it
        say(told(error))


def _sayer() -> tuple[Callable[[WorkerMessage], None], Callable[[], None]]:
    """Return a non-blocking writer of lines to the run, and a function that waits until they are written.

    Whatever else is printed here goes to the error stream: the output is the run's to read.
    """
    output = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    lines: queue.SimpleQueue[WorkerMessage | None] = queue.SimpleQueue()

    def write() -> None:
        with suppress(OSError):  # nobody reads any more: the end of the input tells that, too
            while (line := lines.get()) is not None:
                output.write(json.dumps(line) + "\n")
                output.flush()

    thread = threading.Thread(target=write, daemon=True, name="memento-say")
    thread.start()

    def end() -> None:
        lines.put(None)
        thread.join()

    return lines.put, end


def main() -> None:
    """Read the job, and work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of a terminal: the run decides
    logging.basicConfig(level=logging.ERROR, format="%(name)s: %(message)s")
    say, end = _sayer()
    first = sys.stdin.readline()
    if not first:
        return
    job = WorkerJob.model_validate_json(first)
    sys.path[:] = job.path
    with suppress(asyncio.CancelledError):
        asyncio.run(_main(job, sys.stdin, say))
    end()
    os._exit(0)  # everything is closed; an orderly end would wait for the thread that reads the input


if __name__ == "__main__":
    main()
