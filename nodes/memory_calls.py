"""Calls of the case memory with a time limit; any failure becomes one error that does not end the run."""

import inspect
import math
import warnings
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from memento.memory.errors import InvalidInput, UnknownEvent
from memento.memory.experience import Experience
from memento.memory.forks import Written
from memento.nodes.agent.deadlines import Abandoned, DeadlinePassed, within
from memento.nodes.foreign_errors import is_control_flow, told
from memento.nodes.redaction import Redact
from memento.nodes.sources import RunMemory
from memento.nodes.state import Run

_MOST_S: Final = 300.0
"""A first read loads an encoder and what was learned; what takes longer hangs."""
_LEAST_S: Final = 60.0

T = TypeVar("T")


class MemoryFailed(Exception):
    """A call of the memory failed; the message says why, without secrets. Never leaves a node."""


def memory_seconds(run: Run) -> float:
    """Return how long a run waits for its memory: at most its own time, at least a minute."""
    return min(_MOST_S, max(_LEAST_S, float(run["settings"]["run_max_seconds"])))


async def of_memory(ask: Callable[[], Awaitable[T]], redact: Redact, *, seconds: float = math.inf) -> T:
    """Call the memory and wait for its result.

    Args:
        ask: asks it.
        redact: takes secrets out of what it says.
        seconds: it may take; opening a memory may take any time.

    Raises:
        MemoryFailed: whatever it raised, its encoder's and its database's exceptions included, or too late.
        InvalidInput: the caller's mistake.
    """

    async def waited() -> T:
        return await ask()

    try:
        return await (waited() if seconds == math.inf else within(seconds, waited()))
    except DeadlinePassed:
        raise MemoryFailed(f"the memory did not answer within {seconds:.3g} s") from None
    except Abandoned:
        raise MemoryFailed("the memory's work cancelled itself") from None
    except UnknownEvent as error:
        raise MemoryFailed(told(error, redact)) from error
    except InvalidInput:
        raise
    except Exception as error:
        if is_control_flow(error):
            raise
        raise MemoryFailed(told(error, redact)) from error


async def write_experience(memory: RunMemory, experience: Experience) -> Written:
    """Write an experience to the memory of a run.

    A host's own memory without `write_attempt` refuses what is no first attempt. One that was written for release 0.1
    takes keywords only, and gets them for one release more.
    """
    apart: Callable[[Experience], Awaitable[Written]] | None = getattr(memory, "write_attempt", None)
    if apart is not None:
        return await apart(experience)
    try:
        inspect.signature(memory.write).bind(experience)
    except TypeError:
        message = "`RunMemory.write` now takes one Experience; its keywords are no longer used from release 0.3 on"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        arguments = experience.as_arguments()
        if not experience.left_out:  # it may not know of it
            del arguments["left_out"]
        arguments.pop("reflection", None)  # it does not, and the experience counts for more than its lesson
        case_id = await memory.write(**arguments)  # type: ignore[call-arg]
    else:
        case_id = await memory.write(experience)
    return Written(case_id, experience.event_id, None)
