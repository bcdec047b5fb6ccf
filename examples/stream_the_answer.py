"""A chat that shows what happens: cases, plan and results as tool messages, the answer token by token.

    pip install memento-langgraph
    OPENAI_API_KEY=... python examples/stream_the_answer.py "Where is the capital of Columbia County?"

Chunks of one message have one id, which the finished message in the thread's state has too. Where a reply breaks off
after its answer has begun, the event `withdrawn` names the message that a client takes back.
"""

import asyncio
import sys

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver

from memento import CaseMemory, Context, Deps, build_graph


async def main(question: str) -> None:
    """Ask one question, and print the chat as a client sees it."""
    async with CaseMemory.open("./bank", seed=0) as memory:
        deps = Deps(memory=memory, planner="openai:gpt-4.1", executor="openai:o4-mini")
        graph = build_graph(deps, checkpointer=InMemorySaver())
        thread = {"configurable": {"thread_id": "1"}}
        context = Context(show_steps=True, evaluator="none")
        shown: dict[str | None, int] = {}
        async for mode, part in graph.astream(
            {"messages": [HumanMessage(question)]}, thread, context=context, stream_mode=["messages", "custom"]
        ):
            if mode == "custom":
                if part["event"] == "withdrawn":
                    print(f"\n(message {part['message_id']} is taken back)")
                continue
            message, _ = part
            if isinstance(message, ToolMessage):
                print(f"[{message.name}] {message.text}")
            elif isinstance(message, AIMessage) and message.text:
                shown[message.id] = shown.get(message.id, 0) + 1
                print(message.text, end="", flush=True)
        state = await graph.aget_state(thread)
        answer = state.values["messages"][-1]
        print(f"\nin {shown[answer.id]} pieces: {answer.text}")


if __name__ == "__main__":
    asyncio.run(main(" ".join(sys.argv[1:]) or "Where is the capital of Columbia County?"))
