"""Attachments and the run's own folder in the workspace; blocking, so called in a thread."""

import hashlib
import itertools
import os
import re
import uuid
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, NamedTuple

from langchain_core.messages import BaseMessage

from memento.nodes.errors import InvalidAttachment
from memento.nodes.message_files import MessageFile, files_in
from memento.private_files import make_private_folder
from memento.tools.errors import ToolError
from memento.tools.file_names import is_text, shown
from memento.tools.files.open_beneath import opened, write_file
from memento.tools.workspace import Workspace

_NOT_IN_A_NAME = re.compile(r"[\x00-\x1f\x7f/\\:]")
_REPLACED = "_"
"""Before the folder name of a thread whose own name cannot be one: a safe name does not begin so."""
_ONCE_REPLACED = re.compile(r"[0-9a-f]{12}5[0-9a-f]{3}[89ab][0-9a-f]{15}")
"""What earlier releases put in place of an unsafe name, a UUID of version 5: no other thread may be called so."""
SAFE_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?")


RUNS = "runs"
"""Below the workspace's root, where each run has a folder of its own, closed to all others."""


class Given(NamedTuple):
    """The files at the start of a run."""

    attachments: list[str]
    """Paths in the run's own folder."""
    present: list[str]
    """Files in the run's own folder, by their paths in it."""
    notices: list[str]
    """What was left out, and why."""


def folder_name(thread_id: str | None, root: Path | None = None, *, earlier: str | None = None) -> str:
    """Derive the folder's name from the thread, so that its runs share it and other threads do not; reads the disk.

    A name that is unsafe, or that another thread's folder may have, is replaced by one that no thread can have.

    Args:
        thread_id: of the run; without one, it has a folder that no other run finds.
        root: the workspace. A folder that an earlier release made there for an unsafe name goes on being used.
        earlier: the folder of the thread's last run, as its state tells. It is believed where it is one of the names
            that this thread may have had.
    """
    if thread_id is None:
        return uuid.uuid4().hex
    own, *older = folder_names(thread_id)
    if earlier in (own, *older):
        return str(earlier)
    if root is None:
        return own
    if own == thread_id:
        return older[0] if _is_anothers(root / RUNS, own) else own
    is_old = not SAFE_NAME.fullmatch(thread_id) and not (root / RUNS / own).exists()
    return next((name for name in older if is_old and (root / RUNS / name).is_dir()), own)


def folder_names(thread_id: str) -> list[str]:
    """Return all possible names of a thread's folder, that of new threads first."""
    replaced = _REPLACED + hashlib.sha256(thread_id.encode(errors="surrogatepass")).hexdigest()
    if SAFE_NAME.fullmatch(thread_id):
        return [replaced, thread_id] if _ONCE_REPLACED.fullmatch(thread_id) else [thread_id, replaced]
    return [replaced, *([uuid.uuid5(uuid.NAMESPACE_OID, thread_id).hex] if is_text(thread_id) else [])]


def _is_anothers(runs: Path, name: str) -> bool:
    """Whether a case-insensitive file system would confuse this folder with another thread's."""
    try:
        is_folded = os.path.samefile(runs / name, runs / name.swapcase())
    except OSError:  # the usual case: one of them is missing
        return False
    return is_folded and name != name.swapcase() and name not in os.listdir(runs)


def run_folder(root: Path, folder: str) -> Path:
    """Return the run's own folder."""
    return root / RUNS / folder


def copy_in(files: Sequence[Path], folder: Path) -> list[str]:
    """Copy attachments into the run's folder; the run works on the copies.

    Returns:
        Their names there; a second file of the same name is numbered.

    Raises:
        InvalidAttachment: one is missing, no file, or cannot be read.
    """
    names: dict[str, None] = {}
    for file in dict.fromkeys(files):
        if not file.is_file():
            raise InvalidAttachment(f"attachment {file} is not a file" if file.exists() else f"there is no file {file}")
        named = (f"{file.stem}-{n}{file.suffix}" if n > 1 else file.name for n in itertools.count(1))
        name = next(name for name in named if name not in names)
        try:
            stream = file.open("rb")
        except OSError as error:
            raise InvalidAttachment(f"attachment {file} cannot be read: {error.strerror}") from error
        with stream:
            try:
                make_private_folder(folder)
                _copy(file, stream, folder, name)
            except OSError as error:
                raise InvalidAttachment(f"attachment {file} cannot be put in {folder}: {error.strerror}") from error
        names[name] = None
    return list(names)


def _copy(file: Path, stream: BinaryIO, folder: Path, name: str) -> None:
    """Copy a file unless it is there already; a link left there by code is replaced, not followed."""
    target = folder / name
    if target.is_symlink():
        target.unlink()
    elif target.exists() and target.samefile(file):
        return
    write_file(folder, [name], stream)


def given_files(
    attachments: Any, question: BaseMessage | None, root: Path | None, folder: str, *, below: str | None = None
) -> Given:
    """Put the attachments and the message's files into the run's folder.

    Args:
        attachments: paths below the root, those in folders of other runs excepted.
        question: the message that asks.
        root: the workspace; without one there are no files.
        folder: name of the run's own folder.
        below: path below the root that attachments lie in, beside those in the run's folder; None: all of it.

    Raises:
        InvalidAttachment: an attachment that is not in the workspace or cannot be read.
    """
    paths = _checked(attachments, root, folder, below)
    files, notices = files_in(question) if question is not None else ([], [])
    if root is None:
        lost = [f"{len(files)} files of the message were left out: there is no workspace"] if files else []
        return Given([], [], [*notices, *lost])
    workspace = Workspace(run_folder(root, folder))
    names = [_brought_in(path, workspace, root) for path in paths]
    for file in files:
        try:
            names.append(_saved(file, workspace))
        except (ToolError, OSError) as error:
            notices = [*notices, f"{shown(file.name)} of the message was left out: {error}"]
    return Given(list(dict.fromkeys(names)), [entry.path for entry in workspace.entries()], notices)


def _brought_in(path: Path, workspace: Workspace, root: Path) -> str:
    """Copy a file of the workspace into the run's folder, unless it is there, under a name that tools accept."""
    own = workspace.folder.resolve()
    if path.is_relative_to(own):
        named = path.relative_to(own).as_posix()
        for entry in workspace.entries():
            if entry.named == named:
                return entry.path
    plain = _NOT_IN_A_NAME.sub("_", path.name.encode(errors="replace").decode()).strip(" .") or "file"
    top = root.resolve()
    try:
        with opened(top, path.relative_to(top).parts, None) as stream:  # no link that has come since is followed
            return _saved(MessageFile(plain, stream.read()), workspace)
    except (ToolError, OSError) as error:
        raise InvalidAttachment(f"attachment {path.name!r} cannot be brought into the run's folder: {error}") from error


def _saved(file: MessageFile, workspace: Workspace) -> str:
    """Write a file under its name, or a numbered one if an earlier message brought another file of that name."""
    sizes = {entry.path: entry.n_bytes for entry in workspace.entries()}
    path, name, number = PurePosixPath(file.name), file.name, 1
    while (kept := shown(name)) in sizes:
        is_same = sizes[kept] == len(file.content)
        if is_same and workspace.read(kept, max_bytes=len(file.content)) == file.content:
            return kept
        number += 1
        name = f"{path.stem}-{number}{path.suffix}"
    return workspace.write(name, file.content)


def _checked(attachments: Any, root: Path | None, folder: str, below: str | None) -> list[Path]:
    if not isinstance(attachments, list):
        raise InvalidAttachment("attachments must be a list of file paths inside the workspace")
    return [_file(name, root, folder, below) for name in attachments]


def _file(name: Any, root: Path | None, folder: str, below: str | None) -> Path:
    """Return the file with links resolved."""
    if root is None:
        raise InvalidAttachment("attachments need a workspace, and none is configured")
    try:
        own = run_folder(root, folder).resolve()
        area = (root / below).resolve() if below else root.resolve()
        path = (area / str(name)).resolve()
        is_file = path.is_file()
    except (OSError, ValueError):  # too long, a NUL in it, links in a circle
        is_file = False
    else:
        is_own = path.is_relative_to(own)
        if not path.is_relative_to(area) and not is_own:
            raise InvalidAttachment(f"attachment {name!r} lies outside the workspace")
        if path.is_relative_to((root / RUNS).resolve()) and not is_own:
            is_file = False  # not even whether it is there is told
    if not is_file:
        raise InvalidAttachment(f"attachment {str(name)[:200]!r} is not a file in the workspace")
    try:
        path.open("rb").close()
    except OSError as error:
        raise InvalidAttachment(f"attachment {name!r} cannot be read: {error.strerror}") from error
    return path
