"""One call of the planner's model: within its time limit, with cases and results trimmed to its context window.

What is known of a model's window may be wrong, or nothing. When a provider says that the prompt is too long, the worse
half of the cases is left out and the model asked again; then results are shortened; what is left then is the task.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, NamedTuple, TypeVar

from langchain_core.language_models import BaseChatModel
from pydantic import BaseModel

from memento.nodes.agent.deadlines import Abandoned, within
from memento.nodes.agent.window import window_tokens
from memento.nodes.context import RunSettings
from memento.nodes.errors import ModelUnavailable, TaskTooLong
from memento.nodes.foreign_errors import is_too_long
from memento.nodes.prompt_budgets import CASE_SHARE, RESULT_SHARE, RESULT_TOKENS, fitted_cases, fitted_results
from memento.nodes.prompts import PlannerPrompt
from memento.nodes.replies.pieces_seen import ReplyReader
from memento.nodes.sources import ModelSource
from memento.nodes.state import MementoState, PromptCase, Run
from memento.nodes.structured import StructuredCaller, StructuredReply

T = TypeVar("T", bound=BaseModel)

_SHORTER: Final = 8
_LEAST_RESULT_TOKENS: Final = 100


class Planned(NamedTuple, Generic[T]):
    """The model's reply to a planning call."""

    reply: StructuredReply[T]
    model: BaseChatModel
    cases: list[PromptCase]
    """Those of the state that it was shown."""


class _Shown(NamedTuple):
    cases: list[PromptCase]
    guides: list[PromptCase]
    case_tokens: int
    result_tokens: int


@dataclass(frozen=True, kw_only=True)
class PlanningCall:
    """Makes the planner's model calls."""

    models: ModelSource
    caller: StructuredCaller
    prompt: PlannerPrompt

    async def ask(
        self,
        schema: type[T],
        state: MementoState,
        *,
        is_last: bool,
        seconds: float,
        reader: ReplyReader | None = None,
    ) -> Planned[T]:
        """Ask for a plan or an answer.

        Args:
            schema: of the reply.
            state: the run's.
            is_last: only a final answer is wanted.
            seconds: the call may take, with all that is tried again.
            reader: is given the reply while it is generated.

        Raises:
            DeadlinePassed: it took longer.
            InvalidReply: the model was asked twice and never answered in the form asked for.
            TaskTooLong: the task alone is more than the model can read.
            ModelError: the model cannot be asked.
        """
        try:
            return await within(seconds, self._asked(schema, state, is_last=is_last, reader=reader))
        except Abandoned:
            raise ModelUnavailable("the planner's call was cancelled") from None

    async def _asked(
        self, schema: type[T], state: MementoState, *, is_last: bool, reader: ReplyReader | None
    ) -> Planned[T]:
        settings = RunSettings.model_validate(state["run"]["settings"])
        model = await self.models.get("planner", settings.planner)
        refused: Exception | None = None
        for shown in _narrowing(state, settings, window_tokens(model)):
            messages = self.prompt(
                run=state["run"],
                cases=fitted_cases([*shown.cases, *shown.guides], shown.case_tokens),
                results=fitted_results(state["results"], shown.result_tokens),
                is_last=is_last,
                feedback=state.get("rejection", ""),
            )
            try:
                reply = await self.caller.ask(model, schema, messages, reader=reader)
            except Exception as error:
                if not is_too_long(error):
                    raise
                refused = error
            else:
                return Planned(reply, model, shown.cases)
        raise TaskTooLong from refused


def _narrowing(state: MementoState, settings: RunSettings, window: int) -> Iterator[_Shown]:
    """Yield ever smaller prompts to try while the provider reports a context overflow."""
    case_tokens = min(settings.max_case_tokens, window // CASE_SHARE)
    result_tokens = min(RESULT_TOKENS, window // RESULT_SHARE)
    is_shown = is_shown_cases(state["run"])
    cases: list[PromptCase] = list(state["cases"]) if is_shown else []
    guides: list[PromptCase] = list(state.get("guides") or []) if is_shown else []
    yield _Shown(cases, guides, case_tokens, result_tokens)
    while cases:
        cases = cases[: len(cases) // 2]
        yield _Shown(cases, guides, case_tokens, result_tokens)
    if guides:  # their trials count them as shown all the same: what is compared is who was to be shown them
        guides = []
        yield _Shown(cases, guides, case_tokens, result_tokens)
    while state["results"] and result_tokens > _LEAST_RESULT_TOKENS:
        result_tokens = max(_LEAST_RESULT_TOKENS, result_tokens // _SHORTER)
        yield _Shown(cases, guides, case_tokens, result_tokens)


def is_shown_cases(run: Run) -> bool:
    """Whether the planner of a run is shown the served cases."""
    return (
        run["settings"].get("cases_for") != "executor"
    )  # a run that began with an earlier release has no such setting


def unseen(state: MementoState) -> dict[str, Any]:
    """Return the update for served cases that no planner was shown: only an executor can make them count."""
    known = state.get("left_out") or []
    new = [case["id"] for case in state["cases"] if case["id"] not in known]
    return {"left_out": [*known, *new]} if new and _is_new(state) else {}


def _is_new(state: MementoState) -> bool:
    """Whether no plan was made with the served cases yet."""
    return state["cycle"] <= state.get("read_cycle", 0)


def narrowed(state: MementoState, shown: Sequence[PromptCase]) -> dict[str, Any]:
    """Return the update for a run whose model could not read all of its cases; empty when it could.

    Cases that no plan of the run was made with count as not served, and earn nothing from its outcome.
    """
    if not is_shown_cases(state["run"]):
        return unseen(state)
    n_all, n_shown = len(state["cases"]), len(shown)
    if n_shown == n_all:
        return {}
    dropped = [case["id"] for case in state["cases"][n_shown:]]
    text = f"{n_all - n_shown} of {n_all} cases were left out: the planner's model cannot read so much at once"
    update: dict[str, Any] = {} if text in state["notices"] else {"notices": [*state["notices"], text]}
    return update | (
        {"cases": list(shown), "left_out": [*(state.get("left_out") or []), *dropped]} if _is_new(state) else {}
    )
