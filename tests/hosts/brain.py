"""The scripted models of all hosts, as objects in this process or behind a provider's URL for other processes."""

import json
import re
import threading
from typing import Any, Final

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from tests.node_parts import answer, calling, plan
from tests.provider_server import Wire, completion
from tests.scripted import ScriptedChatModel

TOWN: Final = "Genoa"
YEAR: Final = "1451"
FOLLOW_UP: Final = "And when was he born?"

_SEEN_WITHIN_S = 30.0
_HANDING_OVER: Final[dict[str, dict[str, Any]]] = {
    "transfer_to_memento": {},
    "memento": {},
    "task": {"description": True, "subagent_type": "memento"},
}
"""Tools by which a host's model hands over, and the arguments of `lead`."""


class Brain:
    """Plans one subtask, then answers; condenses follow-ups. Keeps what it was shown."""

    def __init__(self, person: str = "Columbus") -> None:
        self.begin(person)

    def begin(self, person: str) -> None:
        """Begin anew, with questions about somebody else: a test with the models and the memory of another one."""
        self.question = f"Where was {person} born?"
        self.standalone = f"When was {person} born?"
        """The follow-up to it."""
        self.tasks: list[str] = []
        """The task of every call that planned or answered."""
        self.condensed: list[str] = []
        """Every text that was to be condensed."""
        self.n_executed = 0
        self.plan_was_seen: threading.Event | None = None
        """With one, the executor waits for it: a host that streams only at the end keeps it waiting."""
        self.was_seen_in_time = True

    def models(self) -> dict[str, ScriptedChatModel]:
        """Models of all roles, as `Deps` takes them."""
        model = ScriptedChatModel(lambda messages: self.reply(messages[0].text, messages[-1].text))
        return {"planner": model, "executor": model, "judge": model}

    def wire(self, request: dict[str, Any]) -> Wire:
        """Answer as a provider, for the models of the graph and those of its hosts."""
        offered = {tool["function"]["name"] for tool in request.get("tools", ())}
        for tool, args in _HANDING_OVER.items():
            if tool in offered:
                return completion(request, **self._lead(request["messages"], tool, args))
        return completion(request, content=self.content(request))

    def content(self, request: dict[str, Any]) -> str:
        """The text of a provider's answer."""
        system, text = (str(request["messages"][number]["content"]) for number in (0, -1))
        return self.reply(system, text)

    def reply(self, system: str, text: str) -> str:
        if "You judge" in system:
            return json.dumps({"correct": "yes", "reason": ""})
        if "You carry out" in system:
            return self._executed()
        task = text.split("<task>\n")[1].split("\n</task>", maxsplit=1)[0]
        if "You rewrite" in system:
            self.condensed.append(task)
            return json.dumps({"task": self.standalone})
        self.tasks.append(task)
        return answer(answer_to(task)) if "<result" in text else plan("look it up")

    def _lead(self, messages: list[dict[str, Any]], tool: str, args: dict[str, Any]) -> dict[str, Any]:
        """The message of a host's model; see `lead`."""
        reply = lead(self, tool, **args).invoke([_message(one) for one in messages])
        calls = [
            {"id": call["id"], "type": "function", "function": {"name": tool, "arguments": json.dumps(call["args"])}}
            for call in reply.tool_calls
        ]
        return {"content": None, "tool_calls": calls} if calls else {"content": reply.text}

    def _executed(self) -> str:
        self.n_executed += 1
        if self.plan_was_seen is not None:
            self.was_seen_in_time = self.plan_was_seen.wait(_SEEN_WITHIN_S)
        return "done"


def _message(sent: dict[str, Any]) -> BaseMessage:
    """A message as a provider gets it: its content is a text, a list of blocks, or None beside tool calls."""
    content = sent["content"] or ""
    text = content if isinstance(content, str) else "\n".join(block.get("text", "") for block in content)
    return HumanMessage(text) if sent["role"] == "user" else AIMessage(text)


def answer_to(task: str) -> str:
    """Of the question, the follow-up to it, or `What is number 7?`."""
    if task.startswith("Where"):
        return TOWN
    return YEAR if task.startswith("When") else re.findall(r"number (\d+)", task)[-1]


def lead(brain: Brain, tool: str, **args: Any) -> ScriptedChatModel:
    """A model of the host: hands every human message over by a tool call, then says what it was told.

    Args:
        brain: knows what the follow-up means.
        tool: its name.
        args: of the call; True stands for the newest human message, as a task that stands alone.
    """

    def reply(messages: list[BaseMessage]) -> AIMessage:
        asked = [one.text for one in messages if isinstance(one, HumanMessage)]
        if not isinstance(messages[-1], HumanMessage):
            return AIMessage("\n".join([f"So far for {asked[-1]!r}:", *(one.text for one in messages[-3:])]))
        task = brain.standalone if asked[-1] == FOLLOW_UP else asked[-1]
        given = {name: task if value is True else value for name, value in args.items()}
        return calling(tool, len(messages), **given)

    return ScriptedChatModel(reply)
