"""Names of chat models, as settings write them: `provider:model`, `local`, `local:/path/to/model.gguf`."""

from pathlib import Path
from typing import Final, NamedTuple

from memento.graph.local_model import find_packaged_model
from memento.nodes.errors import UnknownModel

PACKAGED_MODEL: Final = "local"
"""The spec of the packaged SmolLM2-135M."""

_FAMILIES: Final = {"gpt-": "openai", "o1": "openai", "o3": "openai", "o4": "openai", "claude": "anthropic"}


class Choice(NamedTuple):
    """A model's name and why it was chosen."""

    spec: str
    source: str
    base_url: str | None = None


def is_local(spec: str) -> bool:
    """Whether it is run on this machine, from a file."""
    return spec.partition(":")[0] == PACKAGED_MODEL


def local_path(spec: str) -> Path:
    """File of a local model. Blocking.

    Raises:
        LocalModelUnusable: the packaged one is asked for and not installed.
    """
    given = spec.partition(":")[2]
    return Path(given).expanduser().absolute() if given else find_packaged_model()


def with_provider(name: str) -> str:
    """The spec of a model, also of one that is written without its provider, as `gpt-4.1` is.

    Raises:
        UnknownModel: nobody knows whose it is.
    """
    if ":" in name or name == PACKAGED_MODEL:
        return name
    for prefix, provider in _FAMILIES.items():
        if name.startswith(prefix):
            return f"{provider}:{name}"
    raise unknown_model(name)


def unknown_model(name: str) -> UnknownModel:
    """The error that says how models are named."""
    return UnknownModel(
        f"unknown model {name!r}; write provider:model, such as openai:gpt-4.1, anthropic:claude-sonnet-4-5, "
        "azure_openai:your-deployment, local, or local:/path/to/model.gguf. For a server of the OpenAI protocol "
        "(Ollama, vLLM, llama-server), set OPENAI_BASE_URL and write openai: before the name it lists"
    )
