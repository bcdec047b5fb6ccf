"""Step cases: what was done in situations like this one; read before each action, written with the run."""

import inspect
import time
import uuid
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Final, NamedTuple

from memento.memory.case import storable
from memento.memory.errors import InvalidInput
from memento.memory.steps import STEP, StepAttempt, discounted_gains
from memento.nodes.acting.actor import Actor, Step
from memento.nodes.acting.environment import Observation
from memento.nodes.acting.model_actor import ModelActor
from memento.nodes.agent.work import Work
from memento.nodes.memory_calls import MemoryFailed, memory_seconds, of_memory
from memento.nodes.redaction import Redact
from memento.nodes.score_case import chosen_by_settings, prompt_cases, without_hidden
from memento.nodes.sources import MemorySource
from memento.nodes.state import MementoState, PromptCase, Run, SubtaskInput
from memento.nodes.subtask_cases import task_question
from memento.nodes.subtasks import StepTaken
from memento.tools.text import without_middle

MAX_STEPS_KEPT: Final = 32
"""Steps that are written of one episode at most."""
_TASK_CHARS: Final = 200
_ACTION_CHARS: Final = 200
_SEEN_CHARS: Final = 600
_IDS: Final = uuid.UUID("c0b5f3b1-0a55-5c3e-9d0a-2f6f5f1f7d31")


class StepReading(NamedTuple):
    """What was read before one action, and what became of it."""

    event_id: str
    situation: str
    action: str
    left_out: Sequence[str]
    """Ids of served cases whose action was not taken, or that were not shown."""


class StepCases:
    """Reads step cases for the actors of all runs."""

    def __init__(self, memory_source: MemorySource, *, redact: Redact = str) -> None:
        """Wire the parts.

        Args:
            memory_source: the case memory.
            redact: takes secrets out of situations and cases, and out of what a failing memory says.
        """
        self._memory_source = memory_source
        self._redact = redact

    def before(self, actor: Actor, state: SubtaskInput, work: Work) -> "StepCaseActor | None":
        """Return an actor that is given step cases; None where the run wants none, or the actor takes none.

        Args:
            actor: the executor's model, or one of the host whose `act` takes `step_cases`.
            state: of the executor.
            work: its budgets and notices.
        """
        if not state["run"]["settings"].get("step_k", 0) or not _takes_step_cases(actor):
            return None
        return StepCaseActor(actor, state, work, self._memory_source, self._redact)


class StepCaseActor:
    """An actor that reads step cases before each action of one episode, and notes which were taken up."""

    def __init__(
        self, actor: Actor, state: SubtaskInput, work: Work, memory_source: MemorySource, redact: Redact
    ) -> None:
        """Begin; reads nothing.

        Args:
            actor: is given the cases.
            state: of the executor.
            work: its budgets and notices.
            memory_source: the case memory.
            redact: takes secrets out of texts.
        """
        self._actor: Any = actor
        self._state = state
        self._work = work
        self._memory_source = memory_source
        self._redact = redact
        self._seconds_left = memory_seconds(state["run"])
        self._readings: dict[int, StepReading] = {}

    async def act(self, *, run: Run, cases: Sequence[PromptCase], steps: Sequence[Step], now: Observation) -> str:
        """Return the actor's next action, with step cases in view.

        Raises:
            ActorStopped, ModelError: as the actor.
        """
        situation = self._redact(situation_text(run["task"], steps, now))
        event_id, served, hidden = await self._read(situation, len(steps))
        action: str = await self._actor.act(run=run, cases=cases, steps=steps, now=now, step_cases=served)
        if event_id:
            shown = self._actor.shown_step_cases if isinstance(self._actor, ModelActor) else served
            taken_up = {case["id"] for case in shown if _words(case["action"]) == _words(action)}
            left_out = [*(case["id"] for case in served if case["id"] not in taken_up), *hidden]
            self._readings[len(steps)] = StepReading(event_id, situation, action, left_out)
        return action

    def taken(self, first: Observation | None, steps: Sequence[Step]) -> list[StepTaken]:
        """Return the steps that a run remembers: those that changed something, and had a reading.

        Of more than 32, the last ones before the last gain of score come first, then those that follow it.

        Args:
            first: observation after the reset.
            steps: of the episode.
        """
        if first is None:
            return []
        seen_all = [first, *(step.observation for step in steps)]
        scores = [min(1.0, max(0.0, seen.score)) for seen in seen_all]
        kept: list[StepTaken] = []
        n_until_gain = 0
        for number, (gain, (was, seen)) in enumerate(zip(discounted_gains(scores), pairwise(seen_all), strict=True)):
            reading = self._readings.get(number)
            if reading is None or seen == was:
                continue
            kept.append(
                {
                    "event_id": reading.event_id,
                    "state": reading.situation,
                    "action": storable(reading.action),
                    "seen": without_middle(seen.text.strip(), _SEEN_CHARS),
                    "score_before": scores[number],
                    "gain": gain,
                    "score": scores[-1],
                    "n_after": len(steps) - number - 1,
                    "left_out": list(reading.left_out),
                }
            )
            if scores[number + 1] > scores[number]:
                n_until_gain = len(kept)
        until_gain = kept[:n_until_gain][-MAX_STEPS_KEPT:]
        return until_gain + kept[n_until_gain:][: MAX_STEPS_KEPT - len(until_gain)]

    async def _read(self, situation: str, n_steps: int) -> tuple[str, list[PromptCase], list[str]]:
        """Choose cases for a situation. A memory that fails or is slow is asked no more in this episode."""
        run, settings = self._state["run"], self._state["run"]["settings"]
        if self._seconds_left <= 0:
            return "", [], []
        began = time.monotonic()
        try:
            memory = await of_memory(self._memory_source, self._redact)
            recalling = partial(
                memory.recall,
                situation,
                policy=settings["policy"],
                namespace=run["namespace"] or None,
                key=task_question(run),
                kind=STEP,
            )
            recall = await of_memory(recalling, self._redact, seconds=self._seconds(began))
            event_id = _event_id(self._state, n_steps, situation) or recall.event_id
            chosen = chosen_by_settings(settings) | {"positive_from": None}  # what worked is relative to the baseline
            recall = recall._replace(event_id=event_id, part_of=self._state.get("event_id"), **chosen)
            selecting = partial(memory.select, recall, k=settings["step_k"])
            reading = await of_memory(selecting, self._redact, seconds=self._seconds(began))
        except (MemoryFailed, InvalidInput) as error:
            self._seconds_left = 0.0
            self._work.notice(f"an episode went on without step cases: {error}")
            return "", [], []
        self._seconds_left = self._seconds(began)
        served = prompt_cases(reading, self._redact)
        shown, hidden = without_hidden(served, settings)
        return reading.event_id, shown, hidden

    def _seconds(self, began: float) -> float:
        return max(0.0, min(self._seconds_left - (time.monotonic() - began), self._work.seconds_left()))


def situation_text(task: str, steps: Sequence[Step], now: Observation) -> str:
    """Return a situation as the state of a step's case: the task in short, the last action, and what is seen.

    Args:
        task: of the run.
        steps: of the episode so far.
        now: the newest observation.
    """
    lines = [f"Task: {without_middle(' '.join(task.split()), _TASK_CHARS)}"]
    if steps:
        lines.append(f"Last action: {without_middle(_words(steps[-1].action), _ACTION_CHARS)}")
    lines.append(f"Seen: {without_middle(now.text.strip(), _SEEN_CHARS)}")
    return "\n".join(lines)


def step_attempts(state: MementoState, redact: Redact) -> list[StepAttempt]:
    """Return the steps of the run's episodes, for `Experience.steps`; of an episode without a score there are none.

    Args:
        state: at the run's end.
        redact: takes secrets out of all texts.
    """
    return [
        StepAttempt(
            event_id=step["event_id"],
            state=step["state"],
            action=redact(step["action"]),
            answer=step["seen"],
            score_before=step["score_before"],
            gain=step["gain"],
            score=step["score"],
            n_after=step["n_after"],
            left_out=tuple(step["left_out"]),
        )
        for result in state.get("results") or []
        if result.get("score") is not None
        for step in result.get("steps", [])
    ]


def _takes_step_cases(actor: Actor) -> bool:
    """Whether the actor's `act` takes `step_cases`; one that was written for an earlier release does not."""
    try:
        inspect.signature(actor.act).bind_partial(step_cases=())
    except TypeError:
        return False
    return True


def _words(text: str) -> str:
    return " ".join(text.split())


def _event_id(state: SubtaskInput, n_steps: int, situation: str) -> str:
    """Return the id of a step's reading, so that a resumed run repeats it; empty where the run has no id."""
    run = state["run"]
    if not run.get("id"):
        return ""
    parts = (run["id"], str(state["cycle"]), state["subtask"]["id"], str(n_steps), situation)
    return str(uuid.uuid5(_IDS, storable("\x1f".join(parts))))
