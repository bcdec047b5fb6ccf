"""Keeps every step of a run inside what its user owns: the namespace, the folder, the ceilings.

A thread's state can be written from outside, by an update of it or by a command that goes to a node. So what a run
began with is not believed: each node compares it with the run's user again.
"""

import hashlib
import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import Any, Final, NamedTuple, TypeVar, cast

from langgraph.runtime import Runtime

from memento.memory.errors import InvalidInput
from memento.memory.namespaces import checked_namespace
from memento.nodes.attachments import SAFE_NAME, folder_names
from memento.nodes.ceilings import Ceilings
from memento.nodes.context import Context, RunSettings
from memento.nodes.node import Node

StateT = TypeVar("StateT", bound=Mapping[str, Any])

OWNED_FILES: Final = "namespaces"
"""Below the workspace's root: a folder of files for each namespace whose runs have an owner."""


_RANDOM: Final = re.compile(r"[0-9a-f]{32}")


class AsGiven(Enum):
    """The answer of a `NamespaceOf` for a run without an owner."""

    AS_GIVEN = "as given"
    """The context's namespace, or the input's, or the memory's own."""


AS_GIVEN: Final = AsGiven.AS_GIVEN

NamespaceOf = Callable[[Runtime[Context]], str | AsGiven | Awaitable[str | AsGiven]]
"""Tells whose cases a run uses, by its runtime: such as the user that the server has authenticated."""

CeilingsOf = Callable[[Runtime[Context]], Ceilings | Awaitable[Ceilings]]
"""Gives the ceilings of a run's settings, by its runtime."""


class Begun(NamedTuple):
    """What a run may begin with."""

    context: Context
    """Within the ceilings."""
    owner: str | None
    """The namespace that belongs to its user; None where runs have no owner."""
    notices: list[str]


class RunBounds:
    """What the runs of one graph are kept to."""

    def __init__(self, *, namespace_of: NamespaceOf | None = None, ceilings: CeilingsOf | None = None) -> None:
        """Keep the two.

        Args:
            namespace_of: tells whose cases a run uses, whatever its input says.
            ceilings: gives the most that its settings may be.
        """
        self._namespace_of = namespace_of
        self._ceilings = ceilings

    async def begin(self, runtime: Runtime[Context], context: Context) -> Begun:
        """Bound the settings of a run that begins, and tell whose it is.

        Raises:
            InvalidInput: it has no namespace, or asks for a model, a policy or an evaluator that is not allowed.
        """
        if self._ceilings is None:
            return Begun(context, await self._owner(runtime), [])
        bounded = (await _awaited(self._ceilings(runtime))).bounded(context)
        return Begun(bounded.settings, await self._owner(runtime), bounded.notices)

    def kept(self, node: Node[StateT], *, only_with: str | None = None) -> Node[StateT]:
        """Wrap a node so that the run in its state is refused where it is not its user's, and stays within ceilings.

        Args:
            node: of a state with a `run`.
            only_with: a key; states without it are of runs that begin, whose input the node looks at itself. None:
                every state is looked at.
        """
        if self._namespace_of is None and self._ceilings is None:
            return node

        async def kept_node(state: StateT, *, runtime: Runtime[Context]) -> dict[str, Any]:
            if only_with is None or only_with in state:
                state = await self._checked(state, runtime)
            return await node(state, runtime=runtime)

        return kept_node

    async def _checked(self, state: StateT, runtime: Runtime[Context]) -> StateT:
        run = state.get("run")
        if not isinstance(run, Mapping):
            raise InvalidInput("the state's `run` is not one that this graph has written: start the run anew")
        owner = await self._owner(runtime)
        if owner is not None:
            recall = state.get("recall") or {}
            told = [run.get("namespace"), *([recall.get("namespace")] if recall else [])]
            if any(namespace != owner for namespace in told) or not _is_own_folder(run, runtime, owner):
                raise InvalidInput("the run in this thread's state is not of its user: start a run of your own")
        if self._ceilings is None:
            return state
        settings = RunSettings.model_validate(run.get("settings") or {})
        bounded = (await _awaited(self._ceilings(runtime))).bounded(settings).settings.model_dump()
        return cast("StateT", {**state, "run": {**run, "settings": bounded}})

    async def _owner(self, runtime: Runtime[Context]) -> str | None:
        """The namespace of the run's user; where one is expected and missing, the run is refused."""
        if self._namespace_of is None:
            return None
        found = await _awaited(self._namespace_of(runtime))
        if found is AS_GIVEN:
            return None
        if not isinstance(found, str) or not found:
            raise InvalidInput("`namespace_of` gave no namespace for this run: it is refused")
        return checked_namespace(found)


def owned_thread(owner: str | None, thread_id: str | None) -> str | None:
    """The thread's name as its folder is named after: another owner's thread of the same id has another folder."""
    if owner is None or thread_id is None:
        return thread_id
    return f"{len(owner)}:{owner}/{thread_id}"


def owned_files(owner: str | None) -> str | None:
    """The folder below the workspace's root that an owner's attachments lie in; None where there are no owners."""
    if owner is None:
        return None
    is_plain = SAFE_NAME.fullmatch(owner) and owner == owner.casefold()
    return f"{OWNED_FILES}/{owner if is_plain else '_' + hashlib.sha256(owner.encode()).hexdigest()}"


def _is_own_folder(run: Mapping[str, Any], runtime: Runtime[Context], owner: str) -> bool:
    thread = runtime.execution_info.thread_id if runtime.execution_info else None
    named, folder = owned_thread(owner, thread), run.get("folder")
    if named is None:  # the folder has a random name that no other run knows
        return isinstance(folder, str) and _RANDOM.fullmatch(folder) is not None
    return folder in folder_names(named)


async def _awaited(found: Any) -> Any:
    return await found if inspect.isawaitable(found) else found
