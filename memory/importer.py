"""The import side of the memory: cases, attempts and retrieval logs that were made elsewhere, all or none at a time."""

from collections.abc import Sequence

from memento.memory.arguments import check_share
from memento.memory.case import Case, storable
from memento.memory.errors import InvalidInput
from memento.memory.experience import Experience
from memento.memory.importing import import_attempts, import_cases, importable
from memento.memory.ledger.writes import LedgerWriter
from memento.memory.namespaces import checked_namespace
from memento.memory.pictures import CasePicture
from memento.memory.recorded_events import Kept, Selection, append_selections
from memento.memory.storage import Storage
from memento.memory.text_limits import MAX_STATE_CHARS, bounded


class Importer:
    """Takes over what was made elsewhere. When a method returns, the ledger has committed."""

    def __init__(self, storage: Storage) -> None:
        """Wire the parts.

        Args:
            storage: where cases are kept.
        """
        self._storage = storage

    async def keep(self, cases: Sequence[Case], *, is_trusted: bool, pictures: Sequence[CasePicture] = ()) -> int:
        """Import cases, all or none: their texts and rewards, never their authority; see `import_cases`.

        Args:
            cases: finished cases.
            is_trusted: if not, they go into quarantine.
            pictures: of the cases; what is neither here nor kept in their namespace, a case is left without.

        Returns:
            How many were new.

        Raises:
            InvalidInput: a case's id is not that of its contents (see `case_id`), or one of its values is not valid.
        """
        cases = [_importable(case) for case in cases]
        states = [case.state for case in cases]
        vectors = dict(zip(states, await self._storage.texts.rows(states), strict=True))

        def append(writer: LedgerWriter) -> int:
            n_new = import_cases(writer, cases, is_trusted=is_trusted, pictures=pictures)
            writer.save_vectors(self._storage.texts.encoder.name, vectors)
            return n_new

        return await self._storage.ledger.transact(append)

    async def keep_attempts(self, attempts: Sequence[Experience], *, namespace: str) -> int:
        """Import attempts whose outcome is unknown, all or none; see `import_attempts`.

        Raises:
            InvalidInput: one of them has a reward, or an event id of its own.
        """
        for one in attempts:
            if one.reward is not None or one.event_id is not None:
                raise InvalidInput("an attempt of unknown outcome has no reward and no event id; see `write`")
            if one.namespace not in (None, namespace):
                raise InvalidInput(f"an attempt of namespace {one.namespace!r} cannot be imported into {namespace!r}")
        return await self._storage.ledger.transact(
            lambda writer: import_attempts(writer, attempts, namespace=namespace)
        )

    async def keep_recorded(self, selections: Sequence[Selection], *, is_trusted: bool) -> Kept:
        """Import a retrieval log (events and outcomes), all or nothing; see `keep`.

        Raises:
            InvalidInput: a selection without cases or of several namespaces, a reward outside [0, 1], an id that is not
                that of an imported event.
        """
        selections = [_kept_selection(selection) for selection in selections]
        cases = [case for selection in selections for case in selection.cases]
        texts = [selection.served.query for selection in selections] + [case.state for case in cases]
        vectors = dict(zip(texts, await self._storage.texts.rows(texts), strict=True))

        def append(writer: LedgerWriter) -> Kept:
            n_cases = import_cases(writer, cases, is_trusted=is_trusted)
            writer.save_vectors(self._storage.texts.encoder.name, vectors)
            n_events, n_outcomes = append_selections(writer, selections, vectors=vectors)
            return Kept(n_cases, n_events, n_outcomes)

        return await self._storage.ledger.transact(append)


def _kept_selection(selection: Selection) -> Selection:
    served = selection.served._replace(query=bounded(storable(selection.served.query), MAX_STATE_CHARS))
    check_share("reward", served.reward, is_optional=True)
    cases = tuple(_importable(case) for case in selection.cases)
    if len({case.namespace for case in cases}) != 1:
        raise InvalidInput("a selection has the cases of one namespace, at least one")
    return Selection(storable(selection.event_id), served, cases)


def _importable(case: Case) -> Case:
    valid = importable(case)
    checked_namespace(valid.namespace)
    return valid
