"""The step loop: plays one episode, from the reset to its end, within its budgets."""

from collections.abc import Coroutine, Sequence
from math import isfinite
from typing import Any, Final, NamedTuple

from memento.memory.case import storable
from memento.memory.errors import InvalidInput
from memento.nodes.acting.actor import Actor, ActorStopped, Step
from memento.nodes.acting.environment import Environment, EnvironmentFailed, Observation
from memento.nodes.agent.deadlines import Abandoned, DeadlinePassed, within
from memento.nodes.agent.work import Work
from memento.nodes.context import RunSettings
from memento.nodes.errors import ModelUnavailable, brief_reason
from memento.nodes.fences import harmless
from memento.nodes.foreign_errors import is_control_flow, told
from memento.nodes.redaction import Redact
from memento.nodes.state import PromptCase, Run
from memento.nodes.usage import no_usage

ACT: Final = "act"
"""Name of an action in the run's record of tool calls, and in its `tool` events."""


class PlayedEpisode(NamedTuple):
    """An episode that was played."""

    first: Observation | None = None
    """None where the environment failed before it showed anything."""
    steps: Sequence[Step] = ()
    ended_by: str = ""
    """What ended it early, by its name in `notes.WHY_ENDED`; empty where the environment ended it."""
    detail: str = ""
    """Why the environment failed, or the actor stopped."""

    @property
    def last(self) -> Observation | None:
        """The newest observation."""
        return self.steps[-1].observation if self.steps else self.first

    @property
    def score(self) -> float | None:
        """The score at its end, in [0, 1]; None where the environment failed."""
        if self.last is None or self.ended_by == "environment":
            return None
        return min(1.0, max(0.0, self.last.score))


async def play(
    environment: Environment, actor: Actor, *, run: Run, cases: Sequence[PromptCase], settings: RunSettings, work: Work
) -> PlayedEpisode:
    """Play the episode of a run: reset, then actions until it is over or a budget is spent.

    Where the environment names valid actions, one is offered only once in a situation (the same text and the same valid
    actions), unless all of them were taken there or the run allows repeats: small models go in circles otherwise.

    Args:
        environment: of this run alone.
        actor: is asked for each action.
        run: `run["key"]` names the episode, else its task.
        cases: served, best first.
        settings: of the run.
        work: budgets, and where events go.

    Raises:
        InvalidInput: the environment has no such task.
        ModelError: the actor's model cannot be asked; a resumed run plays from the reset again.
    """
    world = _World(environment, work.redact, settings.max_tool_seconds)
    steps: list[Step] = []
    taken: dict[tuple[str, tuple[str, ...]], set[str]] = {}
    first: Observation | None = None
    try:
        first = now = await world.reset(run.get("key") or run["task"])
        while not (now.is_over or now.is_won):
            if why := _ended_by(len(steps), settings, work):
                return PlayedEpisode(first, steps, why)
            before = taken.setdefault((now.text, now.valid), set())
            offered = now if settings.repeat_actions else _without(now, before)
            action = await _chosen(actor, work, run=run, cases=cases, steps=steps, now=offered)
            before.add(action)
            work.report(ACT, {"action": action})
            work.charge(no_usage() | {"tool_calls": 1})
            now = await world.step(action)
            steps.append(Step(action, now))
    except DeadlinePassed:
        return PlayedEpisode(first, steps, work.seconds_ended_by())
    except ActorStopped as error:
        return PlayedEpisode(first, steps, error.why, brief_reason(error, work.redact))
    except EnvironmentFailed as error:
        return PlayedEpisode(first, steps, "environment", brief_reason(error, work.redact))
    return PlayedEpisode(first, steps)


def _ended_by(n_steps: int, settings: RunSettings, work: Work) -> str:
    if n_steps >= settings.max_steps:
        return "max_steps"
    return work.subtask.ended_by(n_calls=1) or work.run.ended_by(n_calls=1) or work.run.tools_ended_by()


def _without(now: Observation, taken: set[str]) -> Observation:
    left = tuple(action for action in now.valid if action not in taken) if taken else ()
    return now._replace(valid=left) if left else now


async def _chosen(actor: Actor, work: Work, **given: Any) -> str:
    try:
        return await within(work.seconds_left(), actor.act(**given))
    except Abandoned:
        raise ModelUnavailable("the actor's call was cancelled") from None


class _World:
    """An environment whose every failure is `EnvironmentFailed`, and whose texts hold no secrets.

    Its valid actions stand in schemas and in replies, where no fence is: what stands for a tag or a role in them is
    shown in another form, and sent in theirs.
    """

    def __init__(self, environment: Environment, redact: Redact, seconds: float) -> None:
        self._environment = environment
        self._redact = redact
        self._seconds = seconds
        self._actions: dict[str, str] = {}
        """Valid actions by the form in which they are shown, where it is another one."""

    async def reset(self, key: str) -> Observation:
        return await self._called(self._environment.reset(key))

    async def step(self, action: str) -> Observation:
        return await self._called(self._environment.step(self._actions.get(action, action)))

    async def _called(self, call: Coroutine[Any, Any, Observation]) -> Observation:
        try:
            return self._shown(await within(self._seconds, call))
        except (EnvironmentFailed, InvalidInput):
            raise
        except DeadlinePassed:
            raise EnvironmentFailed(f"it did not answer within {self._seconds:g} s") from None
        except Abandoned:
            raise EnvironmentFailed("it cancelled itself") from None
        except Exception as error:  # the host's code, which may raise anything
            if is_control_flow(error):
                raise
            raise EnvironmentFailed(told(error, self._redact)) from error

    def _shown(self, seen: Observation) -> Observation:
        if not isfinite(seen.score):
            raise EnvironmentFailed(f"it gave the score {seen.score}")
        text = self._redact(storable(seen.text))
        self._actions = {}
        # Secrets are read for every text: all actions are looked through at once.
        together = "\n".join(seen.valid)
        if self._safe(together) == together:
            return seen._replace(text=text, valid=tuple(seen.valid))
        self._actions = {self._safe(action): action for action in seen.valid}
        return seen._replace(text=text, valid=tuple(self._actions))

    def _safe(self, action: str) -> str:
        return harmless(self._redact(storable(action)))
