"""Plays levels of BabyAI; what is seen and what can be done is told in words."""

from typing import Any, Final

import minigrid.envs.babyai
from minigrid.utils.baby_ai_bot import BabyAIBot

from memento.evals.environments.baby_ai import LEVELS
from memento.evals.environments.worlds.world import Seen

_BOT: Any = BabyAIBot  # it has no types
_TURNS: Final = {"turn left": "left", "turn right": "right"}


class BabyAIWorld:
    """All levels."""

    def __init__(self) -> None:
        self._level: Any = None
        self._last: Seen | None = None
        self._n_left = 0

    def reset(self, key: str, max_steps: int) -> Seen:
        """Begin a level."""
        self._begin(key, max_steps)
        self._n_left = max_steps
        return self._view(is_won=False, is_over=False)

    def step(self, action: str) -> Seen:
        """Take one action; one that is not offered does nothing, and an episode that is over stays as it is."""
        if self._last is not None and self._last.is_over:
            return self._last
        self._n_left -= 1
        name = offered(self._level).get(action)
        if name is None:
            said = "That cannot be done here."
            return self._view(is_won=False, is_over=self._n_left <= 0, said=said)
        _, reward, is_ended, is_cut, _ = self._level.step(getattr(self._level.actions, name))
        is_won = bool(is_ended and reward > 0)
        return self._view(is_won=is_won, is_over=bool(is_ended or is_cut) or self._n_left <= 0)

    def description(self) -> str:
        """The instruction."""
        return f"Your task: {self._level.mission}."

    def walkthrough(self, key: str) -> list[str]:
        """What BabyAI's own bot does; nothing where it does not win."""
        self._begin(key, 1_000)
        bot = _BOT(self._level)
        actions: list[str] = []
        taken = None
        while True:
            try:
                taken = bot.replan(taken)
            except Exception:  # noqa: BLE001  it gives up with bare assertions: there is no walkthrough
                return []
            words = {name: action for action, name in offered(self._level).items()}
            if (name := taken.name) not in words:
                return []
            actions.append(words[name])
            _, reward, is_ended, is_cut, _ = self._level.step(taken)
            if is_ended or is_cut:
                return actions if reward > 0 else []

    def _begin(self, key: str, max_steps: int) -> None:
        _, _, kind, seed = key.split("/")
        self._last = None
        self._level = getattr(minigrid.envs.babyai, LEVELS[kind])(max_steps=max_steps)
        self._level.reset(seed=int(seed))

    def _view(self, *, is_won: bool, is_over: bool, said: str = "") -> Seen:
        text = f"{said} {seen(self._level)}".strip()
        self._last = Seen(text, list(offered(self._level)), float(is_won), is_over, is_won)
        return self._last


def offered(level: Any) -> dict[str, str]:
    """Actions that can do something now, with their names in minigrid."""
    actions = dict(_TURNS)
    ahead = level.grid.get(*level.front_pos)
    if ahead is None or ahead.can_overlap():
        actions["go forward"] = "forward"
    if ahead is None and level.carrying is not None:
        actions[f"drop the {_named(level.carrying)}"] = "drop"
    if ahead is not None and ahead.can_pickup() and level.carrying is None:
        actions[f"pick up the {_named(ahead)}"] = "pickup"
    if ahead is not None and ahead.type == "door":
        actions[f"{'close' if ahead.is_open else 'open'} the {ahead.color} door"] = "toggle"
    if ahead is not None and ahead.type == "box":
        actions[f"open the {_named(ahead)}"] = "toggle"
    return actions


def seen(level: Any) -> str:
    """Say what lies in view, nearest first, and what is carried."""
    grid, is_visible = level.gen_obs_grid()
    middle, last = grid.width // 2, grid.height - 1
    things: list[tuple[int, int, str]] = []
    for x in range(grid.width):
        for y in range(grid.height):
            thing = grid.get(x, y)
            if thing is not None and is_visible[x, y] and (x, y) != (middle, last) and thing.type != "wall":
                ahead, right = last - y, x - middle
                things.append((ahead + abs(right), right, f"{_article(_named(thing))} {_where(ahead, right)}"))
    n_free = 0
    while n_free < last and (grid.get(middle, last - n_free - 1)) is None:
        n_free += 1
    ahead_of = grid.get(middle, last - n_free - 1) if n_free < last else None
    wall = f" A wall is {_steps(n_free + 1)} ahead." if ahead_of is not None and ahead_of.type == "wall" else ""
    listed = "; ".join(text for *_, text in sorted(things)) or "nothing"
    carried = f" You carry {_article(_named(level.carrying))}." if level.carrying is not None else ""
    return f"You see: {listed}.{wall}{carried}"


def _named(thing: Any) -> str:
    if thing.type != "door":
        return f"{thing.color} {thing.type}"
    state = "open" if thing.is_open else "locked" if thing.is_locked else "closed"
    return f"{state} {thing.color} door"


def _article(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _steps(n: int) -> str:
    return f"{n} step{'s' if n != 1 else ''}"


def _where(ahead: int, right: int) -> str:
    side = f"{_steps(abs(right))} {'right' if right > 0 else 'left'}" if right else ""
    front = f"{_steps(ahead)} ahead" if ahead else ""
    return " and ".join(part for part in (front, side) if part)
