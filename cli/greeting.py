"""What `memento` alone prints: what is configured, and the next step. Opens nothing and calls no model."""

import asyncio
from importlib.metadata import version

from memento.cli.running import ExitCode
from memento.graph.models import ChatModels
from memento.graph.settings import Settings, read_settings
from memento.memory.reasons import masked
from memento.nodes.errors import NoModelConfigured

_NO_MODEL = """\
  memento demo                      see it learn: no key, no network, two minutes
  export OPENAI_API_KEY=sk-...      or OPENAI_BASE_URL=http://host:port/v1, any server of
                                    that protocol; or start Ollama: it is found"""
_EMPTY = """\
  memento ask 'What is the capital of Columbia County?' -r Bloomsburg
  memento import claude-code ~/.claude/projects
                                    a memory that begins full; docs/importing.md has the others"""
_IN_USE = """\
  memento ask TASK                  a run; `memento feedback EVENT REWARD` says later how good it was
  memento cases stats               what is in memory
  memento eval run --dataset FILE   whether memory helps on your tasks"""


async def greet() -> ExitCode:
    """Print version, what is configured, and what to do next.

    Raises:
        InvalidInput: the settings cannot be read.
    """
    settings = read_settings()
    model = await _model(ChatModels.configured(settings))
    is_begun = await asyncio.to_thread(settings.ledger_file.exists) or settings.ledger_url is not None
    ours = await asyncio.to_thread(version, "memento-langgraph")
    lines = [
        f"memento {ours}: an agent that gets better with use, without fine-tuning.",
        "",
        f"  model    {model or 'none is configured, and no model server was found on this machine'}",
        f"  memory   {_place(settings)}{'' if is_begun else ', nothing in it yet'}",
        f"  policy   {settings.policy}",
        "",
        "Next:",
        _NO_MODEL if model is None else _IN_USE if is_begun else _EMPTY,
        "",
        "`memento doctor` checks all of it; `memento --help` lists the commands.",
    ]
    print("\n".join(lines))  # noqa: T201
    return ExitCode.OK


async def _model(models: ChatModels) -> str | None:
    try:
        choice = await models.choice("planner")
    except NoModelConfigured:
        return None
    return masked(" at ".join(filter(None, (f"{choice.spec}, {choice.source}", choice.base_url))))


def _place(settings: Settings) -> str:
    index = f"Qdrant at {settings.qdrant_url}" if settings.qdrant_url else None
    ledger = "the ledger of MEMENTO_LEDGER_URL" if settings.ledger_url else None
    return masked(", ".join(filter(None, (str(settings.folder), index, ledger))))
