"""A LangChain agent that learns from its tasks: cases before the model, the outcome after the agent.

    pip install memento-langgraph
    OPENAI_API_KEY=... python examples/create_agent_with_memory.py

The reward is read from the final state. Where nobody can tell yet, return None, and give `memory.feedback` the event id
when it is known.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool

from memento import CaseMemory
from memento.integrations.langchain import CaseMiddleware

TASKS = ("Ship a parcel to Norway", "Ship a second parcel to Norway")


@tool
def ship(country: str, *, customs_form: bool) -> str:
    """Ship a parcel, with or without a customs form."""
    is_lacking = country == "Norway" and not customs_form
    return "returned: a customs form is missing" if is_lacking else "delivered"


def was_delivered(state: Mapping[str, Any]) -> float | None:
    """Reward of the agent's final state: by what the tool said last; unknown where it was never called."""
    said = [message.text for message in state["messages"] if isinstance(message, ToolMessage)]
    return float(said[-1] == "delivered") if said else None


async def main() -> None:
    """Do both tasks; the second one is shown how the first one failed."""
    async with CaseMemory.open("./bank", seed=0) as memory:
        remembering = CaseMiddleware(memory, reward=was_delivered)
        agent = create_agent("openai:gpt-4.1-mini", [ship], system_prompt="Ship parcels.", middleware=[remembering])
        for task in TASKS:
            result = await agent.ainvoke({"messages": [HumanMessage(task)]})
            last = result["messages"][-1]
            print(f"{task}: {last.text} (event {last.response_metadata['case_event_id']})")
        print(f"{await memory.n_outcomes()} outcomes learned from")


if __name__ == "__main__":
    asyncio.run(main())
