"""The child process of an environment's program: reads requests from stdin, answers on stdout, one JSON line each.

Arguments: the program's name, and the folder that it runs in, made for it. It ends with its whole process group when
its stdin does, even in the middle of a request, and removes the folder, so that nothing is left when the parent was
killed. What a library prints goes to stderr.
"""

import json
import os
import queue
import shutil
import signal
import sys
import threading
from typing import Any

from memento.evals.environments.worlds.world import World


def world_of(program: str) -> World:
    """Make the world of a program; imports what it needs."""
    if program == "textworldexpress":
        from memento.evals.environments.worlds.textworld_express_world import TextWorldExpressWorld

        return TextWorldExpressWorld()
    if program == "scienceworld":
        from memento.evals.environments.worlds.science_world import ScienceWorld

        return ScienceWorld()
    if program == "babyai":
        from memento.evals.environments.worlds.baby_ai_world import BabyAIWorld

        return BabyAIWorld()
    if program == "bfcl":
        from memento.evals.environments.worlds.bfcl_world import BfclWorld

        return BfclWorld()
    raise ValueError(f"there is no program {program!r}")


def answer(world: World, request: dict[str, Any]) -> dict[str, Any]:
    """Carry out one request."""
    if "step" in request:
        return world.step(request["step"])._asdict()
    if "reset" in request:
        return world.reset(request["reset"], request["max_steps"])._asdict()
    key, max_steps = request["describe"], request["max_steps"]
    first = world.reset(key, max_steps)
    said = first._asdict() | {"description": world.description()}
    walkthrough = world.walkthrough(key)
    return said | {"walkthrough": walkthrough if len(walkthrough) <= max_steps else []}


def main() -> None:
    """Answer requests until stdin ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    program, folder = sys.argv[1:]
    requests: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(requests, folder), daemon=True).start()
    world: World | None = None
    while True:
        line = requests.get()
        try:
            world = world or world_of(program)
            said = answer(world, json.loads(line))
        except Exception as error:  # noqa: BLE001  whatever a program raises: the parent ends this process
            said = {"failed": f"{type(error).__name__}: {str(error)[:300]}"}
        answers.write(json.dumps(said) + "\n")
        answers.flush()


def _read(requests: "queue.SimpleQueue[str]", folder: str) -> None:
    for line in sys.stdin:
        requests.put(line)
    shutil.rmtree(folder, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
