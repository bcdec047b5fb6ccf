"""Options of a memory, as `CaseMemory.open` takes them, for doors that hand them on."""

from pathlib import Path
from typing import Any, TypedDict

from memento.memory.encoder import Encoder
from memento.memory.image_encoder import ImageEncoder
from memento.memory.index.engines.collection_settings import CollectionSettings
from memento.memory.policies.port import RetrievalPolicy
from memento.memory.success import PositiveFrom


class OpenOptions(TypedDict, total=False):
    """Keyword arguments of `CaseMemory.open`; see there."""

    encoder: Encoder | Any | str | None
    policy: str | RetrievalPolicy
    namespace: str
    seed: int | None
    ledger_url: str | None
    api_key: str | None
    collection: CollectionSettings | None
    approximate_from: int
    home: str | Path | None
    is_reindexing: bool
    min_confidence: float
    positive_from: PositiveFrom
    image_encoder: ImageEncoder | str | None
