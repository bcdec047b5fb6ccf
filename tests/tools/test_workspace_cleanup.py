"""What code leaves in a workspace: no file that acts for us, whatever ran it."""

import os
import socket
import stat
import sys
from pathlib import Path

import pytest

from memento.tools.sandbox.monty import MontySandbox
from memento.tools.sandbox.port import Sandbox, SandboxLimits
from memento.tools.sandbox.unsafe_local import UnsafeLocal
from memento.tools.sandbox.workspace_cleanup import make_harmless

pytestmark = pytest.mark.skipif(os.name != "posix", reason="there are no such modes")
CAPABILITY = "security.capability"


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.lstat().st_mode) for path in folder.rglob("*")}


def test_set_id_bits_go_and_all_other_bits_stay(tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "folder").mkdir(parents=True)
    for name, mode in (("user", 0o4755), ("group", 0o2711), ("folder/both", 0o6700), ("plain", 0o640)):
        (run / name).write_text("kept")
        (run / name).chmod(mode)
    (run / "folder").chmod(0o3777)
    run.chmod(0o2755)
    make_harmless(run)
    assert modes(run) == {"user": 0o755, "group": 0o711, "both": 0o700, "plain": 0o640, "folder": 0o1777}
    assert stat.S_IMODE(run.stat().st_mode) == 0o755
    assert (run / "user").read_text() == "kept"


def test_folders_of_a_shared_workspace_go_on_to_pass_their_group_on(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "run"
    (run / "folder").mkdir(parents=True)
    (run / "file").touch()
    (run / "file").chmod(0o2770)
    for folder, mode in ((run.parent, 0o2770), (run, 0o2770), (run / "folder", 0o6770)):
        folder.chmod(mode)
    make_harmless(run)
    assert modes(run.parent) == {"run": 0o2770, "folder": 0o2770, "file": 0o770}


def test_what_a_link_leads_to_and_what_has_a_second_name_is_left_as_it_is(tmp_path: Path) -> None:
    run, outside = tmp_path / "run", tmp_path / "outside"
    (outside / "folder").mkdir(parents=True)
    run.mkdir()
    for name in ("linked", "named", "folder/below"):
        (outside / name).touch()
        (outside / name).chmod(0o4755)
    (run / "link").symlink_to(outside / "linked")
    (run / "folder").symlink_to(outside / "folder")
    os.link(outside / "named", run / "second")
    make_harmless(run)
    assert {path.name for path in run.iterdir()} == {"link", "folder"}
    assert {name: modes(outside)[name] for name in ("linked", "named", "below")} == dict.fromkeys(
        ("linked", "named", "below"), 0o4755
    )


def test_a_program_with_two_names_keeps_one_of_them_without_the_bit(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("kept")
    (tmp_path / "a").chmod(0o4755)
    os.link(tmp_path / "a", tmp_path / "b")
    make_harmless(tmp_path)
    assert list(modes(tmp_path).values()) == [0o755]


def test_pipes_and_sockets_go(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    here = Path.cwd()
    os.chdir(tmp_path)  # a socket's path is short
    try:
        with socket.socket(socket.AF_UNIX) as left:
            left.bind("socket")
    finally:
        os.chdir(here)
    (tmp_path / "file").touch()
    make_harmless(tmp_path)
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_that_was_closed_is_opened_to_its_owner_and_looked_into(tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "closed").mkdir(parents=True)
    (run / "closed" / "shell").touch()
    (run / "closed" / "shell").chmod(0o4711)
    (run / "closed").chmod(0o011)
    run.chmod(0)
    make_harmless(run)
    assert modes(run) == {"closed": 0o711, "shell": 0o711}


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can give a file capabilities")
def test_capabilities_of_files_go(tmp_path: Path) -> None:
    (tmp_path / "able").touch()
    os.setxattr(tmp_path / "able", CAPABILITY, bytes.fromhex("0100000200040000000000000000000000000000"))
    make_harmless(tmp_path)
    assert CAPABILITY not in os.listxattr(tmp_path / "able")


@pytest.mark.parametrize("sandbox", [UnsafeLocal(), MontySandbox()], ids=lambda sandbox: sandbox.name)
@pytest.mark.allow_blocking("files are made and looked at around the execution")
async def test_every_sandbox_leaves_no_set_id_file(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "before").touch()
    (tmp_path / "before").chmod(0o6755)
    code = "import os\nopen('made', 'w').close()\nos.chmod('made', 0o6711)"
    await sandbox.run("python", code, folder=tmp_path, limits=SandboxLimits(wall_s=20))
    assert modes(tmp_path)["before"] == 0o755
    assert modes(tmp_path).get("made", 0o711) & 0o6000 == 0


@pytest.mark.allow_blocking("files are made and looked at around the execution")
async def test_no_set_id_file_is_left_when_a_limit_ends_the_code(tmp_path: Path) -> None:
    code = "import os\nopen('made', 'w').close()\nos.chmod('made', 0o6711)\nwhile True: pass"
    execution = await UnsafeLocal().run("python", code, folder=tmp_path, limits=SandboxLimits(wall_s=1))
    assert execution.ended_by == "time"
    assert modes(tmp_path).get("made", 0o711) == 0o711
