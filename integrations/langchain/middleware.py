"""CaseMiddleware: case memory for `create_agent` and deepagents.

```python
remembering = CaseMiddleware(memory, reward=lambda state: is_right(state["messages"][-1].text))
agent = create_agent(model, tools, middleware=[remembering])
```

Before an agent works on a task, cases are read once; every model call of that task is shown them, in the task's human
message and for that call only. After the agent, the attempt is written as the outcome of the reading.
"""

import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeAlias, cast

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain_core.messages import AnyMessage
from langgraph.runtime import Runtime

from memento.graph.settings import environment_secrets
from memento.integrations.case_texts import format_cases
from memento.integrations.langchain.access import HostMemory, KeyRule, MemoryAccess, NamespaceRule, key_by
from memento.integrations.langchain.agent_state import CaseAgentState, CaseRun, marked, open_run, shown_cases
from memento.integrations.langchain.attempts import AgentAttempt, attempt_of, task_in
from memento.memory.arguments import checked_count
from memento.memory.errors import ErasedRecord, InvalidInput
from memento.memory.experience import Experience
from memento.memory.policies.registry import policy_named
from memento.nodes.conversation import open_question
from memento.nodes.events import emit
from memento.nodes.memory_calls import MemoryFailed
from memento.nodes.run_settings.cases import MAX_CASE_TOKENS
from memento.nodes.score_case import prompt_cases
from memento.nodes.scoring.custom import ScorerResult, scored_by
from memento.nodes.scoring.grade import Grade, unknown
from memento.nodes.sources import Secrets

_LOG = logging.getLogger(__name__)

_NOTICE_CHARS: Final = 300

AgentReward: TypeAlias = Callable[[Mapping[str, Any]], ScorerResult | Awaitable[ScorerResult]]
"""Gives the reward of an agent's final state: in [0, 1], right or wrong, a `Grade`, or None when it cannot be known.
A synchronous one runs in a thread."""


class CaseMiddleware(AgentMiddleware[CaseAgentState, Any, Any]):
    """Reads cases before an agent works on a task, and writes its attempt afterwards.

    Without a `reward`, or where it is None, the attempt waits: `memory.feedback(event_id, reward)` makes a case of it.
    The event id is in the agent's state (`agent.get_state(config).values["case_run"]["event_id"]`) and in every reply
    (`message.response_metadata["case_event_id"]`). A memory that fails never stops the agent: `case_run` has a notice.
    """

    state_schema = CaseAgentState

    def __init__(
        self,
        memory: HostMemory,
        *,
        k: int = 4,
        policy: str | None = None,
        namespace: NamespaceRule = None,
        reward: AgentReward | None = None,
        task_of: Callable[[Sequence[AnyMessage]], str] | None = None,
        key: KeyRule = None,
        max_case_tokens: int = MAX_CASE_TOKENS,
        secrets: Secrets | None = environment_secrets,
    ) -> None:
        """Configure; nothing is opened.

        Args:
            memory: an open memory, or an async function that gives one.
            k: how many cases at most.
            policy: how they are chosen; the memory's own policy by default.
            namespace: whose cases, or a function that tells it by LangGraph's runtime, such as the authenticated user.
            reward: grades the agent's final state. One that fails leaves the reward unknown, and it is not asked
                where LangChain's `ModelRetryMiddleware` has answered in place of a model that cannot be asked.
            task_of: says what the task is, from the messages up to the newest open human one; that one's text by
                default, and of a follow-up what was said before, too.
            key: tells the key of the task by LangGraph's runtime, where many tasks have the same text.
            max_case_tokens: of all cases together, estimated.
            secrets: taken out of what is remembered and shown; the environment's keys and passwords by default.

        Raises:
            InvalidInput: an unknown policy, k or max_case_tokens below 0, or a namespace that is not valid.
        """
        super().__init__()
        if policy is not None:
            policy_named(policy)
        self._access = MemoryAccess(memory, namespace=namespace, secrets=secrets)
        self._k = checked_count("k", k)
        self._policy = policy
        self._reward = reward
        self._task_of = task_of
        self._key = key
        self._max_case_tokens = checked_count("max_case_tokens", max_case_tokens)

    async def abefore_agent(self, state: CaseAgentState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Read cases for the newest human message that nobody has answered; once, whatever is resumed or repeated."""
        messages, before = state["messages"], state.get("case_run")
        question = open_question(messages)
        task = "" if question is None else self._access.redact(self._task(messages[: messages.index(question) + 1]))
        if question is None or not task.strip():
            return None if before is None else {"case_run": None}
        asked = question.id or ""
        if before is not None and before["question"] == asked and not before["is_recorded"]:
            return None
        run: CaseRun = {
            "question": asked,
            "task": task,
            "event_id": None,
            "namespace": await self._access.namespace(runtime),
            "cases": "",
            "is_recorded": False,
            "case_id": None,
            "notices": [],
        }
        if key := key_by(self._key, runtime):
            run["key"] = key
        try:
            reading = await self._access.ask(
                lambda memory: memory.read(task, k=self._k, policy=self._policy, namespace=run["namespace"], key=key)
            )
        except (MemoryFailed, InvalidInput) as error:  # of another encoder, of a newer release
            return {"case_run": _noticed(run, f"running without cases: {error}")}
        served = prompt_cases(reading, self._access.redact)
        emit(runtime, {"event": "cases", "event_id": reading.event_id, "policy": reading.policy, "cases": served})
        run["event_id"] = reading.event_id
        run["cases"] = format_cases(
            reading.cases,
            max_tokens=self._max_case_tokens,
            positive_from=reading.positive_from,
            redact=self._access.redact,
        )
        run["notices"] = reading.notices
        return {"case_run": run}

    def before_agent(self, state: CaseAgentState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """See `abefore_agent`. Where this thread's event loop holds the memory, there are no cases but a notice."""
        return self._access.from_sync(partial(self.abefore_agent, state, runtime))

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        """Show the cases to one model call, and put the event id into its reply."""
        run = open_run(request)
        return marked(await handler(shown_cases(request, run)), run)

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        """See `awrap_model_call`."""
        run = open_run(request)
        return marked(handler(shown_cases(request, run)), run)

    async def aafter_agent(self, state: CaseAgentState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Write the attempt as the outcome of its reading; once, whatever is resumed or repeated."""
        run = state.get("case_run")
        if run is None or run["is_recorded"]:
            return None
        attempt = self._redacted(attempt_of(state["messages"], run["question"], state.get("structured_response")))
        grade = await self._graded(state, run["task"], attempt)
        done: CaseRun = {**run, "is_recorded": True}
        if attempt.is_outage:
            done = _noticed(done, f"nothing is known of the reward: {attempt.answer[:_NOTICE_CHARS]}")
        if run["event_id"] is None and grade.reward is None:
            return {"case_run": done}
        info = runtime.execution_info
        experience = partial(
            Experience,
            state=run["task"],
            action=attempt.action,
            reward=grade.reward,
            answer=attempt.answer,
            confidence=grade.confidence,
            lesson=grade.reason if grade.reward is not None else "",
            evaluator=grade.evaluator,
            thread_id=info.thread_id if info else None,
            models={"agent": attempt.model} if attempt.model else None,
            namespace=run["namespace"],
            key=run.get("key", ""),
        )
        try:
            done["case_id"] = await self._written(experience, run["event_id"])
        except (MemoryFailed, InvalidInput) as error:
            return {"case_run": _noticed(done, f"not remembered: {error}")}
        emit(runtime, {"event": "written", "case_id": done["case_id"], "event_id": run["event_id"]})
        return {"case_run": done}

    def after_agent(self, state: CaseAgentState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """See `aafter_agent`.

        Raises:
            SyncCallOnLoop: the memory is open on the event loop of this thread: await `agent.ainvoke`.
        """
        return self._access.from_sync(partial(self.aafter_agent, state, runtime))

    async def _written(self, experience: Callable[..., Experience], event_id: str | None) -> str | None:
        """Write an attempt; one of a fork, whose reading has an outcome already, as a case without a reading."""
        first = experience(event_id=event_id)
        try:
            return await self._access.ask(lambda memory: memory.write(first))
        except ErasedRecord:
            raise
        except InvalidInput:
            if first.reward is None or event_id is None:
                raise
            alone = experience(event_id=None)
            return await self._access.ask(lambda memory: memory.write(alone))

    def _task(self, messages: Sequence[AnyMessage]) -> str:
        return task_in(messages) if self._task_of is None else self._task_of(messages)

    async def _graded(self, state: CaseAgentState, task: str, attempt: AgentAttempt) -> Grade:
        if self._reward is None:
            return unknown("none", "no reward is configured")
        if attempt.is_outage:
            return unknown("none", attempt.answer)
        given, reward = cast("Mapping[str, Any]", state), self._reward
        is_async = inspect.iscoroutinefunction(reward) or inspect.iscoroutinefunction(type(reward).__call__)

        def in_thread(_task: str, _answer: str, _references: Sequence[str], /) -> Any:
            return reward(given)

        async def awaited(_task: str, _answer: str, _references: Sequence[str], /) -> Any:
            return await cast("Awaitable[ScorerResult]", reward(given))

        return await scored_by(awaited if is_async else in_thread, task, attempt.answer, [], redact=self._access.redact)

    def _redacted(self, attempt: AgentAttempt) -> AgentAttempt:
        redact, is_same = self._access.redact, attempt.action == attempt.answer
        answer = redact(attempt.answer)
        return attempt._replace(action=answer if is_same else redact(attempt.action), answer=answer)


def _noticed(run: CaseRun, notice: str) -> CaseRun:
    _LOG.warning("%s", notice)
    return {**run, "notices": [*run["notices"], notice]}
