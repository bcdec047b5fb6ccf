"""Custom scorers of the host: unit tests, query results, anything that grades an answer."""

import asyncio
import contextlib
import contextvars
import inspect
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import deepcopy
from functools import partial
from typing import Any, Final, Protocol, TypeAlias

from memento.nodes.agent.deadlines import Abandoned, DeadlinePassed, within
from memento.nodes.foreign_errors import is_control_flow, told
from memento.nodes.redaction import Redact
from memento.nodes.scoring.grade import Grade, unknown

ScorerResult: TypeAlias = float | bool | Grade | None
"""A reward in [0, 1], right or wrong, None when it cannot be known, or an `Grade` with confidence and reason."""

_REASON_CHARS: Final = 500
"""Of a scorer's reason: it becomes the lesson of a case."""
_LONGEST_S: Final = 604_800.0
BESIDE: Final = ("run", "results")
"""Keywords that a scorer may take."""
_N_GIVEN: Final = 3
"""Task, answer and references, which every scorer is given by position."""


class Scorer(Protocol):
    """Protocol of a custom scorer: a function or callable object; a synchronous one runs in a thread.

    One with a keyword `run` or `results`, or any keywords, is given the run (its task, key, references, settings), or
    the results of its subtasks with their tool calls. Both are copies.
    """

    def __call__(self, task: str, answer: str, references: Sequence[str], /) -> ScorerResult | Awaitable[ScorerResult]:
        """Grade an answer.

        Args:
            task: what was asked.
            answer: never empty.
            references: accepted answers; empty when none is known.
        """
        ...


async def scored_by(
    scorer: Scorer,
    task: str,
    answer: str,
    references: Sequence[str],
    *,
    beside: Mapping[str, Any] | None = None,
    redact: Redact = str,
    seconds: float = _LONGEST_S,
) -> Grade:
    """Call a scorer with a time limit.

    A scorer that fails, hangs, or returns something that is not a reward leaves it unknown, and never fails the answer.

    Args:
        scorer: the host's own.
        task: what was asked.
        answer: to grade.
        references: accepted answers.
        beside: `run` and `results`, for scorers that take them.
        redact: takes secrets out of what it says.
        seconds: it may take.
    """
    try:
        taken = {name: deepcopy(value) for name, value in (beside or {}).items() if takes(scorer, name)}
        return _evaluation(await within(seconds, _called(scorer, task, answer, references, taken)), redact)
    except DeadlinePassed:
        why = f"it did not answer within {max(seconds, 0.0):.3g} s"
    except Abandoned:
        why = "it cancelled itself"
    except Exception as error:  # it is the host's code, and may raise anything
        if is_control_flow(error):
            raise
        why = told(error, redact)
    return unknown("custom", f"the scorer failed: {why}")


def takes(scorer: Callable[..., Any], name: str) -> bool:
    """Whether a scorer can be given this keyword; one written in C, which does not say what it takes, cannot.

    Its first three parameters are task, answer and references, whatever their names are.
    """
    try:
        parameters = list(inspect.signature(scorer).parameters.values())
    except (TypeError, ValueError):
        return False
    positional = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    beyond = [one for one in positional[_N_GIVEN:] if one.kind is one.POSITIONAL_OR_KEYWORD]
    by_name = [*beyond, *(one for one in parameters if one.kind is one.KEYWORD_ONLY)]
    has_any = any(one.kind is one.VAR_KEYWORD for one in parameters)
    is_taken = any(one.name == name for one in positional[:_N_GIVEN])
    return any(one.name == name for one in by_name) or (has_any and not is_taken)


async def _called(scorer: Scorer, task: str, answer: str, references: Sequence[str], beside: Mapping[str, Any]) -> Any:
    is_async = inspect.iscoroutinefunction(scorer) or inspect.iscoroutinefunction(type(scorer).__call__)
    called: Callable[..., Any] = partial(scorer, **beside) if beside else scorer
    given: Any = called if is_async else partial(_in_thread, called)
    try:
        grade = await given(task, answer, list(references))
        return await grade if inspect.isawaitable(grade) else grade
    except SystemExit as error:  # of a test runner, for one: it would end the whole process
        raise RuntimeError(f"it called exit({error.code!r})") from error


async def _in_thread(scorer: Callable[..., Any], *given: Any) -> Any:
    """Call a function in a daemon thread, which does not block the process's exit if it hangs."""
    loop, context = asyncio.get_running_loop(), contextvars.copy_context()
    done: asyncio.Future[Any] = loop.create_future()

    def settle(grade: Any, error: BaseException | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(grade)
        else:
            done.set_exception(RuntimeError(repr(error)) if isinstance(error, StopIteration) else error)

    def work() -> None:
        grade, error = None, None
        try:
            grade = context.run(scorer, *given)
        except BaseException as raised:  # noqa: BLE001  raised again by whoever waits
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, grade, error)

    threading.Thread(target=work, name="memento-scorer", daemon=True).start()
    return await done


def _evaluation(grade: Any, redact: Redact) -> Grade:
    if isinstance(grade, Grade):
        given, reason = grade, redact(grade.reason)[:_REASON_CHARS]
    elif grade is None or hasattr(grade, "__float__"):
        given, reason = Grade(grade, "custom"), ""
    else:
        return unknown("custom", f"the scorer gave a {type(grade).__name__}, not a reward from 0 to 1")
    if given.reward is None:
        return unknown("custom", reason or "the scorer gave no reward")
    reward, confidence = float(given.reward), float(given.confidence)
    if not (0 <= reward <= 1 and 0 <= confidence <= 1):
        return unknown("custom", f"the scorer gave reward={reward:g}, confidence={confidence:g}: not from 0 to 1")
    return Grade(reward, "custom", confidence, reason)
