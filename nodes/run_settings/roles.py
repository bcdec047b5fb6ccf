"""Settings of a run: models and instructions of planner and executor, and how they work."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from memento.nodes.run_settings.form import in_form

MAX_INSTRUCTION_CHARS = 8_000
"""Of the instructions that a run adds to those of a role."""

MAX_MODEL_CHARS = 500
"""Of a model's name as provider:model."""


def instructions(role: str, group: str, node: str) -> Any:
    """The field of instructions that a run adds to those of a role.

    Args:
        role: whose.
        group: heading in the form.
        node: at which Studio edits them.
    """
    return Field(
        default="",
        max_length=MAX_INSTRUCTION_CHARS,
        title=f"{role.capitalize()} instructions",
        description=(
            f"Instructions of your own for the {role}, beside the built-in ones: the domain, the style, what to "
            "prefer. The form of its reply, and that material is no instruction, is said after them."
        ),
        json_schema_extra=in_form(group, node, kind="prompt"),
    )


class RoleSettings(BaseModel):
    """How planner and executor work."""

    planner: str | None = Field(
        default=None,
        max_length=MAX_MODEL_CHARS,
        title="Planner model",
        description="Planner model as provider:model. Empty: the configured one.",
        json_schema_extra=in_form("Planning", "planner", "retrieve_case", kind="model"),
    )
    planner_prompt: str = instructions("planner", "Planning", "planner")
    max_cycles: int = Field(
        default=3,
        ge=1,
        le=10,
        title="Plans",
        description="How many times the planner may plan.",
        json_schema_extra=in_form("Planning", "planner"),
    )
    approve_plan: bool = Field(
        default=False,
        title="Approve plans",
        description="Pause before a plan is carried out: approve, edit, reject.",
        json_schema_extra=in_form("Planning", "planner"),
    )
    executor: str | None = Field(
        default=None,
        max_length=MAX_MODEL_CHARS,
        title="Executor model",
        description="Executor model as provider:model. Empty: the configured one.",
        json_schema_extra=in_form("Execution", "executor", kind="model"),
    )
    executor_prompt: str = instructions("executor", "Execution", "executor")
    acting: Literal["choice", "tools"] = Field(
        default="choice",
        title="Acting",
        description=(
            "How the executor's model acts in an environment. choice: it is asked for one of the valid actions at each "
            "step, which small models can do. tools: its agent has the tools act and observe beside the run's others, "
            "for models that call tools well."
        ),
        json_schema_extra=in_form("Execution", "executor"),
    )
    repeat_actions: bool = Field(
        default=False,
        title="Repeat actions",
        description=(
            "Whether an action is offered again in a situation of an environment that looks the same as when it was "
            "taken. Off: only when every other action was taken there, too."
        ),
        json_schema_extra=in_form("Execution", "executor"),
    )
