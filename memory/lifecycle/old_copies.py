"""Finds and deletes earlier copies of a ledger beside it, and indexes and weights of ledgers that were replaced."""

import re
import shutil
from pathlib import Path

from memento.memory.index.engines.purging import purge_slots

_COPY = re.compile(r".+\.before-restore-.*|\..+\.unfinished(-wal|-shm|-journal)?")
_DERIVED = re.compile(r"(index|weights)-[0-9a-z]+")


def find_old_copies(index_folder: Path | None, ledger_file: Path | None) -> list[Path]:
    """Find what `cases restore --force` kept, copies that were cut short, and folders of other ledgers' ids. Blocks.

    Args:
        index_folder: of the ledger, in the home; None when nothing is kept.
        ledger_file: of an SQLite ledger, which may be elsewhere; None for Postgres.

    Returns:
        Paths in the home and in the folder of the ledger.

    Raises:
        OSError: a folder cannot be read.
    """
    if index_folder is None:
        return []
    home, ledger_id = index_folder.parent, index_folder.name.removeprefix("index-")
    found = [path for path in _children(home) if _COPY.fullmatch(path.name) and path.is_file()]
    if ledger_file is not None and ledger_file.parent.resolve() != home.resolve():
        names = (f"{ledger_file.name}.before-restore-", f".{ledger_file.name}.unfinished")
        found += [path for path in _children(ledger_file.parent) if path.name.startswith(names) and path.is_file()]
    own = (f"index-{ledger_id}", f"weights-{ledger_id}")
    found += [p for p in _children(home) if _DERIVED.fullmatch(p.name) and p.name not in own and p.is_dir()]
    return found


def delete_old_copies(index_folder: Path | None, ledger_file: Path | None) -> None:
    """Delete what `find_old_copies` finds; an index that another process has open is marked to be rebuilt. Blocks.

    Raises:
        OSError: something cannot be deleted.
        EngineUnavailable: an index cannot be emptied.
    """
    for path in find_old_copies(index_folder, ledger_file):
        if not path.is_dir():
            path.unlink(missing_ok=True)
        elif not path.name.startswith("index-") or not purge_slots(path):
            shutil.rmtree(path)


def _children(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
