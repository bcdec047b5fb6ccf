"""Creates an encoder from an encoder object, a LangChain `Embeddings` object, or a name such as `openai:model`."""

from typing import Any

import numpy as np

from memento.memory.embeddings import EmbeddingsEncoder, is_embeddings
from memento.memory.encoder import Encoder
from memento.memory.errors import EncoderUnavailable, InvalidInput, MementoError
from memento.memory.minilm.encoder import MiniLmEncoder
from memento.memory.openai_texts import OpenAITexts
from memento.memory.places import MAX_ENCODER_NAME, parse_encoder_name
from memento.memory.reasons import brief_reason


def as_encoder(given: Any) -> Encoder:
    """Make an encoder from the `encoder` argument of `CaseMemory.open`. Opens nothing.

    Args:
        given: an `Encoder`, a LangChain `Embeddings` object, `"openai:model"`, or None for the packaged model.

    Raises:
        InvalidInput: it is none of these.
    """
    if given is None:
        return MiniLmEncoder()
    if isinstance(given, str):
        return encoder_named(given)
    if not isinstance(given, type):
        try:
            encoder = _encoder_of(given)
        except MementoError:
            raise
        except Exception as error:  # what an object of the host's raises when it is looked at
            raise EncoderUnavailable(f"the encoder failed: {type(error).__name__}: {brief_reason(error)}") from error
        if encoder is not None:
            return encoder
    kind = f"the class {given.__name__}, not an object of it" if isinstance(given, type) else type(given).__name__
    raise InvalidInput(
        f"this is not an encoder: {kind}; give an object with name, dim and async encode(texts), "
        "a LangChain Embeddings object, or a name such as 'openai:text-embedding-3-small'"
    )


def encoder_named(spec: str) -> EmbeddingsEncoder:
    """The model of an OpenAI-compatible server, by `openai:model`; key and address are the library's (OPENAI_...).

    Other providers are reached by client packages of an LLM framework, which the memory does not import: their objects
    are given instead.

    Raises:
        InvalidInput: it is not `provider:model`, or another provider's.
    """
    provider, model = parse_encoder_name(spec)
    if provider != "openai":
        raise InvalidInput(
            f"the encoder {spec!r} is not openai:model, on a server that speaks OpenAI's protocol; for other providers "
            f"give the object: from langchain.embeddings import init_embeddings; encoder=init_embeddings({spec!r})"
        )
    return EmbeddingsEncoder(OpenAITexts(model), name=spec)


def _encoder_of(given: Any) -> Encoder | None:
    if not isinstance(given, Encoder):
        return EmbeddingsEncoder(given) if is_embeddings(given) else None
    name, dim = given.name, given.dim
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= MAX_ENCODER_NAME:
        raise InvalidInput(f"an encoder's name is a text of 1 to {MAX_ENCODER_NAME} characters, not {str(name)[:80]!r}")
    is_lazy = isinstance(given, EmbeddingsEncoder)
    if isinstance(dim, bool) or not isinstance(dim, int | np.integer) or dim < (0 if is_lazy else 1):
        raise InvalidInput(f"the dim of encoder {name!r} is a number of 1 or more, not {dim!r}")
    return given
