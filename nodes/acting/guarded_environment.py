"""An environment of the host as the executor uses it: every failure is named, and no text holds a secret."""

from collections.abc import Coroutine
from math import isfinite
from typing import Any

from memento.memory.case import storable
from memento.memory.errors import InvalidInput
from memento.nodes.acting.environment import Environment, EnvironmentFailed, Observation
from memento.nodes.agent.deadlines import Abandoned, DeadlinePassed, within
from memento.nodes.fences import harmless
from memento.nodes.foreign_errors import is_control_flow, told
from memento.nodes.redaction import Redact


class GuardedEnvironment:
    """An environment whose every failure is `EnvironmentFailed`, and whose texts hold no secrets.

    Its valid actions stand in schemas and in replies, where no fence is: what stands for a tag or a role in them is
    shown in another form, and sent in theirs.
    """

    def __init__(self, environment: Environment, redact: Redact, seconds: float) -> None:
        """Wrap an environment; calls nothing.

        Args:
            environment: of one run alone.
            redact: takes secrets out of texts.
            seconds: that a reset or a step may take.
        """
        self._environment = environment
        self._redact = redact
        self._seconds = seconds
        self._actions: dict[str, str] = {}
        """Valid actions by the form in which they are shown, where it is another one."""

    async def reset(self, key: str) -> Observation:
        """Begin the episode of a task."""
        return await self._called(self._environment.reset(key))

    async def step(self, action: str) -> Observation:
        """Take one action, in the form in which it was shown."""
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
