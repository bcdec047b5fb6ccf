"""An agent that decides itself what to recall and to remember, with the memory as three tools.

    pip install memento-langgraph
    OPENAI_API_KEY=... python examples/agent_tools.py

What the agent says of its own work counts half of what a person says, and never replaces it. Whose cases it sees comes
from the run's context, not from the model.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import HumanMessage, ToolMessage

from memento import CaseMemory
from memento.integrations.langchain import case_tools

INSTRUCTIONS = "Recall cases before you begin a task, and remember how you did it when it has ended."


@dataclass
class Visitor:
    """Context of a run."""

    user: str


def namespace_of(runtime: Any) -> str:
    """Every user has cases of their own."""
    return f"user-{runtime.context.user}"


async def main() -> None:
    """Let Ann's agent do a task twice."""
    async with CaseMemory.open("./bank", seed=0) as memory:
        tools = case_tools(memory, namespace=namespace_of)
        agent = create_agent("openai:gpt-4.1-mini", tools, system_prompt=INSTRUCTIONS, context_schema=Visitor)
        for task in ("Boil a soft egg", "Boil a very soft egg"):
            result = await agent.ainvoke({"messages": [HumanMessage(task)]}, context=Visitor("ann"))
            print(f"{task}: {result['messages'][-1].text}")
            for message in result["messages"]:
                if isinstance(message, ToolMessage):
                    print(f"  {message.name}: {message.text.splitlines()[0]}")


if __name__ == "__main__":
    asyncio.run(main())
