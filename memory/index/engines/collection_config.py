"""Builds a Qdrant collection's configuration from settings, and compares it with that of an existing collection."""

from typing import Any, Final, NamedTuple

from pydantic import BaseModel
from qdrant_client import models

from memento.memory.index.engines.collection_settings import CollectionSettings
from memento.memory.index.engines.points import SCHEMA

M: Final = 16
"""Links of a point in its namespace's graph, unless the settings say otherwise."""

_KEYWORDS: Final = ("namespace", "question", "status")
_TURBO: Final = {"turbo4": models.TurboQuantBitSize.BITS4, "turbo2": models.TurboQuantBitSize.BITS2}


class ConfigDifference(NamedTuple):
    """What an existing collection has otherwise than the settings say."""

    update: dict[str, Any]
    """Arguments of `update_collection` that change it; empty when there is nothing to change."""
    fixed: list[str]
    """Settings that only a new generation takes over: `shard_number 1, not 6`."""


def new_collection(settings: CollectionSettings, *, dim: int, encoder: str) -> dict[str, Any]:
    """Arguments of `create_collection`: cosine vectors, no position yet."""
    on_disk = {} if settings.vectors_on_disk is None else {"on_disk": settings.vectors_on_disk}
    made: dict[str, Any] = {
        "vectors_config": models.VectorParams(size=dim, distance=models.Distance.COSINE, **on_disk),
        # every search names a namespace: one small graph per namespace, and none across them
        "hnsw_config": models.HnswConfigDiff(**{"m": 0, "payload_m": M, **_graph(settings)}),
        "metadata": {"schema": SCHEMA, "encoder": encoder, "dim": dim, "position": 0},
    }
    for name in ("shard_number", "replication_factor", "write_consistency_factor"):
        if (value := getattr(settings, name)) is not None:
            made[name] = value
    if settings.payload_on_disk is not None:
        made["on_disk_payload"] = settings.payload_on_disk
    if (codes := _codes(settings)) is not None:
        made["quantization_config"] = codes
    return made


def payload_indexes(settings: CollectionSettings) -> dict[str, Any]:
    """Payload field -> its index; points of one namespace are stored together."""
    on_disk = settings.payload_index_on_disk
    if on_disk is None:
        return {
            "namespace": _keyword(is_tenant=True),
            "question": models.PayloadSchemaType.KEYWORD,
            "status": models.PayloadSchemaType.KEYWORD,
            "version": models.PayloadSchemaType.INTEGER,
        }
    integer = models.IntegerIndexParams(
        type=models.IntegerIndexType.INTEGER, lookup=False, range=True, on_disk=on_disk
    )  # versions are compared, never looked up
    keywords = {name: _keyword(is_tenant=(name == "namespace") or None, on_disk=on_disk) for name in _KEYWORDS}
    return {**keywords, "version": integer}


def search_params(settings: CollectionSettings) -> dict[str, Any]:
    """Further arguments of `query_points`: width of the search, rescoring, consistency."""
    more: dict[str, Any] = {}
    codes = {name: getattr(settings, name) for name in ("rescore", "oversampling")}
    codes = {name: value for name, value in codes.items() if value is not None}
    if codes or settings.hnsw_ef is not None:
        quantization = models.QuantizationSearchParams(**codes) if codes else None
        more["search_params"] = models.SearchParams(hnsw_ef=settings.hnsw_ef, quantization=quantization)
    if settings.read_consistency is not None:
        named = settings.read_consistency
        more["consistency"] = named if isinstance(named, int) else models.ReadConsistencyType(named)
    return more


def difference(settings: CollectionSettings, found: models.CollectionInfo) -> ConfigDifference:
    """Compare an existing collection with the settings that were given; those left to the server are not looked at."""
    config, update, fixed = found.config, dict[str, Any](), list[str]()
    params = config.params
    graph = _changed(config.hnsw_config, _graph(settings))
    if graph:
        update["hnsw_config"] = models.HnswConfigDiff(**graph)
    vectors = params.vectors
    on_disk = settings.vectors_on_disk
    if isinstance(vectors, models.VectorParams) and on_disk not in (None, bool(vectors.on_disk)):
        update["vectors_config"] = {"": models.VectorParamsDiff(on_disk=on_disk)}
    wanted = {
        "replication_factor": settings.replication_factor,
        "write_consistency_factor": settings.write_consistency_factor,
        "on_disk_payload": settings.payload_on_disk,
    }
    changed = _changed(params, {name: value for name, value in wanted.items() if value is not None})
    if changed:
        update["collection_params"] = models.CollectionParamsDiff(**changed)
    codes = _codes(settings)
    if settings.quantization is not None and not _has_codes(config.quantization_config, codes):
        update["quantization_config"] = codes or models.Disabled.DISABLED
    if settings.shard_number is not None and params.shard_number != settings.shard_number:
        fixed.append(f"shard_number {params.shard_number}, not {settings.shard_number}")
    if "replication_factor" in changed:
        before = params.replication_factor or 1
        fixed.append(f"shards with {before} replicas, not {settings.replication_factor}")
    fixed += _indexes_elsewhere(settings, found)
    return ConfigDifference(update, fixed)


def _indexes_elsewhere(settings: CollectionSettings, found: models.CollectionInfo) -> list[str]:
    wanted, schema = settings.payload_index_on_disk, found.payload_schema or {}
    if wanted is None or "namespace" not in schema:
        return []
    now = bool(getattr(schema["namespace"].params, "on_disk", None))
    return [] if now == wanted else [f"payload_index_on_disk {str(now).lower()}, not {str(wanted).lower()}"]


def _changed(found: BaseModel, wanted: dict[str, Any]) -> dict[str, Any]:
    """The settings that differ; a flag that the server does not tell is off."""
    now = {name: getattr(found, name) for name in wanted}
    now = {name: value or False if isinstance(wanted[name], bool) else value for name, value in now.items()}
    return {name: value for name, value in wanted.items() if now[name] != value}


def _has_codes(found: BaseModel | None, wanted: BaseModel | None) -> bool:
    """Whether the codes are those that are wanted, in what is said of them."""
    if found is None or wanted is None:
        return found is wanted
    now, then = (one.model_dump(mode="json", exclude_none=True) for one in (found, wanted))
    return all(now.get(kind, {}).items() >= options.items() for kind, options in then.items())


def _graph(settings: CollectionSettings) -> dict[str, Any]:
    given = {
        "payload_m": settings.hnsw_m,
        "ef_construct": settings.hnsw_ef_construct,
        "on_disk": settings.hnsw_on_disk,
    }
    return {name: value for name, value in given.items() if value is not None}


def _codes(settings: CollectionSettings) -> Any:
    """Qdrant's quantisation; None for no codes."""
    in_ram = settings.quantization_in_ram
    if settings.quantization == "int8":
        scalar = models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=in_ram)
        return models.ScalarQuantization(scalar=scalar)
    if settings.quantization == "binary":
        return models.BinaryQuantization(binary=models.BinaryQuantizationConfig(always_ram=in_ram))
    if settings.quantization in _TURBO:
        bits = _TURBO[settings.quantization]
        return models.TurboQuantization(turbo=models.TurboQuantQuantizationConfig(bits=bits, always_ram=in_ram))
    return None


def _keyword(*, is_tenant: bool | None = None, on_disk: bool | None = None) -> models.KeywordIndexParams:
    return models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=is_tenant, on_disk=on_disk)
