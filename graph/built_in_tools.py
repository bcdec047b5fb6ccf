"""Builds the built-in tools from the settings: search engines, media models, sandbox."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypedDict

from memento.graph.media_models import look_through, transcribe_with_openai
from memento.graph.settings import Settings
from memento.memory.errors import InvalidInput
from memento.nodes.sources import ModelSource
from memento.tools.registry import ToolFunction, ToolParts, missing_tools, standard_tools
from memento.tools.sandbox.choice import make_sandbox
from memento.tools.web.search_port import WebSearch
from memento.tools.web.searxng import SearxNG
from memento.tools.web.ssrf_guard import AddressGuard
from memento.tools.web.tavily import Tavily


class BuiltInTools(NamedTuple):
    """The built-in tools of a process."""

    tools: dict[str, ToolFunction]
    missing: dict[str, str]
    """Wanted tools whose packages are not installed, with the reason."""


async def built_in_tools(settings: Settings, models: ModelSource) -> BuiltInTools:
    """Make the tools; the sandbox is tried once, nothing else is opened.

    Args:
        settings: what is configured.
        models: gives the model that sees.

    Raises:
        InvalidInput: a setting that makes no sense, or names a tool that there is not.
    """
    parts = await _parts(settings, models)
    tools, missing = standard_tools(parts), missing_tools(parts)
    wanted = settings.tool_names or (*tools, *missing)
    if unknown := [name for name in wanted if name not in tools and name not in missing]:
        raise InvalidInput(f"MEMENTO_TOOLS names {', '.join(unknown)}; there are {', '.join((*tools, *missing))}")
    return BuiltInTools(
        {name: tool for name, tool in tools.items() if name in wanted},
        {name: reason for name, reason in missing.items() if name in wanted},
    )


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


def _engines(settings: Settings, tavily: Tavily) -> dict[str, WebSearch]:
    engines: dict[str, WebSearch] = {"tavily": tavily.search}
    if settings.searxng_url:
        engines["searxng"] = SearxNG(base_url=settings.searxng_url.get_secret_value()).search
    elif "searxng" in settings.engines:
        raise InvalidInput("MEMENTO_SEARCH names searxng, whose address is not known; set MEMENTO_SEARXNG_URL")
    return {name: engines[name] for name in settings.engines}


class SandboxOptions(TypedDict):
    """Options of a sandbox, apart from its name."""

    hidden: Sequence[Path]
    image: str
    e2b_api_key: str | None


def sandbox_options(settings: Settings) -> SandboxOptions:
    """Return the sandbox options of the settings; reads the working directory."""
    key = settings.e2b_api_key
    return {
        "hidden": (settings.folder, Path.cwd()),
        "image": settings.sandbox_image,
        "e2b_api_key": key.get_secret_value() if key else None,
    }
