"""The picture of a task in whole runs: taken from its message, kept with the case, and searched by."""

import base64
from typing import Any

from langchain_core.messages import HumanMessage

from memento.graph.deps import Deps
from memento.graph.workflow import build_graph
from memento.memory.case import Case
from memento.memory.case_memory import CaseMemory
from tests.node_parts import a_memory, answer, plan, scripted
from tests.screens import FAR, HERE, NEAR, screen

TASK = "Reach the green goal."
PICTURES: Any = {"pictures": True, "evaluator": "exact", "policy": "similarity"}


def message(*pictures: bytes, kind: str = "image/png") -> HumanMessage:
    """What a person asks, with images as a chat host sends them."""
    shown = [{"type": "image", "base64": base64.b64encode(one).decode(), "mime_type": kind} for one in pictures]
    return HumanMessage([{"type": "text", "text": TASK}, *shown])


async def a_run(memory: CaseMemory, asked: HumanMessage, *replies: str, **context: Any) -> dict[str, Any]:
    graph = build_graph(
        Deps(memory=memory, planner=scripted(*(replies or (answer("done"),))), executor=scripted("right"))
    )
    given: Any = {"messages": [asked], "reference": "done"}
    result: dict[str, Any] = await graph.ainvoke(given, context=PICTURES | context)
    return result


async def case_of(memory: CaseMemory, run: dict[str, Any]) -> Case:
    return (await memory.views.cases([run["case_id"]], namespace="default"))[run["case_id"]]


async def served(memory: CaseMemory, run: dict[str, Any]) -> dict[str, float]:
    """Similarities of the cases that the run's last reading served, by their ids."""
    event = await memory.views.event(run["event_id"], namespace="default")
    assert event is not None
    return {slot.case_id: slot.similarity for slot in event.slots if slot.case_id is not None}


async def test_the_first_image_of_the_message_is_kept_and_cases_are_chosen_by_it() -> None:
    async with a_memory(image_encoder="thumbnail") as memory:
        near = await a_run(memory, message(NEAR, FAR))
        far = await a_run(memory, message(FAR))
        assert len({near["case_id"], far["case_id"]}) == 2, "one text, two tasks"
        case = await case_of(memory, near)
        assert (await memory.picture(case.picture)).content == NEAR
        again = await a_run(memory, message(NEAR))
        assert again["case_id"] == near["case_id"]
        assert list(await served(memory, again)) == [far["case_id"]], "its own case is not shown"
        here = await a_run(memory, message(HERE), plan("step"), answer("done"), reread=True)
        similarity = await served(memory, here)
        assert list(similarity) == [near["case_id"], far["case_id"]]
        assert similarity[near["case_id"]] > similarity[far["case_id"]]
        read_again = await memory.views.event(here["event_id"], namespace="default")
        assert read_again is not None
        assert read_again.follows, "the reading between two plans goes by the picture, too"
        assert not any("picture" in notice for notice in here["notices"])


async def test_no_picture_is_kept_unless_a_run_wants_it_or_where_it_cannot_be() -> None:
    async with a_memory() as memory:
        off = await a_run(memory, message(NEAR), pictures=False)
        assert not (await case_of(memory, off)).picture
        odd = await a_run(memory, message(screen((1, 1), kind="GIF"), kind="image/gif"))
        assert not (await case_of(memory, odd)).picture
        assert any("not a PNG, JPEG or WebP" in notice for notice in odd["notices"])
        assert odd["case_id"] == off["case_id"]
        linked = HumanMessage([{"type": "text", "text": TASK}, {"type": "image", "url": "https://example.org/a.png"}])
        assert (await a_run(memory, linked))["case_id"] == off["case_id"]
