"""Variables of the served graph: who may use it, from where, and how much of it."""

from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator

from memento.graph.variables.names import checked_key, listed, variable
from memento.memory.places import parse_folder, parse_http_url
from memento.nodes.ceilings import Ceilings, parse_ceilings

AuthMode = Literal["auto", "on", "off"]

_LEAST_SECRET: Final = 32
"""Characters of a secret that signatures are made with."""
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


class ServerVariables(BaseModel):
    """Who may use the served graph."""

    auth: AuthMode = Field(
        default="auto",
        description="Whether users of the served graph need a key or a JWT: on, off, or auto: as soon as there are "
        "keys or an issuer, and until then this machine alone is served.",
    )
    keys: Path | None = Field(
        default=None,
        description="File of API keys, hashed, which servers may share; keys.json under home if empty.",
    )
    jwt_issuer: str | None = Field(default=None, description="Issuer (iss) whose JWTs are accepted.")
    jwt_audience: str | None = Field(default=None, description="Audience (aud) that they must be for.")
    jwt_jwks_url: str | None = Field(default=None, description="Where the issuer publishes its keys, over https.")
    jwt_public_key: Path | None = Field(default=None, description="Or its public key, a PEM file.")
    jwt_namespace: str = Field(
        default="",
        description="Claim that names the namespace; if empty, each subject has a namespace of its own, jwt:SUBJECT.",
    )
    allowed_hosts: str = Field(
        default="", description="Host names that the server is reached by, by commas; any if empty and auth is on."
    )
    allowed_origins: str = Field(
        default="",
        description="Origins of web pages that may use the server, by commas, beside this machine's, its own and "
        "LangGraph Studio's; * is any.",
    )
    ceilings: str = Field(
        default="", description='The most that runs may ask for, as JSON: {"k": 8, "planner": ["openai:gpt-4.1"]}.'
    )
    feedback_secret: SecretStr | None = Field(
        default=None,
        description="Signs tokens for feedback; several servers share one. Made and kept under home if empty.",
    )
    mcp_token: SecretStr | None = Field(
        default=None, description="What clients of `memento mcp --http` must send; a fresh one at each start if empty."
    )
    drain_seconds: float = Field(
        default=20, ge=0, le=3_600, description="How long a server that is told to stop waits for its runs to end."
    )

    _is_token = field_validator("mcp_token")(checked_key)

    @field_validator("keys", "jwt_public_key")
    @classmethod
    def _is_file(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        return None if path is None else parse_folder(path, variable(info.field_name, cls.model_fields))

    @field_validator("jwt_jwks_url")
    @classmethod
    def _is_safe_url(cls, url: str | None, info: ValidationInfo) -> str | None:
        if url is None:
            return None
        parts = urlsplit(parse_http_url(url, variable(info.field_name, cls.model_fields)))
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise ValueError("is not an https URL; on the way, its answer can be changed, and with it who may sign in")
        return url

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, text: str) -> str:
        for origin in listed(text):
            parts = urlsplit(origin)
            if origin != "*" and (parts.scheme not in ("http", "https") or not parts.hostname or parts.path):
                raise ValueError(f"{origin!r} is not an origin; write https://chat.example.com, without a path")
        return text

    @field_validator("allowed_hosts")
    @classmethod
    def _are_hosts(cls, text: str) -> str:
        for host in listed(text):
            if "/" in host or "*" in host:
                raise ValueError(f"{host!r} is not a host name; write memento.example.com, without a scheme or a path")
        return text

    @field_validator("ceilings")
    @classmethod
    def _are_ceilings(cls, text: str) -> str:
        parse_ceilings(text)
        return text

    @field_validator("feedback_secret")
    @classmethod
    def _is_long(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(secret.get_secret_value()) < _LEAST_SECRET:
            raise ValueError(f"is shorter than {_LEAST_SECRET} characters; `openssl rand -hex 32` makes one")
        return secret

    def run_ceilings(self) -> Ceilings:
        """Return the ceilings of runs."""
        return parse_ceilings(self.ceilings)

    @property
    def has_jwt(self) -> bool:
        """Whether JWTs of an issuer are accepted."""
        return self.jwt_issuer is not None
