"""The table of docs/hosts.md: hosts and what was tried with each, one test of test_conformance.py for every cell."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

FEATURES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "invoke": "invoke",
        "stream": "stream",
        "interrupt": "interrupt + resume",
        "conversation": "conversation",
        "feedback": "feedback",
    }
)
"""Titles of the columns by the names in the ids of tests."""


class Row(NamedTuple):
    """One host."""

    host: str
    """Name in the ids of tests."""
    title: str
    test: str
    """Function of test_conformance.py."""
    remarks: Mapping[str, str] = MappingProxyType({})
    """What a reader should know of a cell, by feature."""


GRAPH: Final = "test_graph_around_ours"
WITHOUT_LOOP: Final = "test_graph_around_ours_without_an_event_loop"
"""Tries the cells of `GRAPH` once more."""
APP: Final = "test_app_of_a_web_framework"
SERVED: Final = "test_client_of_langgraph_dev"
WORKERS: Final = "test_forked_workers"
NOTEBOOK: Final = "test_cells_of_a_notebook"

_LEAD_CONDENSES: Final = (
    "A tool call of a deep agent carries one text, so its own model writes the follow-up as a task that stands alone."
)
_STATE_KEY: Final = "The id of the event comes out where the host's state has the key `event_id`."

ROWS: Final = (
    Row("supervisor", "langgraph-supervisor", GRAPH, {"feedback": _STATE_KEY}),
    Row("swarm", "langgraph-swarm", GRAPH, {"feedback": _STATE_KEY}),
    Row(
        "deep_agent",
        "deepagents, as a sub-agent",
        GRAPH,
        {"conversation": _LEAD_CONDENSES, "feedback": _STATE_KEY},
    ),
    Row("agent", "create_agent, in a tool", GRAPH),
    Row("shared_messages", "parent graph, shared `messages`", GRAPH, {"feedback": _STATE_KEY}),
    Row("wrapped", "parent graph, another schema", GRAPH),
    Row("remote_graph", "RemoteGraph", SERVED),
    Row("python_sdk", "Python SDK", SERVED),
    Row("javascript_sdk", "JavaScript SDK", SERVED),
    Row("fastapi", "FastAPI", APP),
    Row("flask", "Flask, threaded server", APP),
    Row("celery", "Celery-like workers, forked", WORKERS),
    Row("async_cells", "Jupyter, cells that await", NOTEBOOK),
    Row("sync_cells", "Jupyter, synchronous cells", NOTEBOOK),
)


def hosts_of(test: str) -> list[str]:
    """The hosts that a test function tries."""
    return [row.host for row in ROWS if row.test == test]


def node_ids() -> set[str]:
    """The names of the tests of all cells."""
    return {f"{row.test}[{row.host}-{feature}]" for row in ROWS for feature in FEATURES}


def markdown() -> str:
    """The table, with its remarks as footnotes."""
    notes = list(dict.fromkeys(remark for row in ROWS for remark in row.remarks.values()))
    lines = [f"| host | {' | '.join(FEATURES.values())} |", "|---" * (len(FEATURES) + 1) + "|"]
    for row in ROWS:
        cells = [_cell(row.remarks.get(feature), notes) for feature in FEATURES]
        lines.append(f"| {row.title} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *(f"[^{number}]: {note}" for number, note in enumerate(notes, start=1))])


def _cell(remark: str | None, notes: list[str]) -> str:
    return "yes" if remark is None else f"yes[^{notes.index(remark) + 1}]"
