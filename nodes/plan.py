"""The planner's reply: a dependency graph of subtasks, or the final answer."""

from collections.abc import Callable
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, PrivateAttr, model_validator

from memento.memory.plan_text import REPLANNED
from memento.nodes.plan_repair import MAX_ID_CHARS, mended
from memento.nodes.state import Run
from memento.nodes.subtasks import Subtask

MAX_SUBTASKS = 20
# Small models write ids and answers as numbers.
_FORGIVING = ConfigDict(str_strip_whitespace=True, coerce_numbers_to_str=True)


_Id = Annotated[str, Field(max_length=MAX_ID_CHARS)]
"""Its length is told to models that decode by the schema: small ones would write on and on."""


class PlannedSubtask(BaseModel):
    """One subtask of a plan."""

    model_config = _FORGIVING

    id: str = Field(description="Short unique id, such as 1, 2, 3.", min_length=1, max_length=MAX_ID_CHARS)
    description: str = Field(description="What to find out or do, complete in itself.", min_length=1)
    depends_on: list[_Id] = Field(default_factory=list, description="Ids of subtasks whose results it needs.")


class Plan(BaseModel):
    """Subtasks to carry out now, or, when the results suffice, the final answer.

    Hosts may narrow it: a subclass whose subtasks only allow what their executor can do.
    """

    model_config = _FORGIVING

    subtasks: list[PlannedSubtask] = Field(default_factory=list, description="Empty when the answer is given.")
    answer: str | None = Field(default=None, description="The final answer, short and exact; null while planning.")

    _mended: tuple[str, ...] = PrivateAttr(default=())

    @property
    def mended(self) -> tuple[str, ...]:
        """List the repairs made to the model's reply, in words."""
        return self._mended

    # What can be read in one way only is mended, never refused. Not said above: models are shown the docstring.
    @model_validator(mode="wrap")
    @classmethod
    def _from_reply(cls, given: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(given, dict) or "subtasks" not in given:
            return handler(given)
        steps, notes = mended(given["subtasks"])
        plan = handler({**given, "subtasks": steps})
        plan._mended = notes
        return plan

    @model_validator(mode="after")
    def _can_be_carried_out(self) -> Self:
        if not self.subtasks and not (self.answer or "").strip():
            raise ValueError("give at least one subtask, or the final answer")
        if len(self.subtasks) > MAX_SUBTASKS:
            raise ValueError(f"at most {MAX_SUBTASKS} subtasks")
        ids = [subtask.id for subtask in self.subtasks]
        if len(set(ids)) != len(ids):
            raise ValueError("subtask ids must differ")
        placed: set[str] = set()
        waiting = list(self.subtasks)
        while waiting:
            free = [subtask for subtask in waiting if placed.issuperset(subtask.depends_on)]
            if not free:
                names = ", ".join(subtask.id for subtask in waiting)
                raise ValueError(f"subtasks {names} depend on each other in a circle")
            placed.update(subtask.id for subtask in free)
            waiting = [subtask for subtask in waiting if subtask.id not in placed]
        return self

    def steps(self) -> list[Subtask]:
        """Return the subtasks as values of the state."""
        return [
            {"id": subtask.id, "description": subtask.description, "depends_on": subtask.depends_on}
            for subtask in self.subtasks
        ]


FixedPlan = Callable[[Run], Plan | None]
"""Makes the first plan of a run without a model, or None when the planner's model is to be asked."""


class FinalAnswer(BaseModel):
    """What is asked for when no more plans are allowed."""

    model_config = _FORGIVING

    answer: str = Field(description="The best answer that the results support, short and exact.", min_length=1)


def plan_text(plans: list[list[Subtask]]) -> str:
    """Format plans as the action text of a case: one step a line, later plans after a rule."""
    return REPLANNED.join("\n".join(_line(subtask) for subtask in plan) for plan in plans)


def _line(subtask: Subtask) -> str:
    after = f" (after {', '.join(subtask['depends_on'])})" if subtask["depends_on"] else ""
    return f"{subtask['id']}. {subtask['description']}{after}"
