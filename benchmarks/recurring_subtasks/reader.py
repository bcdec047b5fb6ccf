"""The executor's model: reads the cases in its prompt, chooses a procedure by the rule that copies, calls the tool."""

import hashlib
import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable

from benchmarks.copying_reader.reader import answers
from benchmarks.recurring_subtasks.tasks import OPERATIONS, PROCEDURES, Family, two_subtasks
from memento.evals.subject import Subject
from memento.graph.deps import Deps
from memento.nodes.acting.trajectory import plan_and_trajectory
from memento.nodes.sources import MemorySource
from memento.nodes.subtasks import SubtaskResult

_WORKED: Final = re.compile(r'<case outcome="worked">\n(.*?)\n</case>', re.DOTALL)
_DONE: Final = re.compile(r"- follow_procedure\(operation='([^']+)', procedure='([^']+)'\)")
_SUBTASK: Final = re.compile(r"<subtask>\n(.*?)\n</subtask>", re.DOTALL)


async def follow_procedure(operation: str, procedure: str) -> str:
    """Follow a procedure.

    Args:
        operation: what for.
        procedure: its name.
    """
    return f"{procedure} was followed to {operation}"


class ProcedureReader(BaseChatModel):
    """Follows procedures that worked for the same operation in the cases shown, else guesses by habit.

    It recognises the operation in every case, the run's or a subtask's, so that both kinds are read equally well.
    """

    habit: tuple[float, ...]
    seed: int
    """Of its draws; those of one subtask are the same whatever it is shown."""

    @property
    def _llm_type(self) -> str:
        return "procedure-reader"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        """Return itself: it knows the tool."""
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        made = [call for message in messages if isinstance(message, AIMessage) for call in message.tool_calls]
        if made:
            reply = AIMessage("{operation}: {procedure}".format(**made[-1]["args"]))
        else:
            args = self._chosen("\n".join(message.text for message in messages))
            call = {"name": follow_procedure.__name__, "args": args, "id": "call-1", "type": "tool_call"}
            reply = AIMessage("", tool_calls=[call])
        return ChatResult(generations=[ChatGeneration(message=reply)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._generate(messages)

    def _chosen(self, prompt: str) -> dict[str, str]:
        asked = _SUBTASK.findall(prompt)[-1]
        operation = next(one for one in OPERATIONS if asked.lower().startswith(one))
        done = [pair for case in _WORKED.findall(prompt) for pair in _DONE.findall(case)]
        shown = [PROCEDURES.index(procedure) for what, procedure in done if what == operation]
        answer_A = answers(shown, [True] * len(shown), np.array(self.habit))
        material = hashlib.sha256(f"{self.seed} {asked}".encode()).digest()[:8]
        drawn = np.random.default_rng(int.from_bytes(material)).choice(len(PROCEDURES), p=answer_A / answer_A.sum())
        return {"operation": operation, "procedure": PROCEDURES[int(drawn)]}


def subject_of(family: Family) -> Subject:
    """The subject of an evaluation.

    Cases of whole tasks hold what their subtasks did, and executors are shown them: plan cases at their best.
    """

    def make_deps(memory: MemorySource) -> Deps:
        seed = int(getattr(memory, "namespace", "-0").rpartition("-")[2])
        return Deps(
            memory=memory,
            executor=ProcedureReader(habit=family.habit, seed=seed),
            tools=[follow_procedure],
            fixed_plan=two_subtasks,
            answer_from_results=_joined,
            case_action=plan_and_trajectory,
        )

    return Subject(
        name="recurring-subtasks",
        make_deps=make_deps,
        settings={"cases_for": "executor", "failures": "hidden", "evaluator": "exact"},
    )


def _joined(results: Sequence[SubtaskResult]) -> str:
    return "; ".join(result["result"] for result in results)
