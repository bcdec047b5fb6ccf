"""Where the parts of a bank are: its folder, its ledger's database, the engines of its indexes. Opens nothing."""

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from memento.memory.arguments import checked_count
from memento.memory.errors import InvalidInput, LedgerUnavailable
from memento.memory.index.engines.collection_settings import CollectionSettings
from memento.memory.index.engines.port import VectorEngine
from memento.memory.places import parse_folder, parse_ledger_url, parse_location
from memento.private_files import make_private_folder

if TYPE_CHECKING:
    from memento.memory.index.engines.server import ServerEngine


class Placement:
    """The places of one bank."""

    def __init__(
        self,
        location: str | Path,
        *,
        ledger_url: str | None = None,
        api_key: str | None = None,
        collection: CollectionSettings | None = None,
        approximate_from: int = 200_000,
        home: str | Path | None = None,
    ) -> None:
        """Configure; the arguments are those of `CaseMemory.open`.

        Raises:
            InvalidInput: a place does not parse, or the number of cases is below 1.
        """
        self.kind, self.location = parse_location(location)
        self._ledger_url = parse_ledger_url(ledger_url) if ledger_url is not None else None
        self._api_key = api_key
        self._collection = collection
        self._approximate_from = checked_count("approximate_from", approximate_from, least=1)
        self._home = parse_folder(home, "the home") if home is not None else None
        self._server: ServerEngine | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None

    @property
    def is_temporary(self) -> bool:
        """Whether nothing is kept after closing."""
        return self.kind == "memory"

    def folder(self) -> Path:
        """The bank's folder, made where it is not there. Blocking.

        Raises:
            LedgerUnavailable: it cannot be made.
            InvalidInput: no file system takes its name.
        """
        if self.is_temporary:
            self._temporary = tempfile.TemporaryDirectory(prefix="memento-")
            return Path(self._temporary.name)
        if self.kind == "server":
            folder = self._home or Path("~/.memento").expanduser()
        else:
            folder = self._home or Path(self.location)
        try:
            make_private_folder(folder)
        except OSError as error:
            raise LedgerUnavailable(f"the bank cannot be created in {folder}: {error.strerror}") from error
        except ValueError as error:  # a name that no file system takes: NUL, half a surrogate pair
            raise InvalidInput(f"{str(folder)!r} is not a valid folder name: {error}") from error
        return folder.absolute()

    def ledger_url(self, folder: Path) -> str:
        """URL of the ledger's database, which is a file of the folder unless another was configured."""
        return self._ledger_url or f"sqlite:///{folder / 'ledger.sqlite'}"

    def engine(self, folder: Path, ledger_id: str, part: str = "") -> VectorEngine:
        """Make an engine of cases' texts or of another part of them. Blocking: importing its library takes a second."""
        if self.is_temporary:
            from memento.memory.index.engines.local import LocalEngine

            return LocalEngine()
        if self.kind == "server":
            from memento.memory.index.engines.server import ServerEngine

            collection = f"memento_{ledger_id}_{part}" if part else f"memento_{ledger_id}"
            server = ServerEngine(
                self.location, api_key=self._api_key, collection=collection, settings=self._collection
            )
            self._server = self._server if part else server
            return server
        from memento.memory.index.engines.edge import EdgeEngine

        return EdgeEngine(folder / index_of(ledger_id) / part, graph_from=self._approximate_from)

    @property
    def notices(self) -> list[str]:
        """Notices for users: the collection has other settings than the configured ones."""
        return [] if self._server is None else self._server.notices

    def clean_up(self) -> None:
        """Remove what is not kept. Blocking."""
        if self._temporary is not None:
            self._temporary.cleanup()


def index_of(ledger_id: str) -> str:
    """Name of the embedded index of a ledger, in the bank's folder: two ledgers never share one by accident."""
    return f"index-{ledger_id}"


def weights_of(ledger_id: str) -> str:
    """Name of the folder of learned weights."""
    return f"weights-{ledger_id}"


def remove_derived(folder: Path, ledger_id: str) -> None:
    """Remove what was made from a ledger that is gone: its index and weights. Blocking."""
    for name in (index_of(ledger_id), weights_of(ledger_id)):
        shutil.rmtree(folder / name, ignore_errors=True)
