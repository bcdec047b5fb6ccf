"""Code of somebody who uses the package, for a type checker: what it must accept, and what it must refuse."""

from typing import assert_type

from langchain_core.language_models import BaseChatModel

from memento import Case, CaseMemory, Context, Deps, MementoError, Reading, build_graph
from memento.tools.registry import ToolParts, standard_tools


async def answered(model: BaseChatModel) -> Case | None:
    async with CaseMemory.open("./bank") as memory:
        reading = await memory.read("What is the capital of Peru?", k=4)
        assert_type(reading, Reading)
        graph = build_graph(Deps(memory=memory, planner=model, tools=list(standard_tools(ToolParts()).values())))
        state = await graph.ainvoke({"task": "What is the capital of Peru?"}, context=Context(k=4))
        assert_type(str(state["answer"]), str)
        for case, similarity, *_ in reading.cases:
            assert_type(similarity, float)
            return case
    return None


async def wrong(memory: CaseMemory) -> None:
    await memory.read(3)  # refused: no text
    Deps()  # refused: no memory
    raise MementoError.no_such_name  # refused
