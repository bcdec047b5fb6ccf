"""Variables of tools: folders, the sandbox, search engines, places to fetch from, MCP servers."""

import os
from pathlib import Path

from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator

from memento.graph.variables.names import checked_key, listed, variable
from memento.memory.places import parse_folder, parse_http_url
from memento.memory.reasons import masked
from memento.tools.sandbox.choice import SandboxName
from memento.tools.web.ssrf_guard import AddressGuard

SEARCH_ENGINES = ("searxng", "tavily")
_NO_DDGS = (
    "it read the result pages of public search engines, and broke whenever they changed); "
    "use searxng (a server of your own that asks the same engines) or tavily"
)


class ToolVariables(BaseModel):
    """Which tools there are, and what they may use."""

    files: str = Field(default="", description="Folders that tools may read, separated like PATH.")
    tools: str = Field(default="", description="Built-in tools to offer, by commas; all if empty.")
    sandbox: SandboxName = Field(default="auto", description="Where code runs; auto: bubblewrap if it works, or monty.")
    sandbox_image: str = Field(default="python:3.12-slim", description="Image of MEMENTO_SANDBOX=docker.")
    e2b_api_key: SecretStr | None = Field(
        default=None, validation_alias="E2B_API_KEY", description="For MEMENTO_SANDBOX=e2b."
    )
    search: str = Field(default="", description="Search engines in order: searxng (if its URL is set), tavily.")
    searxng_url: SecretStr | None = Field(default=None, description="Address of your own SearxNG.")
    tavily_api_key: SecretStr | None = Field(
        default=None, validation_alias="TAVILY_API_KEY", description="Web search without its rate limit."
    )
    tavily_base_url: str | None = Field(
        default=None, validation_alias="TAVILY_BASE_URL", description="Another address of its API."
    )
    fetch_allowed: str = Field(
        default="", description="Places that are not public and may be fetched from: host:port or network, by commas."
    )
    mcp: Path | None = Field(default=None, description="A JSON file of MCP servers, in the common mcpServers format.")
    test_command: str = Field(
        default="", description="Command whose exit status is the outcome of a coding agent's turn (`memento hook`)."
    )

    _is_tool_key = field_validator("e2b_api_key", "tavily_api_key")(checked_key)

    @field_validator("mcp")
    @classmethod
    def _is_file_of_servers(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        return None if path is None else parse_folder(path, variable(info.field_name, cls.model_fields))

    @field_validator("files")
    @classmethod
    def _are_folders(cls, text: str, info: ValidationInfo) -> str:
        what = variable(info.field_name, cls.model_fields)
        if "://" in text:
            raise ValueError(f"{what} {masked(text)!r} contains a URL; give folders, separated by {os.pathsep!r}")
        for name in filter(None, text.split(os.pathsep)):
            parse_folder(Path(name), what)
        return text

    @field_validator("tavily_base_url")
    @classmethod
    def _is_address(cls, url: str | None, info: ValidationInfo) -> str | None:
        return None if url is None else parse_http_url(url, variable(info.field_name, cls.model_fields))

    @field_validator("searxng_url")
    @classmethod
    def _is_secret_address(cls, url: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if url is None:
            return None
        return SecretStr(parse_http_url(url.get_secret_value(), variable(info.field_name, cls.model_fields)))

    @field_validator("fetch_allowed")
    @classmethod
    def _are_places(cls, text: str) -> str:
        AddressGuard(allowed=listed(text))
        return text

    @field_validator("search")
    @classmethod
    def _are_engines(cls, text: str) -> str:
        if "ddgs" in listed(text):
            raise ValueError(f"names ddgs, which is no longer supported ({_NO_DDGS}")
        if unknown := set(listed(text)) - set(SEARCH_ENGINES):
            raise ValueError(f"no search engine {min(unknown)!r}; there are {', '.join(SEARCH_ENGINES)}")
        return text

    @property
    def folders(self) -> tuple[Path, ...]:
        """Folders for search_files."""
        return tuple(Path(name).expanduser() for name in self.files.split(os.pathsep) if name)

    @property
    def shelves(self) -> dict[str, Path]:
        """The same folders, by the names that paths into them begin with."""
        shelves: dict[str, Path] = {}
        for folder in self.folders:
            plain = name = os.path.basename(os.path.abspath(folder)) or "root"
            number = 2
            while name in shelves:
                name, number = f"{plain}-{number}", number + 1
            shelves[name] = folder
        return shelves

    @property
    def engines(self) -> tuple[str, ...]:
        """Search engines to ask, in order."""
        return listed(self.search) or (("searxng", "tavily") if self.searxng_url else ("tavily",))

    @property
    def tool_names(self) -> tuple[str, ...]:
        """Names in `tools`; empty means all."""
        return listed(self.tools)

    @property
    def reachable(self) -> tuple[str, ...]:
        """Hosts and networks in `fetch_allowed`."""
        return listed(self.fetch_allowed)
