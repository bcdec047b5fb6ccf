"""Chooses the sandbox: the one named in the settings, or the best that works; never an unsafe one by default."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal, NamedTuple

from memento.extras import install_command, missing_packages
from memento.tools.errors import ToolError
from memento.tools.sandbox.bubblewrap import Bubblewrap
from memento.tools.sandbox.docker import IMAGE, Docker
from memento.tools.sandbox.e2b import E2B
from memento.tools.sandbox.monty import MontySandbox
from memento.tools.sandbox.port import Execution, Language, Sandbox, SandboxLimits
from memento.tools.sandbox.turns import Turns
from memento.tools.sandbox.unsafe_local import UnsafeLocal

SandboxName = Literal["auto", "bubblewrap", "monty", "docker", "e2b", "unsafe-local"]

MAX_AT_ONCE: Final = 4
_PROBE: Final = "print('it works')"
_PROBE_LIMITS: Final = SandboxLimits(wall_s=10)
_RESTRICTED: Final = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")


class SandboxReport(NamedTuple):
    """Sandbox status as shown by `memento doctor`."""

    status: Literal["ok", "note", "bad"]
    found: str
    fix: str = ""


async def make_sandbox(
    name: SandboxName = "auto",
    *,
    hidden: Sequence[Path] = (),
    image: str = IMAGE,
    container_program: str = "docker",
    e2b_api_key: str | None = None,
    max_at_once: int = MAX_AT_ONCE,
) -> Sandbox:
    """Make the sandbox of this process. `auto` tries bubblewrap once, which takes about a tenth of a second.

    Args:
        name: `auto` is bubblewrap where it works, else Monty.
        hidden: folders that bubblewrap never shows: MEMENTO_HOME, the working directory.
        image: what docker runs.
        container_program: docker, podman or a path.
        e2b_api_key: key of E2B.
        max_at_once: executions at the same time; further ones wait.
    """
    sandbox: Sandbox
    if name == "auto":
        bubblewrap = Bubblewrap(hidden=tuple(hidden))
        sandbox = MontySandbox() if await problem(bubblewrap) else bubblewrap
    elif name == "bubblewrap":
        sandbox = Bubblewrap(hidden=tuple(hidden))
    elif name == "monty":
        sandbox = MontySandbox()
    elif name == "docker":
        sandbox = Docker(image=image, program=container_program)
    elif name == "e2b":
        sandbox = E2B(api_key=e2b_api_key)
    else:
        sandbox = UnsafeLocal()
    return _InTurn(sandbox, Turns(max_at_once))


async def problem(sandbox: Sandbox) -> str | None:
    """Test a sandbox with one line of Python; return what is wrong, or None."""
    folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="memento-probe-")
    try:
        execution = await sandbox.run("python", _PROBE, folder=Path(folder), limits=_PROBE_LIMITS)
    except ToolError as error:
        return str(error)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    works = execution.exit_code == 0 and execution.output.strip() == "it works"
    return None if works else f"it ends with {execution.ended_by} {execution.exit_code}: {execution.output[:300]}"


async def examine_sandbox(
    name: SandboxName = "auto",
    *,
    hidden: Sequence[Path] = (),
    image: str = IMAGE,
    container_program: str = "docker",
    e2b_api_key: str | None = None,
) -> SandboxReport:
    """Report which sandbox is used, why not a better one, and how to fix that. Arguments as in `make_sandbox`."""
    if name == "unsafe-local":
        fix = "unset it unless this machine is thrown away after use; auto chooses a safe one"
        return SandboxReport("note", "unsafe-local: code of a model's making runs as you, unconfined", fix)
    if name == "e2b":
        return _e2b(e2b_api_key)
    if name == "docker":
        wrong = await asyncio.to_thread(Docker(image=image, program=container_program).problem)
        fix = f"start the engine ({container_program} version must show a server), or use auto"
        return SandboxReport("bad", f"docker: {wrong}", fix) if wrong else SandboxReport("ok", f"docker, image {image}")
    if name == "monty":
        return await _monty("ok", "pure Python, no shell, no numpy")
    wrong = await problem(Bubblewrap(hidden=tuple(hidden)))
    if wrong is None:
        return SandboxReport("ok", "bubblewrap")
    if name == "bubblewrap":
        return SandboxReport("bad", wrong, await asyncio.to_thread(_bubblewrap_fix, wrong))
    return await _monty("note", f"no shell and no numpy, because bubblewrap does not work here: {wrong}", wrong)


async def _monty(status: Literal["ok", "note"], found: str, wrong: str = "") -> SandboxReport:
    if missing := missing_packages("tools", ("pydantic_monty",)):
        return SandboxReport("bad", f"monty: {missing}", install_command("tools"))
    if broken := await problem(MontySandbox()):
        return SandboxReport("bad", f"monty: {broken}", "reinstall the package pydantic-monty")
    fix = await asyncio.to_thread(_bubblewrap_fix, wrong) if wrong else ""
    return SandboxReport(status, f"monty: {found}", fix)


def _e2b(api_key: str | None) -> SandboxReport:
    if find_spec("e2b_code_interpreter") is None:
        return SandboxReport("bad", "e2b: not installed", "pip install 'memento-langgraph[e2b]'")
    if not api_key:
        return SandboxReport("bad", "e2b: no key", "set E2B_API_KEY")
    return SandboxReport("ok", "e2b, with a key (not tried: a call would cost)")


def _bubblewrap_fix(wrong: str) -> str:
    """Find the fix for bubblewrap not working."""
    if not os.path.isdir("/proc/self/ns"):
        return "bubblewrap needs Linux; elsewhere docker gives a full Python (MEMENTO_SANDBOX=docker)"
    if shutil.which("bwrap") is None:
        return "apt install bubblewrap (or dnf, pacman, apk: the same name); version 0.8 or newer"
    if "unknown option" in wrong.lower():
        return "install bubblewrap 0.8 or newer; this one is older"
    if _is_restricted():
        return (
            "Ubuntu 24.04 and later let no program make user namespaces unless AppArmor allows it: "
            "sudo apt install apparmor-profiles && sudo ln -s /usr/share/apparmor/extra-profiles/bwrap-userns-restrict "
            "/etc/apparmor.d/ && sudo systemctl reload apparmor"
        )
    if os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv"):
        return (
            "inside a container, its own seccomp profile forbids namespaces: start it with "
            "--security-opt seccomp=unconfined --security-opt systempaths=unconfined, or use monty"
        )
    return "allow user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone=1)"


def _is_restricted() -> bool:
    try:
        return _RESTRICTED.read_text(encoding="ascii").strip() == "1"
    except OSError:
        return False


@dataclass(frozen=True)
class _InTurn:
    """Limits how many executions a sandbox runs at once; waiting does not count against their time."""

    sandbox: Sandbox
    turns: Turns

    @property
    def name(self) -> str:
        return self.sandbox.name

    @property
    def languages(self) -> frozenset[Language]:
        return self.sandbox.languages

    @property
    def packages(self) -> str:
        return self.sandbox.packages

    async def run(self, language: Language, source: str, *, folder: Path, limits: SandboxLimits) -> Execution:
        async with self.turns:
            return await self.sandbox.run(language, source, folder=folder, limits=limits)
