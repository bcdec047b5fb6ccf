"""What happens when an environment's process crashes, hangs, or its parent dies. With real games."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from memento.evals.environments import registry
from memento.evals.environments.pool import EnvironmentPool
from memento.evals.environments.registry import environment_names, find_environment, open_program
from memento.evals.environments.remote import RemoteEnvironment
from memento.memory.errors import InvalidInput
from memento.nodes.acting.environment import EnvironmentFailed
from memento.nodes.state import Run
from tests.conftest import ROOT

needs_games = [
    pytest.mark.skipif(not find_spec("textworld_express"), reason="needs the extra `environments`"),
    pytest.mark.skipif(not shutil.which("java"), reason="needs Java"),
]
KEY = "coin/train/1"


@pytest.fixture
async def environment() -> AsyncIterator[RemoteEnvironment]:
    environment = open_program("textworldexpress", limit_s=2.0)
    yield environment
    await environment.close()


def members(group: int) -> list[int]:
    """The processes of a group that have not ended."""
    found = subprocess.run(["ps", "-eo", "pid,pgid,stat"], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in found.splitlines()[1:]]
    return [int(pid) for pid, of, status in rows if int(of) == group and not status.startswith("Z")]


def gone(group: int) -> bool:
    """Whether a process group ends within a while."""
    end = time.monotonic() + 10
    while members(group) and time.monotonic() < end:
        time.sleep(0.02)
    return not members(group)


class TestAGame:
    pytestmark = needs_games

    @pytest.mark.allow_blocking("waits for processes")
    @pytest.mark.parametrize(
        "number",
        [
            pytest.param(signal.SIGKILL, id="crash"),
            pytest.param(signal.SIGSTOP, id="hang", marks=pytest.mark.slow),  # waits for the limit
        ],
    )
    async def test_a_crash_or_hang_is_a_failure_and_the_next_reset_starts_afresh(
        self, environment: RemoteEnvironment, number: signal.Signals
    ) -> None:
        first = await environment.reset(KEY)
        group = environment.pid
        assert group is not None
        assert len(members(group)) == 2  # the child and its JVM
        os.kill(group, number)
        with pytest.raises(EnvironmentFailed, match=KEY):
            await environment.step("move north")
        assert gone(group)
        with pytest.raises(EnvironmentFailed, match="reset starts it afresh"):
            await environment.step("move north")
        assert await environment.reset(KEY) == first

    @pytest.mark.slow
    @pytest.mark.allow_blocking("waits for processes")
    async def test_a_crash_of_the_jvm_is_a_failure(self, environment: RemoteEnvironment) -> None:
        await environment.reset(KEY)
        group = environment.pid
        assert group is not None
        (jvm,) = set(members(group)) - {group}
        os.kill(jvm, signal.SIGKILL)
        with pytest.raises(EnvironmentFailed, match="textworldexpress failed"):
            await environment.step("move north")
        assert gone(group)

    @pytest.mark.slow
    @pytest.mark.allow_blocking("waits for processes")
    async def test_a_cancelled_step_is_not_the_answer_of_the_next(self, environment: RemoteEnvironment) -> None:
        first = await environment.reset(KEY)
        step = asyncio.ensure_future(environment.step("move north"))
        await asyncio.sleep(0)
        step.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await step
        assert await environment.reset(KEY) == first

    @pytest.mark.slow
    def test_nothing_is_left_when_the_parent_is_killed(self, tmp_path: Path) -> None:
        code = (
            "import asyncio\n"
            "from memento.evals.environments.registry import open_program\n"
            "async def main():\n"
            "    environment = open_program('textworldexpress')\n"
            f"    await environment.reset({KEY!r})\n"
            "    print(environment.pid, flush=True)\n"
            "    await asyncio.sleep(600)\n"
            "asyncio.run(main())\n"
        )
        command = [sys.executable, "-P", "-c", code]
        variables = os.environ | {"TMPDIR": str(tmp_path)}
        parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=variables)
        assert parent.stdout is not None
        group = int(parent.stdout.readline())
        assert len(members(group)) == 2
        assert len(list(tmp_path.glob("memento-*"))) == 1
        parent.kill()
        parent.wait()
        parent.stdout.close()
        assert gone(group)
        assert list(tmp_path.glob("memento-*")) == []

    @pytest.mark.slow
    async def test_an_environment_goes_back_to_the_pool_after_it_has_failed(self) -> None:
        run: Run = {"task": KEY}  # type: ignore[typeddict-item]
        async with EnvironmentPool([find_environment("coin")]) as pool:
            async with pool.source(run) as environment:
                first = await environment.reset(KEY)
                assert isinstance(environment, RemoteEnvironment)
                os.killpg(environment.pid or 0, signal.SIGKILL)
                with pytest.raises(EnvironmentFailed):
                    await environment.step("move north")
            async with pool.source(run) as again:
                assert again is environment
                assert await again.reset(KEY) == first

    @pytest.mark.slow
    @pytest.mark.allow_blocking("waits for processes")
    async def test_a_run_fails_and_nothing_is_left_when_the_pool_is_closed_under_it(self) -> None:
        pool = EnvironmentPool([find_environment("coin")])
        groups = []
        async with pool.lend(KEY) as environment:
            assert isinstance(environment, RemoteEnvironment)
            await environment.reset(KEY)
            groups.append(environment.pid or 0)
            os.kill(groups[0], signal.SIGSTOP)  # so that the step waits
            step = asyncio.ensure_future(environment.step("move north"))
            await asyncio.sleep(0.05)
            await pool.close()
            with pytest.raises(EnvironmentFailed):
                await step
            await environment.reset(KEY)
            groups.append(environment.pid or 0)
        assert all(gone(group) for group in groups)


async def test_a_pool_refuses_what_it_does_not_have() -> None:
    with pytest.raises(InvalidInput, match="size must be at least 1"):
        EnvironmentPool([], size=0)
    pool = EnvironmentPool([find_environment("twc")])
    with pytest.raises(InvalidInput, match="keys begin with one of: twc"):
        await pool.describe(KEY)
    await pool.close()
    with pytest.raises(InvalidInput, match="is closed"):
        await pool.describe("twc/train/1")


def test_an_unknown_environment_is_refused_with_the_names() -> None:
    with pytest.raises(InvalidInput, match=", ".join(environment_names())):
        find_environment("chess")


async def test_without_java_the_command_that_installs_it_is_named(
    environment: RemoteEnvironment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("textworld_express", reason="needs the extra `environments`")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentFailed, match="apt-get install default-jre-headless"):
        await environment.reset(KEY)


@pytest.mark.slow
def test_importing_the_registry_imports_no_environment() -> None:
    code = (
        f"import sys, {registry.__name__} as r; r.find_environment('scienceworld').keys('test'); "
        "print(sys.modules.keys() & {'py4j', 'minigrid', 'textworld_express', 'scienceworld'})"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "set()"
