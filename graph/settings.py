"""Settings from the environment (its only reader): argument > environment > `.env` file > default."""

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from memento.graph.collection_variables import CollectionVariables
from memento.graph.endpoints import Endpoints
from memento.graph.prices import parse_prices
from memento.graph.retention import parse_retention
from memento.graph.server_variables import ServerVariables, listed
from memento.graph.variables import PREFIX, removed_settings, setting_faults, variable
from memento.memory.arguments import MAX_COUNT
from memento.memory.case import POSITIVE_FROM
from memento.memory.errors import InvalidInput
from memento.memory.image_encoder import check_image_encoder
from memento.memory.places import parse_encoder_name, parse_folder, parse_http_url, parse_ledger_url
from memento.memory.policies.registry import PolicyName
from memento.memory.reasons import masked
from memento.memory.success import GivenPositiveFrom
from memento.nodes.secret_names import secrets_in_urls, secrets_of
from memento.tools.sandbox.choice import SandboxName
from memento.tools.web.ssrf_guard import AddressGuard

_NO_DDGS = (
    "it read the result pages of public search engines, and broke whenever they changed); "
    "use searxng (a server of your own that asks the same engines) or tavily"
)
SEARCH_ENGINES = ("searxng", "tavily")
_MAX_ENV_FILE_BYTES = 1_000_000


class Settings(CollectionVariables, ServerVariables, BaseSettings):
    """`MEMENTO_*` variables, and the well-known names of other people's keys."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", populate_by_name=True, hide_input_in_errors=True
    )

    home: Path = Field(default=Path("~/.memento"), description="Ledger, index, weights, workspaces.")
    qdrant_url: str | None = Field(default=None, description="URL of a Qdrant server; embedded on disk when empty.")
    qdrant_api_key: SecretStr | None = Field(default=None, description="Its key.")
    ledger_url: SecretStr | None = Field(
        default=None, description="SQLite or Postgres, as an SQLAlchemy URL; a file under home if empty."
    )
    approximate_from: int = Field(
        default=200_000,
        ge=1,
        le=MAX_COUNT,
        description="Active cases from which on a folder's search is approximate (extra scale).",
    )
    namespace: str = Field(default="default", min_length=1, max_length=200, description="Whose cases.")
    policy: PolicyName = Field(default="advantage", description="How cases are chosen.")
    positive_from: GivenPositiveFrom = Field(
        default=POSITIVE_FROM,
        description="Reward from which on a case is shown as one that worked; usual: the mean of the newest outcomes.",
    )
    retention_days: str = Field(
        default="", description="Days after which `cases expire` erases: a number, or namespace=days, by commas."
    )
    encoder: str | None = Field(default=None, description="Embeddings as provider:model; packaged if empty.")
    image_encoder: str | None = Field(
        default=None, description="Encoder of cases' pictures: thumbnail, or package.module:name; none if empty."
    )
    planner: str | None = Field(default=None, description="Planner model as provider:model.")
    executor: str | None = Field(default=None, description="Executor model as provider:model.")
    judge: str | None = Field(default=None, description="Judge model as provider:model.")
    vision: str | None = Field(default=None, description="Model that sees, as provider:model; the executor's if empty.")
    transcriber: str | None = Field(default=None, description="Model that hears; OpenAI's when it is configured.")
    prices: str = Field(default="", description="Prices of models: name=in/out for a million tokens, by commas.")
    local_model: Path | None = Field(default=None, description="A GGUF file to run in this process.")
    files: str = Field(default="", description="Folders that tools may read, separated like PATH.")
    tools: str = Field(default="", description="Built-in tools to offer, by commas; all if empty.")
    sandbox: SandboxName = Field(default="auto", description="Where code runs; auto: bubblewrap if it works, or monty.")
    sandbox_image: str = Field(default="python:3.12-slim", description="Image of MEMENTO_SANDBOX=docker.")
    search: str = Field(default="", description="Search engines in order: searxng (if its URL is set), tavily.")
    searxng_url: SecretStr | None = Field(default=None, description="Address of your own SearxNG.")
    fetch_allowed: str = Field(
        default="", description="Places that are not public and may be fetched from: host:port or network, by commas."
    )
    mcp: Path | None = Field(default=None, description="A JSON file of MCP servers, in the common mcpServers format.")
    test_command: str = Field(
        default="", description="Command whose exit status is the outcome of a coding agent's turn (`memento hook`)."
    )
    mcp_token: SecretStr | None = Field(
        default=None, description="What clients of `memento mcp --http` must send; a fresh one at each start if empty."
    )
    openai_api_key: SecretStr | None = Field(
        default=None, validation_alias="OPENAI_API_KEY", description="Key of OpenAI, or of the server in its place."
    )
    openai_base_url: str | None = Field(
        default=None, validation_alias="OPENAI_BASE_URL", description="Any server of that protocol."
    )
    azure_openai_endpoint: str | None = Field(
        default=None,
        validation_alias="AZURE_OPENAI_ENDPOINT",
        description="For azure_openai:deployment; its key is AZURE_OPENAI_API_KEY.",
    )
    azure_openai_api_version: str | None = Field(
        default=None, validation_alias="OPENAI_API_VERSION", description="Version of the Azure API."
    )
    tavily_api_key: SecretStr | None = Field(
        default=None, validation_alias="TAVILY_API_KEY", description="Web search without its rate limit."
    )
    tavily_base_url: str | None = Field(
        default=None, validation_alias="TAVILY_BASE_URL", description="Another address of its API."
    )

    e2b_api_key: SecretStr | None = Field(
        default=None, validation_alias="E2B_API_KEY", description="For MEMENTO_SANDBOX=e2b."
    )

    @field_validator("home", "local_model", "mcp")
    @classmethod
    def _is_path(cls, path: Path | None, info: ValidationInfo) -> Path | None:
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

    @field_validator("qdrant_url", "openai_base_url", "azure_openai_endpoint", "tavily_base_url")
    @classmethod
    def _is_url(cls, url: str | None, info: ValidationInfo) -> str | None:
        return None if url is None else parse_http_url(url, variable(info.field_name, cls.model_fields))

    @field_validator("searxng_url")
    @classmethod
    def _is_secret_url(cls, url: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        return (
            None
            if url is None
            else SecretStr(parse_http_url(url.get_secret_value(), variable(info.field_name, cls.model_fields)))
        )

    @field_validator("ledger_url")
    @classmethod
    def _is_ledger(cls, url: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        return (
            None
            if url is None
            else SecretStr(parse_ledger_url(url.get_secret_value(), variable(info.field_name, cls.model_fields)))
        )

    @field_validator("qdrant_api_key", "openai_api_key", "tavily_api_key", "e2b_api_key", "mcp_token")
    @classmethod
    def _is_key(cls, key: SecretStr | None) -> SecretStr | None:
        text = key.get_secret_value() if key is not None else "key"
        if not text.isascii() or not text.isprintable() or " " in text:
            raise ValueError("contains a space, a line end or a character that no key has; copy it again")
        return key

    @field_validator("encoder")
    @classmethod
    def _is_encoder(cls, spec: str | None, info: ValidationInfo) -> str | None:
        if spec is not None:
            parse_encoder_name(spec, variable(info.field_name, cls.model_fields))
        return spec

    @field_validator("image_encoder")
    @classmethod
    def _is_image_encoder(cls, name: str | None) -> str | None:
        check_image_encoder(name)
        return name

    @field_validator("fetch_allowed")
    @classmethod
    def _are_places(cls, text: str) -> str:
        AddressGuard(allowed=listed(text))
        return text

    @field_validator("retention_days")
    @classmethod
    def _are_days(cls, text: str) -> str:
        parse_retention(text)
        return text

    @field_validator("prices")
    @classmethod
    def _are_prices(cls, text: str) -> str:
        parse_prices(text)
        return text

    def retention_of(self, namespace: str) -> float | None:
        """Days that cases and readings of a namespace may be kept; None for ever."""
        days = parse_retention(self.retention_days)
        return days.get(namespace, days.get(""))

    def endpoints(self) -> Endpoints:
        """Endpoints where chat models may be found."""
        return Endpoints(
            openai_api_key=self.openai_api_key,
            openai_base_url=self.openai_base_url,
            azure_endpoint=self.azure_openai_endpoint,
            azure_api_version=self.azure_openai_api_version,
            local_model=self.local_model,
        )

    @cached_property
    def folder(self) -> Path:
        """`home` as an absolute path."""
        return Path(os.path.abspath(self.home.expanduser()))

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

    @field_validator("search")
    @classmethod
    def _are_engines(cls, text: str) -> str:
        if "ddgs" in listed(text):
            raise ValueError(f"names ddgs, which is no longer supported ({_NO_DDGS}")
        if unknown := set(listed(text)) - set(SEARCH_ENGINES):
            raise ValueError(f"no search engine {min(unknown)!r}; there are {', '.join(SEARCH_ENGINES)}")
        return text

    @property
    def secrets(self) -> tuple[str, ...]:
        """Keys and passwords among these settings, wherever they were given."""
        given = (getattr(self, name) for name in type(self).model_fields)
        values = [value.get_secret_value() for value in given if isinstance(value, SecretStr)]
        return (*values, *(part for value in values for part in secrets_in_urls(value)))

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

    @property
    def workspace(self) -> Path:
        """Folder for attachments, with a folder for each run."""
        return self.folder / "workspace"

    @property
    def ledger_file(self) -> Path:
        """The ledger, where no URL of another is set."""
        return self.folder / "ledger.sqlite"

    @property
    def keys_file(self) -> Path:
        """File of the API keys."""
        return self.folder / "keys.json" if self.keys is None else Path(os.path.abspath(self.keys.expanduser()))

    @property
    def threads(self) -> Path:
        """SQLite file of the command line's checkpoints."""
        return self.folder / "threads.sqlite"


def read_settings() -> Settings:
    """Read the settings of the environment.

    Raises:
        InvalidInput: variables that do not parse, or that no longer exist; the message names each.
    """
    if removed := removed_settings(os.environ):
        raise InvalidInput("; ".join(removed))
    try:
        return Settings()
    except ValidationError as error:
        raise InvalidInput("; ".join(setting_faults(error, Settings.model_fields))) from error


def process_environment() -> Mapping[str, str]:
    """Return all variables, for the user's files that refer to some of them."""
    return os.environ


def environment_secrets() -> tuple[str, ...]:
    """Return values of variables whose names mark them as secret, and passwords in URLs."""
    return tuple(dict.fromkeys(secrets_of(os.environ)))


def load_env_file(path: Path = Path(".env")) -> None:
    """Add a `.env` file's variables to the environment, where provider packages look for their keys.

    What is already set stays as it is. The command line calls this; servers have their own way.
    """
    from dotenv import load_dotenv

    load_dotenv(path, override=False)


def file_secrets(path: Path) -> tuple[str, ...]:
    """Return the secrets in a `.env` file, which is not added to the environment; empty where there is no such file.

    For a project that this process works beside: its file must not configure this process. Blocking.
    """
    from dotenv import dotenv_values

    try:
        if not path.is_file() or path.stat().st_size > _MAX_ENV_FILE_BYTES:
            return ()
        given = dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError):
        return ()
    return tuple(dict.fromkeys(secrets_of({name: value for name, value in given.items() if value})))
