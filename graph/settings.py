"""Settings from the environment (its only reader): argument > environment > `.env` file > default."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from memento.graph.variables.collection import CollectionVariables
from memento.graph.variables.memory import MemoryVariables
from memento.graph.variables.models import ModelVariables
from memento.graph.variables.names import PREFIX, removed_settings, setting_faults
from memento.graph.variables.server import ServerVariables
from memento.graph.variables.tools import ToolVariables
from memento.memory.errors import InvalidInput
from memento.nodes.secret_names import secrets_in_urls, secrets_of

_MAX_ENV_FILE_BYTES: Final = 1_000_000


class Settings(
    CollectionVariables, ServerVariables, ToolVariables, ModelVariables, MemoryVariables, BaseSettings
):  # fields: the last base's first
    """`MEMENTO_*` variables, and the well-known names of other people's keys."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", populate_by_name=True, hide_input_in_errors=True
    )

    @property
    def secrets(self) -> tuple[str, ...]:
        """Keys and passwords among these settings, wherever they were given."""
        given = (getattr(self, name) for name in type(self).model_fields)
        values = [value.get_secret_value() for value in given if isinstance(value, SecretStr)]
        return (*values, *(part for value in values for part in secrets_in_urls(value)))

    @property
    def keys_file(self) -> Path:
        """File of the API keys."""
        return self.folder / "keys.json" if self.keys is None else Path(os.path.abspath(self.keys.expanduser()))


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
