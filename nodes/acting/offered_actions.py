"""Which valid actions are offered in a situation: one that was taken there before is left out."""

from memento.nodes.acting.environment import Observation


class OfferedActions:
    """The actions taken in each situation of one episode.

    Where the environment names valid actions, one is offered only once in a situation (the same text and the same valid
    actions), unless all of them were taken there or the run allows repeats: small models go in circles otherwise.
    """

    def __init__(self, *, has_repeats: bool) -> None:
        """Begin an episode.

        Args:
            has_repeats: whether actions are offered again, as `Context.repeat_actions` says.
        """
        self._has_repeats = has_repeats
        self._taken: dict[tuple[str, frozenset[str]], set[str]] = {}

    def offered(self, now: Observation) -> Observation:
        """Return an observation with the actions that are offered."""
        taken = self._taken.get(now.situation)
        if self._has_repeats or not taken:
            return now
        left = tuple(action for action in now.valid if action not in taken)
        return now._replace(valid=left) if left else now

    def take(self, now: Observation, action: str) -> None:
        """Note an action.

        Args:
            now: the environment's own observation, before it.
            action: that is taken.
        """
        self._taken.setdefault(now.situation, set()).add(action)
