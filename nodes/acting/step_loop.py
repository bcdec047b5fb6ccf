"""The step loop: plays one episode, from the reset to its end, within its budgets."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from memento.nodes.acting.actor import Actor, ActorStopped, Step
from memento.nodes.acting.environment import Environment, EnvironmentFailed, Observation
from memento.nodes.acting.guarded_environment import GuardedEnvironment
from memento.nodes.acting.offered_actions import OfferedActions
from memento.nodes.agent.deadlines import Abandoned, DeadlinePassed, within
from memento.nodes.agent.outages import NO_ANSWER
from memento.nodes.agent.work import Work
from memento.nodes.context import RunSettings
from memento.nodes.errors import ModelUnavailable, brief_reason
from memento.nodes.state import PromptCase, Run
from memento.nodes.usage import no_usage

ACT: Final = "act"
"""Name of an action in the run's record of tool calls, and in its `tool` events."""


_UNKNOWN: Final = frozenset({"environment", NO_ANSWER})
"""What ends an episode without telling what it was worth."""


class _Silence(DeadlinePassed):
    """Whoever acts did not answer for so long that this is no slowness."""


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
        """The score at its end, in [0, 1]; None where the environment failed, or the model did not answer."""
        if self.last is None or self.ended_by in _UNKNOWN:
            return None
        return min(1.0, max(0.0, self.last.score))


async def play(
    environment: Environment, actor: Actor, *, run: Run, cases: Sequence[PromptCase], settings: RunSettings, work: Work
) -> PlayedEpisode:
    """Play the episode of a run: reset, then actions until it is over or a budget is spent.

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
    world = GuardedEnvironment(environment, work.redact, settings.max_tool_seconds)
    actions = OfferedActions(has_repeats=settings.repeat_actions)
    steps: list[Step] = []
    first: Observation | None = None
    try:
        first = now = await world.reset(run.get("key") or run["task"])
        while not (now.is_over or now.is_won):
            if why := _ended_by(len(steps), settings, work):
                return PlayedEpisode(first, steps, why)
            offered = actions.offered(now)
            action = await _chosen(actor, work, run=run, cases=cases, steps=steps, now=offered)
            actions.take(now, action)
            work.report(ACT, {"action": action})
            work.charge(no_usage() | {"tool_calls": 1})
            now = await world.step(action)
            steps.append(Step(action, now))
    except DeadlinePassed as late:
        return PlayedEpisode(first, steps, NO_ANSWER if isinstance(late, _Silence) else work.seconds_ended_by())
    except ActorStopped as error:
        return PlayedEpisode(first, steps, error.why, brief_reason(error, work.redact))
    except EnvironmentFailed as error:
        return PlayedEpisode(first, steps, "environment", brief_reason(error, work.redact))
    return PlayedEpisode(first, steps)


def _ended_by(n_steps: int, settings: RunSettings, work: Work) -> str:
    if n_steps >= settings.max_steps:
        return "max_steps"
    return work.subtask.ended_by(n_calls=1) or work.run.ended_by(n_calls=1) or work.run.tools_ended_by()


async def _chosen(actor: Actor, work: Work, **given: Any) -> str:
    """Ask for the next action.

    Raises:
        DeadlinePassed: the time is up; `_Silence` where this one call took more than half of all the time there is.
    """
    seconds = work.seconds_left()
    try:
        return await within(seconds, actor.act(**given))
    except DeadlinePassed:
        if seconds > work.max_seconds / 2:
            raise _Silence from None
        raise
    except Abandoned:
        raise ModelUnavailable("the actor's call was cancelled") from None
