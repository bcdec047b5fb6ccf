"""Plan and answer of a run in an environment, made without a model: carry out the task; how the episode ended."""

from collections.abc import Sequence

from memento.nodes.acting.episode_prompt import CARRY_OUT
from memento.nodes.plan import Plan, PlannedSubtask
from memento.nodes.state import Run
from memento.nodes.subtasks import SubtaskResult


def one_episode(run: Run) -> Plan:
    """Return the plan of one subtask, which is one episode: the `fixed_plan` of runs in an environment."""
    return Plan(subtasks=[PlannedSubtask(id="1", description=CARRY_OUT)])


def episode_answer(results: Sequence[SubtaskResult]) -> str | None:
    """Return how the last episode ended, such as "done: score 1 after 9 steps"."""
    return results[-1]["result"] if results else None
