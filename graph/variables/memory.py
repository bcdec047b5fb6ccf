"""Variables of the memory: where cases are kept, how they are encoded and chosen, for how long."""

import os
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator

from memento.graph.retention import parse_retention
from memento.graph.variables.names import checked_key, variable
from memento.memory.arguments import MAX_COUNT
from memento.memory.case import POSITIVE_FROM
from memento.memory.image_encoder import check_image_encoder
from memento.memory.places import parse_encoder_name, parse_folder, parse_http_url, parse_ledger_url
from memento.memory.policies.registry import PolicyName
from memento.memory.success import GivenPositiveFrom


class MemoryVariables(BaseModel):
    """Where cases are kept, and how they are chosen."""

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

    _is_key = field_validator("qdrant_api_key")(checked_key)

    @field_validator("home")
    @classmethod
    def _is_folder(cls, path: Path, info: ValidationInfo) -> Path:
        return parse_folder(path, variable(info.field_name, cls.model_fields))

    @field_validator("qdrant_url")
    @classmethod
    def _is_server(cls, url: str | None, info: ValidationInfo) -> str | None:
        return None if url is None else parse_http_url(url, variable(info.field_name, cls.model_fields))

    @field_validator("ledger_url")
    @classmethod
    def _is_ledger(cls, url: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if url is None:
            return None
        return SecretStr(parse_ledger_url(url.get_secret_value(), variable(info.field_name, cls.model_fields)))

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

    @field_validator("retention_days")
    @classmethod
    def _are_days(cls, text: str) -> str:
        parse_retention(text)
        return text

    def retention_of(self, namespace: str) -> float | None:
        """Days that cases and readings of a namespace may be kept; None for ever."""
        days = parse_retention(self.retention_days)
        return days.get(namespace, days.get(""))

    @cached_property
    def folder(self) -> Path:
        """`home` as an absolute path."""
        return Path(os.path.abspath(self.home.expanduser()))

    @property
    def workspace(self) -> Path:
        """Folder for attachments, with a folder for each run."""
        return self.folder / "workspace"

    @property
    def ledger_file(self) -> Path:
        """The ledger, where no URL of another is set."""
        return self.folder / "ledger.sqlite"

    @property
    def threads(self) -> Path:
        """SQLite file of the command line's checkpoints."""
        return self.folder / "threads.sqlite"
