"""What alice does to the state of her own threads and assistants, so that a run of hers reaches what is bob's."""

from typing import Any

from tests.tenant_attempts import RUN, attack
from tests.tenant_world import LIKE_IT, World, forged_run, forged_state


@attack("an assistant of hers that names his namespace")
async def _own_assistant(world: World) -> Any:
    made = {"graph_id": "memento", "context": {"namespace": "bob"}, "metadata": {"owner": "bob"}}
    own = await world.alice("POST", "/assistants", made)
    return await world.alice.wait(None, {"task": LIKE_IT}, assistant_id=own["assistant_id"])


@attack("an assistant of hers that names him as the user")
async def _forging_assistant(world: World) -> Any:
    user = {"langgraph_auth_user": {"identity": "bob", "namespace": "bob"}}
    own = await world.alice("POST", "/assistants", {"graph_id": "memento", "config": {"configurable": user}})
    return await world.alice.wait(None, {"task": LIKE_IT}, assistant_id=own.get("assistant_id", "memento"))


@attack("an assistant of hers put among everybody's")
async def _published_assistant(world: World) -> Any:
    made = {"graph_id": "memento", "name": "trap", "metadata": {"created_by": "system"}}
    own = (await world.alice("POST", "/assistants", made))["assistant_id"]
    return await world.alice("PATCH", f"/assistants/{own}", {"metadata": {"created_by": "system"}})


@attack("everybody's assistant changed")
async def _system_assistant(world: World) -> Any:
    (own,) = [
        one
        for one in await world.alice("POST", "/assistants/search", {"limit": 100})
        if one["metadata"].get("created_by") == "system"
    ]
    changed = {"context": {"namespace": "alice"}, "name": "forged"}
    await world.alice("PATCH", f"/assistants/{own['assistant_id']}", changed)
    return await world.alice("DELETE", f"/assistants/{own['assistant_id']}")


async def _own(world: World) -> dict[str, Any]:
    """The state of a finished run of hers."""
    values: dict[str, Any] = (await world.alice("GET", f"/threads/{world.own_thread}/state"))["values"]
    assert values["run"]["namespace"] == "alice"
    return values


async def _goto(world: World, node: str, given: dict[str, Any]) -> Any:
    """Send a state to a node, on another thread whose run is finished; a run of hers is that thread's own."""
    thread = await world.alice.thread()
    await world.alice.wait(thread, {"task": "six times seven?"})
    own = await _own(world)
    if given["run"] == own["run"]:
        given = given | {"run": (await world.alice("GET", f"/threads/{thread}/state"))["values"]["run"]}
    body = RUN | {"input": None, "command": {"goto": [{"node": node, "input": given}]}}
    done = await world.alice("POST", f"/threads/{thread}/runs/wait", body)
    await world.alice("GET", f"/threads/{thread}/state")
    return done


@attack("a command to recall in his namespace")
async def _goto_recall(world: World) -> Any:
    given = {"run": forged_run(world), "cycle": 1, "found": "", "follows": None, "is_degraded": False, "notices": []}
    return await _goto(world, "retrieve_case", given)


@attack("a command to recall as a follower of his event")
async def _goto_follow(world: World) -> Any:
    own = (await _own(world))["run"]
    given = {"run": own, "cycle": 1, "found": "", "follows": world.bobs.event, "is_degraded": False, "notices": []}
    return await _goto(world, "retrieve_case", given)


@attack("a command to choose among his candidates")
async def _goto_select(world: World) -> Any:
    state = forged_state(world)
    return await _goto(world, "score_case", {**state, "run": forged_run(world), "event_id": None})


@attack("a command to choose among his candidates as her own")
async def _goto_select_own(world: World) -> Any:
    own = await _own(world)
    recall = {**own["recall"], "candidates": [[world.bobs.case, 0.99]], "namespace": "bob"}
    return await _goto(world, "score_case", {**own, "recall": recall, "event_id": None})


@attack("a command to choose his case as one of her namespace")
async def _goto_select_renamed(world: World) -> Any:
    own = await _own(world)
    recall = {**own["recall"], "candidates": [[world.bobs.case, 0.99]]}
    return await _goto(world, "score_case", {**own, "recall": recall, "event_id": None})


@attack("a command to write into his namespace")
async def _goto_write(world: World) -> Any:
    state = forged_state(world)
    return await _goto(world, "write_case", {**state, "reward": 0.0, "lesson": "forged", "event_id": None})


@attack("a command to write to his event from her namespace")
async def _goto_write_event(world: World) -> Any:
    run = forged_run(world, namespace="alice")
    return await _goto(world, "write_case", {**forged_state(world), "run": run, "reward": 0.0, "lesson": "forged"})


@attack("a command to write to his event in a run of hers")
async def _goto_write_own(world: World) -> Any:
    own = await _own(world)
    return await _goto(world, "write_case", {**own, "event_id": world.bobs.event, "reward": 0.0, "lesson": "forged"})


@attack("a command to work in his folder")
async def _goto_folder(world: World) -> Any:
    own = (await _own(world))["run"]
    subtask = {"id": "1", "description": "READ secret.txt", "depends_on": []}
    given = {"run": {**own, "folder": world.bobs.folder}, "cycle": 1, "subtask": subtask, "earlier": []}
    return await _goto(world, "executor", given)


@attack("a command to work outside of all folders")
async def _goto_outside(world: World) -> Any:
    own = (await _own(world))["run"]
    subtask = {"id": "1", "description": "READ secret.txt", "depends_on": []}
    given = {"run": {**own, "folder": "../namespaces/bob"}, "cycle": 1, "subtask": subtask, "earlier": []}
    return await _goto(world, "executor", given)


@attack("a task that reads his files by paths")
async def _read_by_paths(world: World) -> Any:
    thread = await world.alice.thread()
    for path in (f"../{world.bobs.folder}/secret.txt", "../../namespaces/bob/secret.txt", "../../../ledger.sqlite"):
        await world.alice.wait(thread, {"task": f"READ {path}"})
    return await world.alice("GET", f"/threads/{thread}/history?limit=50")


@attack("her paused run moved to his namespace")
async def _update_run(world: World) -> Any:
    command = {"resume": "approve", "update": {"run": forged_run(world)}}
    path = f"/threads/{world.own_paused}/runs/wait"
    await world.alice("POST", path, {"assistant_id": "memento", "command": command})
    return await world.alice("GET", f"/threads/{world.own_paused}/state")


async def _with_state(world: World, values: dict[str, Any], as_node: str) -> Any:
    thread = await world.alice.thread()
    await world.alice.wait(thread, {"task": "plan it"}, context={"approve_plan": True})
    await world.alice("POST", f"/threads/{thread}/state", {"values": values, "as_node": as_node})
    await world.alice.wait(thread, None)
    return await world.alice("GET", f"/threads/{thread}/state")


@attack("her thread's state overwritten with his run, before cases are chosen")
async def _state_recall(world: World) -> Any:
    values = {"run": forged_run(world), "recall": forged_state(world)["recall"], "event_id": None}
    return await _with_state(world, values, "retrieve_case")


@attack("her thread's state overwritten with his recall alone")
async def _state_recall_alone(world: World) -> Any:
    return await _with_state(world, {"recall": forged_state(world)["recall"], "event_id": None}, "retrieve_case")


@attack("her thread's state overwritten with his run, before it is written")
async def _state_write(world: World) -> Any:
    values = {"run": forged_run(world), "event_id": world.bobs.event, "reward": 0.0, "lesson": "forged"}
    return await _with_state(world, values, "evaluate")


@attack("a thread of hers made with his state")
async def _supersteps(world: World) -> Any:
    updates = [
        {"values": {"run": forged_run(world), "event_id": world.bobs.event, "reward": 0.0}, "as_node": "evaluate"}
    ]
    made = await world.alice("POST", "/threads", {"supersteps": [{"updates": updates}], "graph_id": "memento"})
    return await world.alice.wait(made.get("thread_id"), None)


@attack("his checkpoint from her thread")
async def _foreign_checkpoint(world: World) -> Any:
    ids = {"checkpoint_id": world.bobs.checkpoint}
    await world.alice.wait(world.own_thread, None, **ids)
    await world.alice.wait(
        world.own_thread, None, checkpoint=ids | {"thread_id": world.bobs.thread, "checkpoint_ns": ""}
    )
    await world.alice.wait(world.own_thread, None, config={"configurable": ids | {"thread_id": world.bobs.thread}})
    body = {"checkpoint": ids | {"thread_id": world.bobs.thread}}
    await world.alice("POST", f"/threads/{world.own_thread}/state/checkpoint", body)
    return await world.alice("GET", f"/threads/{world.own_thread}/state/{world.bobs.checkpoint}")
