"""Port of actors: who chooses the next action of an episode."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from memento.nodes.acting.environment import Observation
from memento.nodes.state import PromptCase, Run


class ActorStopped(Exception):
    """The actor takes no further action: the episode ends, with the score that it has.

    Attributes:
        why: what ended it, by its name in `notes.WHY_ENDED`.
    """

    def __init__(self, message: str = "", *, why: str = "actor") -> None:
        super().__init__(message)
        self.why = why


class Step(NamedTuple):
    """An action that was taken."""

    action: str
    observation: Observation
    """What it led to."""


class Actor(Protocol):
    """Chooses actions without a model of ours: replays a case, draws lots, asks a model of its own.

    One actor serves all runs of a graph at once, so it keeps nothing of an episode: `steps` holds what was done in it.
    Without an actor of the host, the executor's model acts.

    One whose `act` takes `step_cases` too is given the cases of similar situations, best first, where a run wants them
    (`Context.step_k`).
    """

    async def act(self, *, run: Run, cases: Sequence[PromptCase], steps: Sequence[Step], now: Observation) -> str:
        """Return the next action; one that is not valid is sent to the environment as it is.

        Args:
            run: its task and settings.
            cases: the served cases, best first.
            steps: of this episode so far, oldest first.
            now: the newest observation, which is the last step's where there is one. Without `Context.repeat_actions`,
                its valid actions lack those that were taken in the same situation, unless all were.

        Raises:
            ActorStopped: it takes no further action.
        """
        ...
