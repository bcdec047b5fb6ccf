"""The built-in tools of these settings: which engines search, what sees and hears, where code runs."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from memento.graph.senses import look_through, transcribe_with_openai
from memento.graph.settings import Settings
from memento.memory.errors import InvalidInput
from memento.nodes.sources import ModelSource
from memento.tools.registry import ToolFunction, ToolParts, standard_tools
from memento.tools.sandbox.choice import make_sandbox
from memento.tools.web.guard import AddressGuard
from memento.tools.web.search_port import Search
from memento.tools.web.searxng import SearxNG
from memento.tools.web.tavily import Tavily


async def built_in_tools(settings: Settings, models: ModelSource) -> dict[str, ToolFunction]:
    """Make them; the sandbox is tried once, nothing else is opened.

    Args:
        settings: what is configured.
        models: gives the model that sees.

    Raises:
        InvalidInput: a setting that makes no sense, or names a tool that there is not.
    """
    tools = standard_tools(await _parts(settings, models))
    wanted = settings.tool_names
    if unknown := [name for name in wanted if name not in tools]:
        raise InvalidInput(f"MEMENTO_TOOLS names {', '.join(unknown)}; there are {', '.join(tools)}")
    return {name: tool for name, tool in tools.items() if not wanted or name in wanted}


async def _parts(settings: Settings, models: ModelSource) -> ToolParts:
    tavily = _tavily(settings)
    endpoints = settings.endpoints()
    can_hear = settings.transcriber or endpoints.openai_api_key or endpoints.openai_base_url
    try:
        guard = AddressGuard(allowed=settings.reachable)
        transcribe = transcribe_with_openai(endpoints, settings.transcriber) if can_hear else None
    except ValueError as error:
        raise InvalidInput(str(error)) from error
    return ToolParts(
        search=_engines(settings, tavily),
        guard=guard,
        # Without a key, every page that refuses us would be told to a third party that nobody has chosen.
        reader=tavily if settings.tavily_api_key else None,
        index_path=settings.folder / "files.sqlite",
        look=look_through(models, settings.vision),
        transcribe=transcribe,
        sandbox=await make_sandbox(settings.sandbox, **await asyncio.to_thread(sandbox_options, settings)),
    )


def _tavily(settings: Settings) -> Tavily:
    key = settings.tavily_api_key
    return Tavily(api_key=key.get_secret_value() if key else None, api_base_url=settings.tavily_base_url)


def _engines(settings: Settings, tavily: Tavily) -> dict[str, Search]:
    engines: dict[str, Search] = {"tavily": tavily.search}
    if settings.searxng_url:
        engines["searxng"] = SearxNG(base_url=settings.searxng_url.get_secret_value()).search
    elif "searxng" in settings.engines:
        raise InvalidInput("MEMENTO_SEARCH names searxng; set MEMENTO_SEARXNG_URL to its address")
    return {name: engines[name] for name in settings.engines}


class SandboxOptions(TypedDict):
    """What a sandbox is made with, beside its name."""

    hidden: Sequence[Path]
    image: str
    e2b_api_key: str | None


def sandbox_options(settings: Settings) -> SandboxOptions:
    """What the sandbox of these settings is made with; asks the system for the working directory."""
    key = settings.e2b_api_key
    return {
        "hidden": (settings.folder, Path.cwd()),
        "image": settings.sandbox_image,
        "e2b_api_key": key.get_secret_value() if key else None,
    }
