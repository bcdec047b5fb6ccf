"""An assistant of one's own: the form of all settings, and a Context that fills it in, with instructions for each role.

    pip install memento-langgraph
    python examples/studio_assistant.py                            # the form, and whether the assistant fits it
    python examples/studio_assistant.py http://127.0.0.1:2024      # creates it on a server (`langgraph dev`)

Studio draws the same form at the nodes: prompts and models are edited where they are used.
"""

import asyncio
import sys
from itertools import groupby
from typing import Any

from langgraph_sdk import get_client

from memento import CaseMemory, Context, Deps, build_graph

ASSISTANT = Context(
    k=6,
    planner="openai:gpt-4.1",
    planner_prompt="The tasks are about parcels. Prefer plans of one step.",
    judge_prompt="A right answer names the form that customs ask for.",
    evaluator="rubric",
    show_steps=True,
)


def print_form(schema: dict[str, Any]) -> None:
    """Print the settings under their headings, with widget, bounds and nodes."""
    for group, fields in groupby(schema["properties"].values(), key=lambda field: field["group"]):
        print(f"\n{group}")
        for field in fields:
            widget = field["metadata"]["x_oap_ui_config"]
            bounds = f" {widget['min']} to {widget['max']}" if {"min", "max"} <= set(widget) else ""
            print(f"  {field['title']}: {widget['type']}{bounds}, at {', '.join(field['langgraph_nodes'])}")


async def create(url: str) -> None:
    """Create the assistant on a server, and print its id."""
    async with get_client(url=url) as client:
        context = ASSISTANT.model_dump(exclude_unset=True)
        made = await client.assistants.create("memento", context=context, name="Parcels")
        print(f"\ncreated {made['assistant_id']}: {made['name']}")


async def main() -> None:
    """Print the form of a graph, and create the assistant where a server is named."""
    async with CaseMemory.open(":memory:") as memory:
        graph = build_graph(Deps(memory=memory))
        print_form(graph.get_context_jsonschema() or {})
    print(f"\nthe assistant sets {', '.join(sorted(ASSISTANT.model_dump(exclude_unset=True)))}")
    if len(sys.argv) > 1:
        await create(sys.argv[1])


if __name__ == "__main__":
    asyncio.run(main())
