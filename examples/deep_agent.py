"""A deep agent (the package deepagents) with case memory, and the whole workflow as one of its tools.

    pip install memento-langgraph deepagents
    OPENAI_API_KEY=... python examples/deep_agent.py

The reward comes later here, as it does where a person reads the answer: the attempt waits for it under its event id.
"""

import asyncio

from deepagents import create_deep_agent
from langchain.chat_models import init_chat_model
from langchain_core.messages import HumanMessage

from memento import CaseMemory, Deps, build_graph
from memento.integrations.langchain import CaseMiddleware, memento_tool

TASK = "Where was Columbus born? Write what you find to /notes.txt."


async def main() -> None:
    """Ask, then say that the answer was right."""
    model = init_chat_model("openai:gpt-4.1-mini", use_responses_api=False)
    async with CaseMemory.open("./bank", seed=0) as memory:
        workflow = build_graph(Deps(memory=memory, planner=model, executor=model, judge=model))
        tools = [memento_tool(workflow, name="research", namespace="research")]
        # it reads the entry points of all packages when the first one is made
        agent = await asyncio.to_thread(
            create_deep_agent, model, tools, middleware=[CaseMiddleware(memory, namespace="agent")]
        )
        result = await agent.ainvoke({"messages": [HumanMessage(TASK)]})
        last = result["messages"][-1]
        print(last.text)
        event_id = last.response_metadata["case_event_id"]
        case_id = await memory.feedback(event_id, reward=1.0, namespace="agent")
        case = (await memory.views.cases([case_id or ""], namespace="agent"))[case_id or ""]
        print(f"remembered:\n{case.action}")


if __name__ == "__main__":
    asyncio.run(main())
