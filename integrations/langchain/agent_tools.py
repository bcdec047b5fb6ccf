"""case_tools: the memory as tools of an agent that decides itself when to recall, remember and grade.

```python
agent = create_agent(model, [*tools, *case_tools(memory)])
```

An agent's own judgement is not a person's: it is recorded as the `agent`'s, with a lower confidence, and never replaces
what somebody else said of the same reading.
"""

from typing import Any, Final

from langchain.tools import ToolRuntime
from langchain_core.tools import BaseTool, StructuredTool
from pydantic import BaseModel

from memento.graph.settings import environment_secrets
from memento.integrations.case_texts import format_cases
from memento.integrations.langchain.access import HostMemory, KeyRule, MemoryAccess, NamespaceRule, key_by
from memento.integrations.langchain.agent_tool_arguments import (
    AgentOutcome,
    FeedbackArguments,
    RecallArguments,
    RememberArguments,
)
from memento.integrations.own_judgement import AGENT, AGENT_CONFIDENCE
from memento.memory.arguments import check_share, checked_count
from memento.memory.case import PLAN, CaseKind
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput
from memento.memory.experience import Experience
from memento.memory.policies.registry import policy_named
from memento.memory.task_keys import checked_kind
from memento.nodes.memory_calls import MemoryFailed
from memento.nodes.run_settings.cases import MAX_CASE_TOKENS
from memento.nodes.sources import Secrets

_REWARDS: Final = {"worked": 1.0, "failed": 0.0, "unknown": None}


def case_tools(
    memory: HostMemory,
    *,
    namespace: NamespaceRule = None,
    k: int = 4,
    policy: str | None = None,
    confidence: float = AGENT_CONFIDENCE,
    max_case_tokens: int = MAX_CASE_TOKENS,
    secrets: Secrets | None = environment_secrets,
    key: KeyRule = None,
    kind: CaseKind = PLAN,
) -> list[BaseTool]:
    """Make the tools `recall_cases`, `remember_case` and `give_feedback`.

    Args:
        memory: an open memory, or an async function that gives one.
        namespace: whose cases, or a function that tells it by `ToolRuntime` (its context, the authenticated user); the
            model never does.
        k: how many cases are recalled at most.
        policy: how they are chosen; the memory's own policy by default.
        confidence: in the agent's judgement, in [0, 1]. Below the memory's `min_confidence` (0.5 unless it was opened
            with another) what it remembers stays in quarantine until a person confirms it.
        max_case_tokens: of all recalled cases together, estimated.
        secrets: taken out of what is remembered and shown; the environment's keys and passwords by default.
        key: tells the key of the task by `ToolRuntime`, where many tasks have the same text.
        kind: of the cases that are recalled: of whole tasks by default.

    Raises:
        InvalidInput: an unknown policy or kind, k or max_case_tokens below 0, a confidence outside [0, 1], a namespace
            that is not valid.
    """
    if policy is not None:
        policy_named(policy)
    k, max_case_tokens = checked_count("k", k), checked_count("max_case_tokens", max_case_tokens)
    check_share("confidence", confidence)
    access = MemoryAccess(memory, namespace=namespace, secrets=secrets)
    tools = _CaseTools(
        access, k=k, policy=policy, confidence=confidence, max_case_tokens=max_case_tokens, kind=checked_kind(kind)
    )
    return tools.made(key)


class _CaseTools:
    """The functions behind the tools. What fails is told to the model, which goes on without memory."""

    def __init__(
        self,
        access: MemoryAccess,
        *,
        k: int,
        policy: str | None,
        confidence: float,
        max_case_tokens: int,
        kind: CaseKind,
    ) -> None:
        self._access = access
        self._k = k
        self._policy = policy
        self._confidence = confidence
        self._max_case_tokens = max_case_tokens
        self._kind = kind

    def made(self, key: KeyRule) -> list[BaseTool]:
        access = self._access

        # Without defaults, the tools could only be called by an agent, which injects the runtime.
        async def recall_cases(task: str, runtime: ToolRuntime[Any, Any] = None) -> tuple[str, dict[str, Any]]:  # type: ignore[assignment]
            """Recall how similar tasks were done before and how that went. Call it before you begin a task.

            Returns cases, those that failed and those that worked, and an event id: give that to remember_case or
            give_feedback when you know how the task ended.
            """
            return await self._recall(task, await access.namespace(runtime), key_by(key, runtime))

        async def remember_case(
            task: str,
            approach: str,
            outcome: AgentOutcome,
            lesson: str = "",
            event_id: str = "",
            runtime: ToolRuntime[Any, Any] = None,  # type: ignore[assignment]
        ) -> tuple[str, dict[str, Any]]:
            """Remember how you did a task and how that went, once it has ended. Call it at most once per task."""
            namespace, of_task = await access.namespace(runtime), key_by(key, runtime)
            return await self._remember(task, approach, outcome, lesson, event_id, namespace, of_task)

        async def give_feedback(
            event_id: str,
            outcome: AgentOutcome,
            lesson: str = "",
            runtime: ToolRuntime[Any, Any] = None,  # type: ignore[assignment]
        ) -> tuple[str, dict[str, Any]]:
            """Say how a task ended that cases were recalled for, so that better ones are recalled next time."""
            return await self._feedback(event_id, outcome, lesson, await access.namespace(runtime))

        def sync_recall(task: str, runtime: ToolRuntime[Any, Any] = None) -> tuple[str, dict[str, Any]]:  # type: ignore[assignment]
            return access.from_sync(lambda: recall_cases(task, runtime))

        def sync_remember(
            task: str,
            approach: str,
            outcome: AgentOutcome,
            lesson: str = "",
            event_id: str = "",
            runtime: ToolRuntime[Any, Any] = None,  # type: ignore[assignment]
        ) -> tuple[str, dict[str, Any]]:
            return access.from_sync(lambda: remember_case(task, approach, outcome, lesson, event_id, runtime))

        def sync_feedback(
            event_id: str,
            outcome: AgentOutcome,
            lesson: str = "",
            runtime: ToolRuntime[Any, Any] = None,  # type: ignore[assignment]
        ) -> tuple[str, dict[str, Any]]:
            return access.from_sync(lambda: give_feedback(event_id, outcome, lesson, runtime))

        return [
            _tool(sync_recall, recall_cases, RecallArguments),
            _tool(sync_remember, remember_case, RememberArguments),
            _tool(sync_feedback, give_feedback, FeedbackArguments),
        ]

    async def _recall(self, task: str, namespace: str | None, key: str) -> tuple[str, dict[str, Any]]:
        task = self._access.redact(task)
        try:
            reading = await self._access.ask(
                lambda memory: memory.read(
                    task, k=self._k, policy=self._policy, namespace=namespace, key=key, kind=self._kind
                )
            )
        except (MemoryFailed, InvalidInput) as error:
            return f"Nothing was recalled: {error}", {"event_id": None, "case_ids": []}
        shown = format_cases(
            reading.cases,
            max_tokens=self._max_case_tokens,
            positive_from=reading.positive_from,
            redact=self._access.redact,
        )
        cases = shown or "There are no cases of similar tasks."
        artifact = {"event_id": reading.event_id, "case_ids": [scored.case.id for scored in reading.cases]}
        return f"{cases}\n\nEvent id of this recall: {reading.event_id}", artifact

    async def _remember(
        self,
        task: str,
        approach: str,
        outcome: AgentOutcome,
        lesson: str,
        event_id: str,
        namespace: str | None,
        key: str,
    ) -> tuple[str, dict[str, Any]]:
        redact, reward = self._access.redact, _REWARDS[outcome]
        if reward is None and not event_id:
            return "Nothing was remembered: an unknown outcome can only be kept with an event id.", {"case_id": None}

        async def write(memory: CaseMemory) -> tuple[str, str | None]:
            experience = Experience(
                state=redact(task),
                action=redact(approach),
                reward=reward,
                event_id=event_id or None,
                confidence=self._confidence,
                lesson=redact(lesson),
                evaluator=AGENT,
                namespace=namespace,
                key=key,
            )
            owner = memory.namespace if namespace is None else namespace
            own = experience.id_in(owner)
            known = (await memory.views.cases([own], namespace=owner)).get(own)
            if known is not None and known.provenance.evaluator != AGENT:
                return f"This case is known already, and was graded by {known.provenance.evaluator}; that stays.", own
            kept = await memory.write(experience)
            return (
                "Remembered." if kept else "The attempt is kept, and becomes a case when its outcome is known."
            ), kept

        try:
            told, kept = await self._access.ask(write)
        except (MemoryFailed, InvalidInput) as error:
            return f"It was not remembered: {error}", {"case_id": None}
        return told, {"case_id": kept}

    async def _feedback(
        self, event_id: str, outcome: AgentOutcome, lesson: str, namespace: str | None
    ) -> tuple[str, dict[str, Any]]:
        async def give(memory: CaseMemory) -> tuple[str, dict[str, Any]]:
            owner = memory.namespace if namespace is None else namespace
            known = await memory.views.outcome(event_id, namespace=owner)
            if known is not None and known.reward is not None and known.evaluator != AGENT:
                return f"It was graded already, by {known.evaluator}; that stays.", {"case_id": None}
            changed = await memory.feedback(
                event_id,
                _REWARDS[outcome],
                confidence=self._confidence,
                evaluator=AGENT,
                lesson=self._access.redact(lesson),
                namespace=namespace,
            )
            return "Noted.", {"case_id": changed}

        try:
            return await self._access.ask(give)
        except (MemoryFailed, InvalidInput) as error:
            return f"It was not noted: {error}", {"case_id": None}


def _tool(func: Any, coroutine: Any, schema: type[BaseModel]) -> BaseTool:
    return StructuredTool.from_function(
        func=func,
        coroutine=coroutine,
        name=coroutine.__name__,
        description=" ".join((coroutine.__doc__ or "").split()),
        args_schema=schema,
        response_format="content_and_artifact",
    )
