"""Index of examples/ by what a reader wants to do, from the files themselves: written into examples.md by refresh.py.

What a file needs is its `pip install` line, and a model where it asks for a key. What it prints is said here.
"""

import ast
import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

EXAMPLES: Final = Path(__file__).resolve().parents[2] / "examples"


class Entry(NamedTuple):
    """One file of the index."""

    want: str
    """What its reader wants to do."""
    file: str
    """Below examples/."""
    prints: str


SECTIONS: Final[Mapping[str, tuple[Entry, ...]]] = MappingProxyType(
    {
        "Remember and recall": (
            Entry("use the memory in a loop of my own", "memory_alone.py", "each task of two turns: right or wrong"),
            Entry("try the memory in a notebook", "notebooks/memory_alone.ipynb", "cases with cosine and propensity"),
            Entry("call it from threads, without asyncio", "threads_without_asyncio.py", "eight answers, then events"),
            Entry("rank the documents of my retriever", "rank_documents.py", "tasks answered right, turn by turn"),
            Entry("use an encoder of my own", "own_encoder.py", "the nearest task, by two encoders"),
            Entry("begin with what another system kept", "import_langsmith.py", "cases before and after release"),
        ),
        "Give it to an agent": (
            Entry("add memory to `create_agent`", "create_agent_with_memory.py", "a failure, then a success"),
            Entry("let the agent decide what to recall", "agent_tools.py", "answers, and the memory's tool calls"),
            Entry("add memory to a deep agent", "deep_agent.py", "the answer, and what is remembered of it"),
            Entry("give memory to a coding agent, by MCP", "mcp_memory.py", "what each of four tools says"),
        ),
        "Embed and serve the workflow": (
            Entry("act in an environment, step by step", "act_in_an_environment.py", "how two episodes ended"),
            Entry("stream answers into a chat", "stream_the_answer.py", "steps, then the answer in pieces"),
            Entry("put it behind FastAPI", "fastapi_app.py", "nothing: it serves"),
            Entry("put it behind Flask", "flask_app.py", "nothing: it serves"),
            Entry("call such an app, and approve plans", "ask_over_http.py", "events, answers, status codes"),
            Entry("serve users with API keys", "serve_with_keys.py", "who may do what, as status codes"),
            Entry("set up an assistant in Studio", "studio_assistant.py", "the form of all settings"),
        ),
        "Tell it how it went, and keep it in order": (
            Entry("give feedback later, from a page or a web hook", "late_feedback.py", "the case after each click"),
            Entry("erase a user's data", "erase_a_user.py", "what would go, what went, what stayed"),
            Entry("back up, restore, export and import a bank", "move_a_bank.py", "counts after each step"),
        ),
        "Measure and understand": (
            Entry("evaluate my agent with and without memory", "evaluate_my_agent.py", "accuracy, and the verdict"),
            Entry(
                "see controls, orders and intervals at work",
                "notebooks/does_memory_help.ipynb",
                "why two orders say nothing, and what six say",
            ),
            Entry(
                "look inside a learned policy",
                "notebooks/inside_a_learned_policy.ipynb",
                "effects beside the truth, reasons, off-policy estimates",
            ),
            Entry("write a policy of my own", "own_policy.py", "slots with their propensities"),
        ),
    }
)


def markdown() -> str:
    """The tables of the page."""
    parts = []
    for heading, entries in SECTIONS.items():
        rows = [
            f"| {one.want} | [{one.file}](../examples/{one.file}) | {needs(one.file)} | {one.prints} |"
            for one in entries
        ]
        head = ["| I want to | file | it needs | it prints |", "|---|---|---|---|"]
        parts.append("\n".join([f"## {heading}", "", *head, *rows]))
    return "\n\n".join(parts)


def needs(file: str) -> str:
    """Extras, further packages, and whether a model has to be asked."""
    told = _told(file)
    (packages,) = re.findall(r"pip install (.+)", told)
    extras = re.findall(r"memento-langgraph\[([\w,]+)\]", packages)
    others = [word.strip("'") for word in packages.split() if not word.strip("'").startswith("memento-langgraph")]
    parts = [f"extra{'s' if ',' in extras[0] else ''} `{extras[0]}`"] if extras else []
    parts += [f"`{word}`" for word in others]
    parts += ["a model"] if "OPENAI_API_KEY" in told else []
    return ", ".join(parts) or "nothing else"


def _told(file: str) -> str:
    """The docstring of a script, or the first text of a notebook."""
    text = (EXAMPLES / file).read_text(encoding="utf-8")
    if file.endswith(".py"):
        return ast.get_docstring(ast.parse(text)) or ""
    return "".join(json.loads(text)["cells"][0]["source"])
