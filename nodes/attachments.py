"""The files a run is given, and the folder of its own in which it makes others; blocking, so called in a thread."""

import itertools
import re
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from langchain_core.messages import BaseMessage

from memento.nodes.errors import InvalidAttachment
from memento.nodes.message_files import MessageFile, files_in
from memento.private_files import create_private_file, make_private_folder
from memento.tools.errors import ToolError
from memento.tools.workspace import Workspace

_NOT_IN_A_NAME = re.compile(r"[\x00-\x1f\x7f/\\:]")
SAFE_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?")


RUNS = "runs"
"""Below the workspace's root, where each run has a folder of its own, closed to all others."""


class Given(NamedTuple):
    """What lies ready when a run begins."""

    attachments: list[str]
    """Paths in the run's own folder."""
    present: list[str]
    """Files in the run's own folder, by their paths in it."""
    notices: list[str]
    """What was left out, and why."""


def folder_name(thread_id: str | None) -> str:
    """Name the folder by the thread, so that its runs find each other's files; an unsafe name is replaced."""
    if thread_id is None:
        return uuid.uuid4().hex
    return thread_id if SAFE_NAME.fullmatch(thread_id) else uuid.uuid5(uuid.NAMESPACE_OID, thread_id).hex


def run_folder(root: Path, folder: str) -> Path:
    """The run's own folder."""
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
            make_private_folder(folder)
            create_private_file(folder / name)
        except OSError as error:
            raise InvalidAttachment(f"attachment {file} cannot be put in {folder}: {error.strerror}") from error
        try:
            shutil.copyfile(file, folder / name)
        except shutil.SameFileError:
            pass  # it lies there already
        except OSError as error:
            raise InvalidAttachment(f"attachment {file} cannot be read: {error.strerror}") from error
        names[name] = None
    return list(names)


def given_files(attachments: Any, question: BaseMessage | None, root: Path | None, folder: str) -> Given:
    """Bring the attachments, and the files that came inside the message, into the run's folder.

    Args:
        attachments: paths below the root, those in folders of other runs excepted.
        question: the message that asks.
        root: the workspace; without one there are no files.
        folder: name of the run's own folder.

    Raises:
        InvalidAttachment: an attachment that is not in the workspace or cannot be read.
    """
    paths = _checked(attachments, root, folder)
    files, notices = files_in(question) if question is not None else ([], [])
    if root is None:
        lost = [f"{len(files)} files of the message were left out: there is no workspace"] if files else []
        return Given([], [], [*notices, *lost])
    workspace = Workspace(run_folder(root, folder))
    names = [_brought_in(path, workspace) for path in paths]
    for file in files:
        try:
            names.append(_saved(file, workspace))
        except (ToolError, OSError) as error:
            notices = [*notices, f"{file.name} of the message was left out: {error}"]
    return Given(list(dict.fromkeys(names)), [entry.path for entry in workspace.entries()], notices)


def _brought_in(path: Path, workspace: Workspace) -> str:
    """Copy a file of the root into the run's folder, unless it lies there already, under a name that tools can take."""
    own = workspace.folder.resolve()
    if path.is_relative_to(own) and (name := path.relative_to(own).as_posix()) in {e.path for e in workspace.entries()}:
        return name
    plain = _NOT_IN_A_NAME.sub("_", path.name.encode(errors="replace").decode()).strip(" .") or "file"
    try:
        return _saved(MessageFile(plain, path.read_bytes()), workspace)
    except (ToolError, OSError) as error:
        raise InvalidAttachment(f"attachment {path.name!r} cannot be brought into the run's folder: {error}") from error


def _saved(file: MessageFile, workspace: Workspace) -> str:
    """Write a file under its name, or a numbered one where a thread's earlier message brought another of that name."""
    sizes = {entry.path: entry.n_bytes for entry in workspace.entries()}
    path, name, number = PurePosixPath(file.name), file.name, 1
    while name in sizes:
        is_same = sizes[name] == len(file.content)
        if is_same and workspace.read(name, max_bytes=len(file.content)) == file.content:
            return name
        number += 1
        name = f"{path.stem}-{number}{path.suffix}"
    return workspace.write(name, file.content)


def _checked(attachments: Any, root: Path | None, folder: str) -> list[Path]:
    if not isinstance(attachments, list):
        raise InvalidAttachment("attachments are a list of file paths inside the workspace")
    return [_file(name, root, folder) for name in attachments]


def _file(name: Any, root: Path | None, folder: str) -> Path:
    """The file itself, links resolved."""
    if root is None:
        raise InvalidAttachment("attachments need a workspace, and none is configured")
    try:
        path = (root / str(name)).resolve()
        is_file = path.is_file()
    except (OSError, ValueError):  # too long, a NUL in it, links in a circle
        is_file = False
    else:
        if not path.is_relative_to(root.resolve()):
            raise InvalidAttachment(f"attachment {name!r} lies outside the workspace")
        is_of_another = path.is_relative_to((root / RUNS).resolve())
        if is_of_another and not path.is_relative_to(run_folder(root, folder).resolve()):
            is_file = False  # not even whether it is there is told
    if not is_file:
        raise InvalidAttachment(f"attachment {str(name)[:200]!r} is not a file in the workspace")
    try:
        path.open("rb").close()
    except OSError as error:
        raise InvalidAttachment(f"attachment {name!r} cannot be read: {error.strerror}") from error
    return path
