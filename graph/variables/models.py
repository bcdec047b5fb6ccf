"""Variables of models: who plans, acts, judges, sees and hears, and where those models are."""

from pathlib import Path

from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator

from memento.graph.endpoints import Endpoints
from memento.graph.prices import parse_prices
from memento.graph.variables.names import checked_key, variable
from memento.memory.places import parse_folder, parse_http_url


class ModelVariables(BaseModel):
    """Models of the roles, their prices, and the endpoints where they are found."""

    planner: str | None = Field(default=None, description="Planner model as provider:model.")
    executor: str | None = Field(default=None, description="Executor model as provider:model.")
    judge: str | None = Field(default=None, description="Judge model as provider:model.")
    vision: str | None = Field(default=None, description="Model that sees, as provider:model; the executor's if empty.")
    transcriber: str | None = Field(default=None, description="Model that hears; OpenAI's when it is configured.")
    prices: str = Field(default="", description="Prices of models: name=in/out for a million tokens, by commas.")
    local_model: Path | None = Field(default=None, description="A GGUF file to run in this process.")
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

    _is_openai_key = field_validator("openai_api_key")(checked_key)

    @field_validator("local_model")
    @classmethod
    def _is_model_file(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        return None if path is None else parse_folder(path, variable(info.field_name, cls.model_fields))

    @field_validator("openai_base_url", "azure_openai_endpoint")
    @classmethod
    def _is_endpoint(cls, url: str | None, info: ValidationInfo) -> str | None:
        return None if url is None else parse_http_url(url, variable(info.field_name, cls.model_fields))

    @field_validator("prices")
    @classmethod
    def _are_prices(cls, text: str) -> str:
        parse_prices(text)
        return text

    def endpoints(self) -> Endpoints:
        """Endpoints where chat models may be found."""
        return Endpoints(
            openai_api_key=self.openai_api_key,
            openai_base_url=self.openai_base_url,
            azure_endpoint=self.azure_openai_endpoint,
            azure_api_version=self.azure_openai_api_version,
            local_model=self.local_model,
        )
