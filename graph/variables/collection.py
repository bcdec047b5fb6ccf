"""Variables of a Qdrant collection: `MEMENTO_QDRANT_*`, one for each of `CollectionSettings`."""

from typing import Any, Final

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from memento.memory.arguments import MAX_COUNT
from memento.memory.index.engines.collection_settings import (
    CollectionSettings,
    Quantization,
    ReadConsistency,
    parse_read_consistency,
)

_PREFIX: Final = "qdrant_"


class CollectionVariables(BaseModel):
    """How the Qdrant server keeps the cases; what is empty is the server's own default."""

    qdrant_quantization: Quantization | None = Field(
        default=None, description="Codes that searches go through: none, int8, turbo4, turbo2, binary."
    )
    qdrant_quantization_in_ram: bool | None = Field(default=None, description="Keep the codes in memory.")
    qdrant_rescore: bool | None = Field(default=None, description="Rescore candidates with the float32 vectors.")
    qdrant_oversampling: float | None = Field(
        default=None,
        ge=1,
        allow_inf_nan=False,
        description="Candidates taken from the codes, as a multiple of the limit.",
    )
    qdrant_vectors_on_disk: bool | None = Field(default=None, description="Keep the float32 vectors on disk.")
    qdrant_hnsw_m: int | None = Field(
        default=None, ge=1, le=MAX_COUNT, description="Links of a point in the graph; ours is 16."
    )
    qdrant_hnsw_ef_construct: int | None = Field(
        default=None, ge=1, le=MAX_COUNT, description="Neighbours considered while the graph is built."
    )
    qdrant_hnsw_on_disk: bool | None = Field(default=None, description="Keep the graph on disk.")
    qdrant_hnsw_ef: int | None = Field(
        default=None, ge=1, le=MAX_COUNT, description="Candidates that a search keeps in the graph."
    )
    qdrant_payload_on_disk: bool | None = Field(default=None, description="Keep payloads on disk.")
    qdrant_payload_index_on_disk: bool | None = Field(default=None, description="Keep the payload indexes on disk.")
    qdrant_shard_number: int | None = Field(default=None, ge=1, le=MAX_COUNT, description="Shards of a new collection.")
    qdrant_replication_factor: int | None = Field(default=None, ge=1, le=MAX_COUNT, description="Copies of each shard.")
    qdrant_write_consistency_factor: int | None = Field(
        default=None, ge=1, le=MAX_COUNT, description="Replicas that must have a write before it is acknowledged."
    )
    qdrant_read_consistency: int | ReadConsistency | None = Field(
        default=None, description="Replicas that must agree on a search: a number, majority, quorum or all."
    )

    @field_validator("qdrant_read_consistency", mode="before")
    @classmethod
    def _is_consistency(cls, value: Any, info: ValidationInfo) -> Any:
        del info
        return parse_read_consistency(value) if isinstance(value, str) else value

    def collection(self) -> CollectionSettings:
        """The settings of the collection.

        Raises:
            InvalidInput: they contradict each other.
        """
        names = (name for name in CollectionVariables.model_fields)
        return CollectionSettings(**{name.removeprefix(_PREFIX): getattr(self, name) for name in names})
