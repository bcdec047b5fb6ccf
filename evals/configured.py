"""The configured agent as the subject of an evaluation, with a memory and a workspace of the run's own."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, get_args

from memento.evals.environments.pool import EnvironmentPool
from memento.evals.environments.port import EnvironmentSpec
from memento.evals.environments.subject import environment_subject
from memento.evals.runs.arm import Arm
from memento.evals.subject import OpenMemory, Subject, embedded_memory, load_subject
from memento.graph.app import Application
from memento.graph.deps import Deps
from memento.graph.settings import Settings
from memento.memory.case_memory import CaseMemory
from memento.memory.encoder import Encoder
from memento.memory.errors import InvalidInput
from memento.nodes.constrained import ConstrainedChatModel
from memento.nodes.errors import ModelError
from memento.nodes.sources import MemorySource, Role, model_name

WORKSPACE = "workspace"
_NEED_JUDGE = ("judge", "judges", "rubric")


class OpenSubject(NamedTuple):
    """A subject ready to run."""

    subject: Subject
    encoder: Encoder | None
    """Of all its memories; None stands for the packaged one."""
    notices: list[str]
    """What to tell before it begins."""


@asynccontextmanager
async def opened_subject(
    name: str | None,
    *,
    folder: Path,
    settings: Mapping[str, Any],
    pool: EnvironmentPool | None = None,
    environments: Sequence[EnvironmentSpec] = (),
    arms: Sequence[Arm] = (),
) -> AsyncIterator[OpenSubject]:
    """Open the subject of a run; invalid models or tools raise before anything starts.

    Args:
        name: `package.module:function`, or None for the configured agent.
        folder: of the run; the configured agent's files go into its workspace.
        settings: fields of `Context` that hold for every arm.
        pool: of the environments that it acts in, if it does.
        environments: that it acts in.
        arms: of the run. Where all of them act in environments without a model, none has to be configured.

    Raises:
        InvalidInput: no such function, or a setting that makes no sense.
        ModelError: a model is not configured, and one is asked.
    """
    asks_models = not environments or not arms or any(_asks_models(arm, settings) for arm in arms)
    async with _opened(name, folder=folder, settings=settings, asks_models=asks_models) as found:
        if pool is None or not environments:
            yield found
        else:
            yield found._replace(subject=environment_subject(found.subject, pool, environments))


@asynccontextmanager
async def _opened(
    name: str | None, *, folder: Path, settings: Mapping[str, Any], asks_models: bool
) -> AsyncIterator[OpenSubject]:
    if name is not None:
        yield OpenSubject(await asyncio.to_thread(load_subject, name), None, [])
        return
    app = Application(workspace=await asyncio.to_thread(folder.absolute) / WORKSPACE)
    try:
        models, notices, is_local = await _models(app, settings) if asks_models else ({}, [], False)
        await app.toolset.offer()
        told = ", ".join(f"{role} {model}" for role, model in models.items()) or "no model"
        subject = Subject(
            name=f"configured agent ({told})",
            make_deps=lambda memory: _deps(app, memory),
            open_memory=_server_memory(app.settings) if app.settings.qdrant_url else embedded_memory,
            max_processes=1 if is_local else None,
        )
        yield OpenSubject(subject, await app.encoder(), notices)
    finally:
        await app.aclose()


def check_unseen(paths: Sequence[Path], settings: Settings) -> None:
    """Check that no tool can read the data set's answers, or other arms' results. Blocking.

    Raises:
        InvalidInput: one of them lies in a folder of MEMENTO_FILES.
    """
    for path in paths:
        for shelf in settings.folders:
            if path.resolve().is_relative_to(shelf.resolve()):
                raise InvalidInput(
                    f"{path} lies in {shelf}, which the agent's tools may read (MEMENTO_FILES): "
                    "it would find the answers there; move it, or leave that folder out"
                )


def _asks_models(arm: Arm, settings: Mapping[str, Any]) -> bool:
    return not arm.acts_without_model or {**settings, **arm.settings}.get("evaluator") in _NEED_JUDGE


def _deps(app: Application, memory: MemorySource) -> Deps:
    return replace(app.deps(), memory=memory)


async def _models(app: Application, settings: Mapping[str, Any]) -> tuple[dict[Role, str], list[str], bool]:
    """Return the name of each role's model, notices, and whether one is loaded into this process.

    A missing judge is reported, and leaves rewards unknown.
    """
    models: dict[Role, str] = {}
    is_local = False
    for role in get_args(Role):
        try:
            model = await app.get(role, settings.get(role))
            models[role] = model_name(model)
            is_local = is_local or isinstance(model, ConstrainedChatModel)
        except ModelError as error:
            if role != "judge" or settings.get("evaluator") in _NEED_JUDGE:
                raise
            return models, [f"no judge is available, so answers that need one stay unscored: {error}"], is_local
    return models, [], is_local


def _server_memory(settings: Settings) -> OpenMemory:
    """Make memories on the configured Qdrant server, each with its ledger in its stream's folder.

    An index belongs to its ledger, so streams never meet on the server, nor do runs.
    """

    def open_memory(folder: Path, *, policy: str, namespace: str, seed: int, encoder: Encoder) -> CaseMemory:
        return CaseMemory.open(
            settings.qdrant_url or "",
            policy=policy,
            namespace=namespace,
            seed=seed,
            encoder=encoder,
            api_key=settings.qdrant_api_key.get_secret_value() if settings.qdrant_api_key else None,
            collection=settings.collection(),
            home=folder / "bank",
        )

    return open_memory
