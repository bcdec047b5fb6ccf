"""Settings of a run: the most that a subtask and the run may take."""

import math
from typing import Any

from pydantic import BaseModel, Field, field_validator

from memento.nodes.run_settings.form import in_form


class BudgetSettings(BaseModel):
    """Budgets of a subtask and of the run."""

    max_steps: int = Field(
        default=50,
        ge=1,
        le=1_000,
        title="Steps of an episode",
        description=(
            "Actions that an episode in an environment may take; its budgets of tokens, money and time, and the run's, "
            "hold beside that."
        ),
        json_schema_extra=in_form("Budgets of a subtask", "executor"),
    )
    max_model_calls: int = Field(
        default=12,
        ge=1,
        le=100,
        title="Model calls per subtask",
        description="Model calls per subtask.",
        json_schema_extra=in_form("Budgets of a subtask", "executor"),
    )
    max_tool_calls: int = Field(
        default=40,
        ge=1,
        le=500,
        title="Tool calls per subtask",
        description="Tool calls per subtask.",
        json_schema_extra=in_form("Budgets of a subtask", "executor"),
    )
    max_tokens: int | None = Field(
        default=None,
        ge=1,
        title="Tokens per subtask",
        description="Tokens per subtask, read and written. Empty: any.",
        json_schema_extra=in_form("Budgets of a subtask", "executor"),
    )
    max_cost_usd: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        title="US dollars per subtask",
        description="US dollars per subtask. Empty: any.",
        json_schema_extra=in_form("Budgets of a subtask", "executor"),
    )
    max_seconds: float = Field(
        default=600,
        ge=0.1,
        le=86_400,
        title="Seconds per subtask",
        description="Time per subtask; also for making one plan, and for the reward.",
        json_schema_extra=in_form("Budgets of a subtask", "executor", "planner", "evaluate"),
    )
    max_tool_seconds: float = Field(
        default=300,
        ge=0.1,
        le=3_600,
        title="Seconds per tool call",
        description="Time per tool call.",
        json_schema_extra=in_form("Budgets of a subtask", "executor"),
    )
    run_max_model_calls: int = Field(
        default=400,
        ge=1,
        le=10_000,
        title="Model calls of the run",
        description="Model calls of the whole run, the judge's apart.",
        json_schema_extra=in_form("Budgets of the run", "planner", "executor"),
    )
    run_max_tool_calls: int = Field(
        default=1_000,
        ge=1,
        le=50_000,
        title="Tool calls of the run",
        description="Tool calls of the whole run.",
        json_schema_extra=in_form("Budgets of the run", "executor"),
    )
    run_max_tokens: int | None = Field(
        default=None,
        ge=1,
        title="Tokens of the run",
        description="Tokens of the whole run. Empty: any.",
        json_schema_extra=in_form("Budgets of the run", "planner", "executor"),
    )
    run_max_cost_usd: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        title="US dollars of the run",
        description="US dollars of the whole run. Empty: any.",
        json_schema_extra=in_form("Budgets of the run", "planner", "executor"),
    )
    run_max_seconds: float = Field(
        default=3_600,
        ge=0.1,
        le=604_800,
        title="Seconds of the run",
        description="Time in which the whole run plans and works on subtasks; waiting for a person costs nothing.",
        json_schema_extra=in_form("Budgets of the run", "planner", "executor"),
    )

    @field_validator("max_cost_usd", "run_max_cost_usd", mode="before")
    @classmethod
    def _is_any(cls, value: Any) -> Any:
        return None if value == math.inf else value  # no JSON can say it; settings of earlier releases may
