"""Settings of a Qdrant collection: quantisation, disk, graph, shards, replicas, consistency.

Whatever is left at None is the server's own default, and is left alone in a collection that exists.
"""

import math
from dataclasses import dataclass, fields
from typing import Any, Final, Literal, get_args

from memento.memory.arguments import MAX_COUNT, checked_count
from memento.memory.errors import InvalidInput

Quantization = Literal["none", "int8", "turbo4", "turbo2", "binary"]
"""Codes beside the float32 vectors: none, 8 bits a dimension (scalar), 4 or 2 (TurboQuant), 1 (binary)."""

ReadConsistency = Literal["majority", "quorum", "all"]
"""Replicas that must agree on a search; see Qdrant's distributed deployment."""

_COUNTS: Final = ("hnsw_m", "hnsw_ef_construct", "hnsw_ef", "shard_number", "replication_factor")
_FLAGS: Final = (
    *("quantization_in_ram", "rescore", "vectors_on_disk", "hnsw_on_disk", "payload_on_disk"),
    "payload_index_on_disk",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionSettings:
    """How a Qdrant server keeps and searches the cases of a bank.

    Raises:
        InvalidInput: a number below 1, another type, an unknown name, more acknowledging replicas than there are.
    """

    quantization: Quantization | None = None
    """Codes that searches go through, rescored with the float32 vectors."""
    quantization_in_ram: bool | None = None
    """Keep the codes in memory, wherever the vectors are."""
    rescore: bool | None = None
    """Compute the cosine of the best candidates from the float32 vectors; False trusts the codes."""
    oversampling: float | None = None
    """Candidates taken from the codes, as a multiple of the limit, at least 1."""
    vectors_on_disk: bool | None = None
    """Keep the float32 vectors in a memory map of files instead of in memory."""
    hnsw_m: int | None = None
    """Links of a point in its namespace's graph; ours is 16."""
    hnsw_ef_construct: int | None = None
    """Neighbours considered while the graph is built."""
    hnsw_on_disk: bool | None = None
    """Keep the graph in a memory map of files instead of in memory."""
    hnsw_ef: int | None = None
    """Candidates that a search keeps in the graph."""
    payload_on_disk: bool | None = None
    """Keep payloads in files instead of in memory."""
    payload_index_on_disk: bool | None = None
    """Keep the indexes of namespace, question, status and version in files instead of in memory."""
    shard_number: int | None = None
    """Shards of the collection; fixed when it is created."""
    replication_factor: int | None = None
    """Copies of each shard."""
    write_consistency_factor: int | None = None
    """Replicas that must have a write before it is acknowledged."""
    read_consistency: int | ReadConsistency | None = None
    """Replicas that must agree on a search: a number, majority, quorum or all."""

    def __post_init__(self) -> None:
        if self.quantization is not None and self.quantization not in get_args(Quantization):
            raise InvalidInput(f"quantization {self.quantization!r} is not one of: {', '.join(get_args(Quantization))}")
        for name in (*_COUNTS, "write_consistency_factor"):
            if (value := getattr(self, name)) is not None:
                checked_count(name, value, least=1)
        for name in _FLAGS:
            if (value := getattr(self, name)) is not None and not isinstance(value, bool):
                raise InvalidInput(f"{name} is true or false, not {value!r}")
        self._check_oversampling()
        self._check_consistency()

    def _check_oversampling(self) -> None:
        given = self.oversampling
        if given is not None and (
            isinstance(given, bool) or not isinstance(given, int | float) or not 1 <= given < math.inf
        ):
            raise InvalidInput(f"oversampling is a number from 1, not {given!r}")

    def _check_consistency(self) -> None:
        read, replicas, writes = self.read_consistency, self.replication_factor, self.write_consistency_factor
        if read is not None and not _is_count(read) and read not in get_args(ReadConsistency):
            raise InvalidInput(f"read_consistency {read!r} is neither a number from 1 nor majority, quorum or all")
        for name, needed in (("write_consistency_factor", writes), ("read_consistency", read)):
            if replicas is not None and isinstance(needed, int) and needed > replicas:
                raise InvalidInput(f"{name} {needed} asks for more replicas than replication_factor {replicas} makes")

    @property
    def given(self) -> dict[str, Any]:
        """The settings that are not left to the server."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


def parse_read_consistency(text: str) -> int | ReadConsistency:
    """Read a consistency as it is written in a variable: a number, or a name.

    Raises:
        InvalidInput: it is neither.
    """
    value: Any = int(text) if text.strip().isdecimal() else text.strip().lower()
    return CollectionSettings(read_consistency=value).read_consistency or 1


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_COUNT
