"""Settings of a run: who gives the reward, lessons, and what the chat shows."""

from pydantic import BaseModel, Field

from memento.nodes.run_settings.form import in_form
from memento.nodes.run_settings.roles import MAX_MODEL_CHARS, instructions
from memento.nodes.scoring.grade import EvaluatorName


class EvaluationSettings(BaseModel):
    """How a run is judged."""

    evaluator: EvaluatorName = Field(
        default="auto",
        title="Evaluator",
        description=(
            "Who gives the reward. With a reference: auto (exact match, then the judge), exact, f1 (words in common), "
            "gaia (its rules), judge, judges (two must agree). Without one: rubric (a judge's list of criteria), "
            "environment (the score of the episode, which auto takes, too, where there is one), custom (the host's own "
            "function), human. none: nobody."
        ),
        json_schema_extra=in_form("Evaluation", "evaluate"),
    )
    judge: str | None = Field(
        default=None,
        max_length=MAX_MODEL_CHARS,
        title="Judge model",
        description="Judge model as provider:model. Empty: the configured one.",
        json_schema_extra=in_form("Evaluation", "evaluate", kind="model"),
    )
    second_judge: str | None = Field(
        default=None,
        max_length=MAX_MODEL_CHARS,
        title="Second judge model",
        description="With judges: the second one as provider:model. Empty: the first is asked again in another way.",
        json_schema_extra=in_form("Evaluation", "evaluate", kind="model"),
    )
    judge_prompt: str = instructions("judge", "Evaluation", "evaluate")
    lesson_calls: int = Field(
        default=0,
        ge=0,
        le=10,
        title="Model calls for a lesson",
        description=(
            "Calls of the judge's model that may be spent on a lesson, after a known failure or a success against the "
            "odds: one, and others where a reply has not the form asked for. 0: no lessons are written."
        ),
        json_schema_extra=in_form("Evaluation", "write_case"),
    )
    show_steps: bool = Field(
        default=False,
        title="Show steps",
        description="Show cases, plans, tool calls and results in the chat, as tool messages.",
        json_schema_extra=in_form("Chat", "score_case", "planner", "executor"),
    )
