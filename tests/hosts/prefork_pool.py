"""Worker processes as Celery's prefork pool has them: `python -m tests.hosts.prefork_pool FOLDER WORKERS [inherited]`.

Tasks are JSON, one a line, on standard input; each goes to the next worker in turn, so that no two in a row are carried
out by the same process. What they yield is JSON on standard output, with the id of the task. Each worker opens the
memory and the threads after the fork. With `inherited`, the pool opens a memory before it forks, which is the mistake.
"""

import json
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from itertools import cycle
from pathlib import Path
from typing import Any, Final

from langchain_core.messages import HumanMessage
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command

from memento.graph.deps import Deps
from memento.graph.workflow import MementoGraph, build_graph
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import MementoError
from memento.memory.sync_case_memory import SyncCaseMemory
from memento.nodes.context import Context
from tests.hashing_encoder import HashingEncoder

_SURE: Final[dict[str, Any]] = {"durability": "sync"}
"""A checkpoint is written before the next step begins: after a kill, no step that had ended is repeated."""
_printing = threading.Lock()


def opened(bank: Path) -> SyncCaseMemory:
    """A memory of the pool's bank."""
    return CaseMemory.open_sync(bank, encoder=HashingEncoder(), policy="similarity", seed=0)


class Tasks:
    """The tasks of one worker."""

    def __init__(self, memory: SyncCaseMemory, graph: MementoGraph) -> None:
        self.memory, self.graph = memory, graph

    def ask(self, text: str, thread: str, *, approve_plan: bool = False, reference: str | None = None) -> Iterator[Any]:
        given: Any = {"messages": [HumanMessage(text)], "reference": reference}
        context = Context(approve_plan=approve_plan)
        yield _told(self.graph.invoke(given, _on(thread), context=context, **_SURE))

    def stream(self, text: str, thread: str) -> Iterator[Any]:
        given: Any = {"messages": [HumanMessage(text)]}
        modes: Any = ["custom", "values"]
        result: Any = {}
        for mode, part in self.graph.stream(given, _on(thread), stream_mode=modes, **_SURE):
            if mode == "custom":
                yield {"event": part["event"]}
            else:
                result = part
        yield _told(result)

    def resume(self, reply: Any, thread: str) -> Iterator[Any]:
        approving = Context(approve_plan=True)
        yield _told(self.graph.invoke(Command(resume=reply), _on(thread), context=approving, **_SURE))

    def again(self, thread: str) -> Iterator[Any]:
        """Carry out a task once more whose worker was killed: from where its thread stopped."""
        yield _told(self.graph.invoke(None, _on(thread), **_SURE))

    def feedback(self, event_id: str, reward: float) -> Iterator[Any]:
        yield {"case_id": self.memory.feedback(event_id, reward, evaluator="human")}

    def read(self, text: str) -> Iterator[Any]:
        yield {"n_cases": len(self.memory.read(text).cases)}


def work(tasks: Any, results: Any, folder: Path, inherited: SyncCaseMemory | None) -> None:
    """Carry out tasks until there is None."""
    with ExitStack() as stack:
        memory = inherited or stack.enter_context(opened(folder / "bank"))
        saver = stack.enter_context(SqliteSaver.from_conn_string(str(folder / "threads.sqlite")))
        models = {"planner": "openai:stub", "executor": "openai:stub", "judge": "openai:stub"}
        own = Tasks(memory, build_graph(Deps(memory=memory, **models), checkpointer=saver))
        while (task := tasks.get()) is not None:
            number = task.pop("id")
            carry_out: Callable[..., Iterator[Any]] = getattr(own, task.pop("task"))
            try:
                for part in carry_out(**task):
                    results.send({"id": number, "pid": os.getpid(), "part": part})
            except MementoError as error:
                results.send(
                    {"id": number, "pid": os.getpid(), "part": {"error": type(error).__name__, "why": str(error)}}
                )
            results.send({"id": number, "pid": os.getpid(), "part": None})


def main(folder: Path, n_workers: int, *, is_inherited: bool) -> None:
    """Fork the workers, hand out tasks until standard input ends, wait for all."""
    with ExitStack() as stack:
        inherited = stack.enter_context(opened(folder / "bank")) if is_inherited else None
        forking = multiprocessing.get_context("fork")
        queues = [forking.SimpleQueue() for _ in range(n_workers)]
        pipes = [forking.Pipe(duplex=False) for _ in range(n_workers)]  # one each: a killed worker leaves no lock held
        workers = [
            forking.Process(target=work, args=(queue, results, folder, inherited))
            for queue, (_, results) in zip(queues, pipes, strict=True)
        ]
        for worker in workers:
            worker.start()
        for _, results in pipes:
            results.close()
        threading.Thread(target=_hand_out, args=(workers, queues), daemon=True).start()
        printing = [threading.Thread(target=_print, args=(results,)) for results, _ in pipes]
        for thread in printing:
            thread.start()
        for thread in printing:
            thread.join()


def _hand_out(workers: list[Any], queues: list[Any]) -> None:
    """To each worker in turn that has not been killed."""
    turns = cycle(zip(workers, queues, strict=True))
    for line in sys.stdin:
        next(queue for worker, queue in turns if worker.is_alive()).put(json.loads(line))
    for queue in queues:
        queue.put(None)


def _print(results: Any) -> None:
    """Until the worker has ended."""
    with suppress(EOFError):
        while True:
            line = json.dumps(results.recv()) + "\n"
            with _printing:
                sys.stdout.write(line)
                sys.stdout.flush()


def _on(thread: str) -> Any:
    return {"configurable": {"thread_id": thread}}


def _told(result: dict[str, Any]) -> dict[str, Any]:
    if waiting := [one.value for one in result.get("__interrupt__", ())]:
        return {"answer": "", "event_id": None, "waiting": waiting}
    return {"answer": result["answer"], "event_id": result["event_id"], "waiting": []}


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), is_inherited="inherited" in sys.argv[3:])
