"""Token budget of a run's cases: its setting, and no more than a quarter of the window of each model that sees them."""

from typing import Final

from memento.memory.errors import MementoError
from memento.nodes.agent.window import window_tokens
from memento.nodes.context import RunSettings
from memento.nodes.prompt_budgets import CASE_SHARE
from memento.nodes.sources import ModelSource, Role
from memento.nodes.state import Run

_SEEN_BY: Final[dict[str, tuple[Role, ...]]] = {
    "planner": ("planner",),
    "executor": ("executor",),
    "both": ("planner", "executor"),
}


async def case_budget(run: Run, models: ModelSource | None) -> int | None:
    """Return the tokens that cases are chosen within; None where long ones are shortened instead.

    A model that cannot be made limits nothing here: whoever asks it says so.

    Args:
        run: whose settings count.
        models: gives the models whose windows count; None: nothing is known of any.
    """
    if run["settings"].get("case_budget") != "choose":  # a run that began with an earlier release has no such setting
        return None
    settings = RunSettings.model_validate(run["settings"])
    budget = settings.max_case_tokens
    if models is None:
        return budget
    for role in _SEEN_BY[settings.cases_for]:
        try:
            model = await models.get(role, settings.planner if role == "planner" else settings.executor)
        except MementoError:
            continue
        budget = min(budget, window_tokens(model) // CASE_SHARE)
    return budget
