"""What every sandbox does: it runs code in the workspace, within limits, and leaves nothing behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from memento.tools.errors import ToolUnavailable
from memento.tools.sandbox.bubblewrap import Bubblewrap
from memento.tools.sandbox.choice import problem
from memento.tools.sandbox.monty import MontySandbox
from memento.tools.sandbox.port import Execution, Sandbox, SandboxLimits
from memento.tools.sandbox.processes import belonging
from memento.tools.sandbox.unsafe_local import UnsafeLocal

LIMITS = SandboxLimits(
    wall_s=20, memory_bytes=400_000_000, n_processes=16, workspace_bytes=10_000_000, n_files=50, output_bytes=10_000
)
WORKS: dict[str, bool] = {}


@pytest.fixture(params=["bubblewrap", "monty", "unsafe-local"])
async def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return await made(request.param)


@pytest.fixture(params=["bubblewrap", "unsafe-local"])
async def full(request: pytest.FixtureRequest) -> Sandbox:
    return await made(request.param)


@pytest.fixture
async def bubblewrap() -> Bubblewrap:
    await made("bubblewrap")
    return Bubblewrap()


async def made(name: str) -> Sandbox:
    kinds: dict[str, Sandbox] = {"bubblewrap": Bubblewrap(), "monty": MontySandbox(), "unsafe-local": UnsafeLocal()}
    if name not in WORKS:
        WORKS[name] = await problem(kinds[name]) is None
    if not WORKS[name]:
        pytest.skip(f"{name} does not work on this machine")
    return kinds[name]


async def python(sandbox: Sandbox, code: str, folder: Path, limits: SandboxLimits = LIMITS) -> Execution:
    return await sandbox.run("python", code, folder=folder, limits=limits)


async def shell(sandbox: Sandbox, command: str, folder: Path, limits: SandboxLimits = LIMITS) -> Execution:
    return await sandbox.run("shell", command, folder=folder, limits=limits)


async def test_prints_and_the_last_value_come_back(sandbox: Sandbox, tmp_path: Path) -> None:
    run = tmp_path / "new" / "run"
    assert await python(sandbox, "print('\u00fc')\nx = 6\n(x *\n 7)  # comment", run) == ("\u00fc\n42\n", 0, "exit")
    assert await python(sandbox, "x = 1", run) == ("", 0, "exit")
    assert await python(sandbox, "None", run) == ("", 0, "exit")


async def test_files_stay_and_variables_do_not(sandbox: Sandbox, tmp_path: Path) -> None:
    await python(sandbox, "x = 1\nopen('a.txt', 'w').write('kept')", tmp_path)
    assert (await python(sandbox, "open('a.txt').read()", tmp_path)).output == "'kept'\n"
    assert "NameError" in (await python(sandbox, "x", tmp_path)).output


async def test_the_code_s_own_traceback_comes_back_when_it_fails(sandbox: Sandbox, tmp_path: Path) -> None:
    output, exit_code, ended_by = await python(sandbox, "def f():\n    return 1 / 0\n\nprint('first')\nf()", tmp_path)
    assert (exit_code, ended_by) == (1, "exit")
    assert output.startswith("first\n")
    assert "return 1 / 0" in output
    assert output.endswith("ZeroDivisionError: division by zero\n")
    assert "runner" not in output
    assert "SyntaxError" in (await python(sandbox, "def (", tmp_path)).output


async def test_an_execution_ends_when_its_time_is_over(sandbox: Sandbox, tmp_path: Path) -> None:
    code = "print('first')\nwhile True:\n    pass"
    output, exit_code, ended_by = await python(sandbox, code, tmp_path, replace(LIMITS, wall_s=1))
    assert (output.splitlines()[0], exit_code, ended_by) == ("first", None, "time")


async def test_output_is_cut_when_there_is_too_much(sandbox: Sandbox, tmp_path: Path) -> None:
    output, exit_code, ended_by = await python(sandbox, "while True:\n    print('x' * 999)", tmp_path)
    assert (len(output), exit_code, ended_by) == (LIMITS.output_bytes, None, "output")


async def test_an_execution_ends_when_it_makes_too_many_files(sandbox: Sandbox, tmp_path: Path) -> None:
    code = "for number in range(10_000):\n    open(f'{number}', 'w').close()\nwhile True:\n    pass"
    assert (await python(sandbox, code, tmp_path))[1:] == (None, "files")


class LateThreads(ThreadPoolExecutor):
    """Threads of a busy machine: each begins its work after a while."""

    def submit(self, work: Any, /, *args: Any, **given: Any) -> Any:
        def late() -> Any:
            time.sleep(0.3)
            return work(*args, **given)

        return super().submit(late)


async def test_too_many_files_are_seen_when_they_were_made_before_anybody_could_look(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    asyncio.get_running_loop().set_default_executor(LateThreads(4))
    code = f"for number in range({2 * LIMITS.n_files}):\n    open(f'{{number}}', 'w').close()\nwhile True:\n    pass"
    ended = await python(sandbox, code, tmp_path, replace(LIMITS, wall_s=5))
    assert ended[1:] == (None, "files")


async def test_a_full_workspace_can_be_tidied_up(sandbox: Sandbox, tmp_path: Path) -> None:
    def fill() -> None:
        for number in range(LIMITS.n_files + 10):
            (tmp_path / f"{number}").write_text("x")

    await asyncio.to_thread(fill)
    code = "import os, time\nos.unlink('1')\ntime.sleep(0.4)\nprint('done')"
    if sandbox.name == "monty":
        code = code.replace("os.unlink('1')", "from pathlib import Path\nPath('1').unlink()")
    assert await python(sandbox, code, tmp_path) == ("done\n", 0, "exit")


async def test_nothing_is_left_when_the_caller_is_cancelled(sandbox: Sandbox, tmp_path: Path) -> None:
    code = "open('begun', 'w').close()\nwhile True:\n    pass"
    task = asyncio.create_task(python(sandbox, code, tmp_path))
    await until(tmp_path / "begun")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not await below_us()


async def test_several_run_at_the_same_time(sandbox: Sandbox, tmp_path: Path) -> None:
    runs = [python(sandbox, f"print({number})", tmp_path / f"{number}") for number in range(6)]
    assert [run.output for run in await asyncio.gather(*runs)] == [f"{number}\n" for number in range(6)]


async def test_monty_has_no_shell(tmp_path: Path) -> None:
    assert MontySandbox().languages == {"python"}
    with pytest.raises(ToolUnavailable, match="no shell"):
        await shell(MontySandbox(), "id", tmp_path)


async def test_a_script_runs_with_its_own_stdin(full: Sandbox, tmp_path: Path) -> None:
    script = "cat\nfor x in 1 2; do echo $x; done > a.txt\ncat < a.txt\nexit 3"
    assert await shell(full, script, tmp_path) == ("1\n2\n", 3, "exit")
    assert await python(full, "import sys\nlen(sys.stdin.read())", tmp_path) == ("0\n", 0, "exit")


async def test_no_secret_is_in_the_environment(full: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    seen = (await shell(full, "env; [ $USER = sandbox ] && cat /proc/1/environ /proc/$PPID/environ", tmp_path)).output
    assert "MPLBACKEND=Agg" in seen
    assert "sk-secret" not in seen


async def test_processes_are_counted_together(full: Sandbox, tmp_path: Path) -> None:
    many = "import os, time\nfor _ in range(40):\n    if os.fork() == 0:\n        time.sleep(60)\ntime.sleep(60)"
    assert (await python(full, many, tmp_path))[1:] == (None, "processes")


async def test_memory_of_all_processes_is_added_up(full: Sandbox, tmp_path: Path) -> None:
    children = (
        "import os, time\nfor _ in range(8):\n    if os.fork() == 0:\n"
        "        kept = bytearray(b'x' * 90_000_000)\n        time.sleep(60)\ntime.sleep(60)"
    )
    assert (await python(full, children, tmp_path))[1:] == (None, "memory")


async def test_a_single_process_is_told_when_it_wants_too_much_memory(full: Sandbox, tmp_path: Path) -> None:
    output, exit_code, _ = await python(full, "bytearray(800_000_000)", tmp_path)
    assert "MemoryError" in output
    assert exit_code == 1


async def test_no_daemon_outlives_its_execution(full: Sandbox, tmp_path: Path) -> None:
    script = "setsid nohup sleep 1234 > /dev/null 2>&1 & echo started"
    assert (await shell(full, script, tmp_path)).output == "started\n"
    assert not await below_us()
    assert not await asyncio.to_thread(lambda: list(belonging(-1, b"USER=sandbox\0HOME=" + bytes(tmp_path))))


async def test_no_process_is_left_when_we_are_killed(bubblewrap: Bubblewrap, tmp_path: Path) -> None:
    host = await running("bubblewrap", "Bubblewrap", tmp_path)
    assert await asyncio.to_thread(with_workspace, tmp_path)
    host.send_signal(signal.SIGKILL)
    await host.wait()
    while await asyncio.to_thread(with_workspace, tmp_path):  # noqa: ASYNC110 - the kernel tells nobody
        await asyncio.sleep(0.05)


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_code_ends_soon_after_its_time_when_we_are_killed(tmp_path: Path) -> None:
    def left() -> list[int]:
        return list(belonging(-1, b"HOME=" + bytes(tmp_path) + b"\0"))

    host = await running("unsafe_local", "UnsafeLocal", tmp_path)
    host.send_signal(signal.SIGKILL)
    await host.wait()
    assert await asyncio.to_thread(left)
    while await asyncio.to_thread(left):  # noqa: ASYNC110 - the kernel tells nobody
        await asyncio.sleep(0.2)


async def test_the_sandbox_shows_neither_home_nor_hidden_folders(bubblewrap: Bubblewrap, tmp_path: Path) -> None:
    home = tmp_path / "home"
    await asyncio.to_thread(home.mkdir)
    await asyncio.to_thread((home / "ledger").write_text, "SECRET")
    run, looked = home / "run", f"cat {home}/ledger; ls /usr/share; ls -A /tmp ~; cat /etc/shadow /etc/passwd"
    seen = (await shell(bubblewrap, looked, run)).output
    assert "SECRET" not in seen
    assert "root:" not in seen
    assert "man" in seen
    hiding = Bubblewrap(hidden=(Path("/usr/share"), home))
    assert await shell(hiding, "ls -A /usr/share; touch /usr/share/x || echo refused", run) == ("", 0, "exit")
    assert not await asyncio.to_thread(Path("/usr/share/x").exists)


async def test_the_kernel_s_switches_cannot_be_written(bubblewrap: Bubblewrap, tmp_path: Path) -> None:
    opened = "for f in $(find /proc/sys -type f); do (exec 3>>$f) 2>/dev/null && echo $f; done; true"
    assert await shell(bubblewrap, opened, tmp_path) == ("", 0, "exit")


async def test_only_the_standard_streams_are_open_inside(bubblewrap: Bubblewrap, tmp_path: Path) -> None:
    code = "import os\n[n for n in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{n}')]"
    assert (await python(bubblewrap, code, tmp_path)).output == "['0', '1', '2']\n"


async def test_programs_that_copy_and_unpack_files_work_inside(bubblewrap: Bubblewrap, tmp_path: Path) -> None:
    script = """set -e
cp -p /bin/dash a; cp -a a b; install -m 750 a c; mkdir -m 1777 d; cp -r /usr/share/doc/bash e 2>/dev/null || mkdir e
tar cf f.tar a d; mkdir g; tar xpf f.tar -C g; chmod +t d; mv b h; cat a > i
python3 -c "import shutil; shutil.copy2('a', 'j'); shutil.copytree('g', 'k'); shutil.make_archive('l', 'zip', 'g')"
! chmod u+s a 2>/dev/null; ! chmod 2755 d 2>/dev/null
stat -c %a a c d k/d"""
    assert await shell(bubblewrap, script, tmp_path) == ("755\n750\n1777\n1777\n", 0, "exit")


@pytest.mark.slow
async def test_numpy_pandas_and_matplotlib_work_inside(bubblewrap: Bubblewrap, tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("matplotlib")
    code = (
        "import numpy as np, pandas as pd\nimport matplotlib.pyplot as plt\n"
        "frame = pd.DataFrame({'x': np.arange(3), 'y': [1, 4, 9]})\nframe.plot(x='x')\nplt.savefig('chart.png')\n"
        "frame.to_csv('table.csv')\nint(frame.y.sum())"
    )
    assert await python(bubblewrap, code, tmp_path, replace(SandboxLimits(), wall_s=60)) == ("14\n", 0, "exit")
    assert (await asyncio.to_thread((tmp_path / "chart.png").read_bytes)).startswith(b"\x89PNG")


async def test_a_clear_error_says_so_when_bubblewrap_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(ToolUnavailable, match="not installed"):
        await python(Bubblewrap(program="/nowhere/bwrap"), "1", tmp_path)
    script = tmp_path / "bwrap"
    await asyncio.to_thread(script.write_text, "#!/bin/sh\necho 'No permissions to create new namespace' >&2; exit 1\n")
    await asyncio.to_thread(script.chmod, 0o755)
    with pytest.raises(ToolUnavailable, match="No permissions to create new namespace"):
        await python(Bubblewrap(program=str(script)), "1", tmp_path)


async def test_nothing_is_left_when_the_first_process_cannot_be_held(tmp_path: Path) -> None:
    script = tmp_path / "bwrap"
    source = f"""#!{sys.executable}
import os, sys, time
told = int(sys.argv[sys.argv.index("--info-fd") + 1])
os.write(told, b'{{"child-pid": 5000000}}')  # more than the kernel ever gives
os.close(told)
time.sleep(600)
"""
    await asyncio.to_thread(script.write_text, source)
    await asyncio.to_thread(script.chmod, 0o755)
    with pytest.raises(ToolUnavailable, match="cannot be held"):
        await python(Bubblewrap(program=str(script)), "1", tmp_path / "run")
    assert not await below_us()


async def running(module: str, sandbox: str, folder: Path) -> asyncio.subprocess.Process:
    """Start a process of ours that runs code in a sandbox; returns when the code has begun."""
    code = "import time\nopen('begun', 'w').close()\ntime.sleep(600)"
    program = (
        f"import asyncio, pathlib\nfrom memento.tools.sandbox.{module} import {sandbox}\n"
        "from memento.tools.sandbox.port import SandboxLimits\n"
        f"folder = pathlib.Path({str(folder)!r})\n"
        f"asyncio.run({sandbox}().run('python', {code!r}, folder=folder, limits=SandboxLimits(wall_s=5)))"
    )
    host = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    await until(folder / "begun")
    return host


async def until(path: Path) -> None:
    while not await asyncio.to_thread(path.exists):  # noqa: ASYNC110 - another process makes it
        await asyncio.sleep(0.01)


async def below_us() -> str:
    def look() -> str:
        shown = subprocess.run(["ps", "-o", "pid,cmd", "--ppid", str(os.getpid())], capture_output=True, text=True)
        return "\n".join(line for line in shown.stdout.splitlines()[1:] if " ps -o" not in line)

    return await asyncio.to_thread(look)


def with_workspace(folder: Path) -> list[str]:
    """Find processes that have this folder as their /workspace."""
    place, found = folder.stat(), []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            shown = os.stat(f"/proc/{name}/root/workspace")
        except OSError:
            continue
        if (shown.st_dev, shown.st_ino) == (place.st_dev, place.st_ino):
            found.append(name)
    return found
