"""Shared state of one subtask's agent calls: budgets, usage, workspace, notices.

An agent is compiled once for all runs, so whatever belongs to one subtask comes with the call.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from memento.nodes.agent.budgets import Meter, grace_seconds
from memento.nodes.redaction import Redact
from memento.nodes.run_settings.cases import MAX_CASE_TOKENS
from memento.nodes.usage import Usage, add_usage, no_usage
from memento.tools.workspace import Workspace

WORK: Final = "__memento_work"
"""Key of the agent's configurable. Keys with two underscores stay out of checkpoints and traces."""


class Summary(NamedTuple):
    """A summary that replaces the first messages of a long conversation."""

    text: str
    n_messages: int
    """How many it stands for."""


@dataclass(kw_only=True)
class Work:
    """Budgets and usage of one subtask, and where its tools and events go."""

    subtask: Meter
    run: Meter
    usage_of: Callable[[AIMessage], Usage]
    """What one reply used."""
    usage_of_other: Callable[[AIMessage], Usage]
    """What one reply of another model, asked by a tool, used."""
    redact: Redact
    report: Callable[[str, dict[str, Any]], None]
    """Is told the name and the arguments of every tool call."""
    max_tool_seconds: float
    max_seconds: float
    max_result_chars: int
    """Of a tool's result that the model is shown whole."""
    max_result_tokens: int
    """Of the results of earlier subtasks together."""
    max_case_tokens: int = MAX_CASE_TOKENS
    """Of the served cases together, where it is shown any."""
    workspace: Workspace | None = None
    away: Sequence[str] = ()
    """How the names of tools begin whose server did not answer when it began."""
    one_by_one: frozenset[str] = frozenset()
    """Names of tools that change something together: their calls are carried out one after the other, in order."""
    usage: Usage = field(default_factory=no_usage)
    refused_by: str = ""
    """The budget that refused a tool call."""
    summary: Summary | None = None
    notices: list[str] = field(default_factory=list)
    """What the user should know about it, each said once."""
    _has_caught_up: bool = False
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def catch_up(self, messages: Sequence[BaseMessage]) -> None:
        """Count what was done before an interrupted run was resumed, from the agent's messages."""
        if self._has_caught_up:
            return
        self._has_caught_up = True
        for message in messages:
            if isinstance(message, AIMessage):
                self.charge(self.usage_of(message))
            elif isinstance(message, ToolMessage):
                self.charge(no_usage() | {"tool_calls": 1})

    def begin_model_call(self) -> None:
        """Count a call before it is made, so that parallel calls see it."""
        self.charge(no_usage() | {"model_calls": 1})

    def count_reply(self, reply: AIMessage) -> None:
        """Count the usage of a reply."""
        self.charge(self.usage_of(reply) | {"model_calls": 0})

    def count_tools_reply(self, reply: AIMessage) -> None:
        """Count a model call made by a tool."""
        self.charge(self.usage_of_other(reply))

    def turn(self, tool: str) -> AbstractAsyncContextManager[Any]:
        """Wait for the calls before this one, where the tool's calls are carried out one after the other."""
        return self._turn if tool in self.one_by_one else nullcontext()

    def begin_tool_call(self) -> str:
        """Count a call before it is made; return the budget that refuses it, or an empty text."""
        why = self.subtask.tools_ended_by() or self.run.tools_ended_by()
        if why:
            self.refused_by = self.refused_by or why
        else:
            self.charge(no_usage() | {"tool_calls": 1})
        return why

    def notice(self, text: str) -> None:
        """Add a notice for the user, once."""
        if text not in self.notices:
            self.notices.append(text)

    def charge(self, usage: Usage) -> None:
        """Add usage to the subtask's and the run's accounts."""
        self.usage = add_usage(self.usage, usage)
        self.subtask.charge(usage)
        self.run.charge(usage)

    def ended_by(self, *, n_calls: int = 2) -> str:
        """Name the budget that cannot pay for so many more calls; by default the next one and the last one."""
        # Of the run there must be room for the last ones of all others who work now, and for the planner's.
        n_of_run = n_calls + self.run.n_active
        return self.refused_by or self.subtask.ended_by(n_calls=n_calls) or self.run.ended_by(n_calls=n_of_run)

    def seconds_left(self) -> float:
        """Return the remaining time."""
        return min(self.subtask.seconds_left(), self.run.seconds_left())

    def seconds_ended_by(self) -> str:
        """Name the time budget that ends first."""
        is_run = self.run.seconds_left() < self.subtask.seconds_left()
        return "run_max_seconds" if is_run else "max_seconds"

    def grace(self) -> float:
        """Return the time allowed for the last call: what is left, and a little more."""
        return grace_seconds(self.seconds_left(), self.max_seconds)


def work_of(config: Mapping[str, Any]) -> Work:
    """Return the `Work` passed with a call."""
    work = config.get("configurable", {}).get(WORK)
    if not isinstance(work, Work):
        raise TypeError(f"the agent is called with a Work under {WORK}")
    return work
