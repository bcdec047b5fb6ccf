"""Parsers run in a child process that is short of everything and can be killed."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from memento.tools.confined import MAX_RESULT_BYTES, confined
from memento.tools.errors import TookTooLong, ToolInputError


async def shell(command: str, **options: float) -> str:
    output = await confined("subprocess:getoutput", {"cmd": command}, **options)  # type: ignore[arg-type]
    assert isinstance(output, str)
    return output


async def test_the_result_comes_back_when_the_function_returns(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    await asyncio.to_thread(path.write_text, '{"a": [1, "\u00fc"]}')
    with await asyncio.to_thread(path.open, "rb") as file:
        assert await confined("json:load", {}, files=[file]) == {"a": [1, "\u00fc"]}


@pytest.mark.parametrize("broken", ["{", "\0", "[" * 100_000])
async def test_a_clear_error_comes_back_when_the_function_raises_or_dies(broken: str) -> None:
    with pytest.raises(ToolInputError, match="damaged, or not what its name says"):
        await confined("json:loads", {"s": broken})


async def test_a_clear_error_comes_back_when_the_child_dies_or_its_result_is_no_json() -> None:
    for function in ("os:abort", "os:getcwdb"):
        with pytest.raises(ToolInputError, match="cannot be read"):
            await confined(function, {})


async def test_the_child_sees_no_secret_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    seen = await shell("env; cat /proc/self/environ /proc/$PPID/environ")
    assert "LANG" in seen
    assert "sk-secret" not in seen


async def test_memory_is_refused_when_the_child_wants_too_much() -> None:
    with pytest.raises(ToolInputError, match="too much memory"):
        await confined("builtins:bytearray", {"source": 2_000_000_000})


async def test_nothing_is_written_by_the_child(tmp_path: Path) -> None:
    await shell(f"trap '' XFSZ; echo x > {tmp_path}/new")
    assert not await asyncio.to_thread((tmp_path / "new").read_bytes)


async def test_a_result_is_refused_when_it_is_too_long() -> None:
    with pytest.raises(ToolInputError, match="too much in it"):
        await shell(f"head -c {MAX_RESULT_BYTES + 1} /dev/zero | tr '\\0' x")


async def test_no_more_is_kept_than_a_result_may_have_when_the_child_never_stops() -> None:
    with pytest.raises(ToolInputError, match="too much in it"):
        await shell(f"exec cat /dev/zero > /proc/{'$PPID'}/fd/1")
    assert await _are_gone("/dev/zero")


async def test_no_process_is_left_when_the_time_is_over() -> None:
    with pytest.raises(TookTooLong, match="within 1 s"):
        await shell("sleep 62.5 & sleep 62.5", timeout_s=1.0)
    assert await _are_gone("62.5")


async def test_no_process_is_left_when_the_caller_is_cancelled() -> None:
    task = asyncio.create_task(shell("exec sleep 61.5"))
    await asyncio.sleep(0.5)
    assert await _sleepers("61.5")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await _are_gone("61.5")


async def _are_gone(marker: str) -> bool:
    """Whether they are, within ten seconds: what was killed may still wait for a core to die on."""
    for _ in range(200):
        if not await _sleepers(marker):
            return True
        await asyncio.sleep(0.05)
    return False


async def _sleepers(marker: str) -> str:
    def look() -> str:
        return subprocess.run(["pgrep", "-f", f"sleep {marker}"], capture_output=True, text=True, check=False).stdout

    return await asyncio.to_thread(look)
