"""A file opened in a thread is closed when nobody waits for it any more."""

import asyncio
import threading
from pathlib import Path
from typing import BinaryIO

import pytest

from memento.tools.file_handoff import open_in_thread


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "file").write_bytes(b"text")
    return tmp_path / "file"


async def test_file_is_closed_when_the_wait_is_cancelled_before_it_is_open(path: Path) -> None:
    may_open, has_opened = threading.Event(), threading.Event()
    files: list[BinaryIO] = []

    def slowly() -> BinaryIO:
        may_open.wait(10)
        files.append(path.open("rb"))
        has_opened.set()
        return files[0]

    waiting = asyncio.create_task(open_in_thread(slowly))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    may_open.set()
    assert await asyncio.to_thread(has_opened.wait, 10)
    for _ in range(500):
        if files[0].closed:
            break
        await asyncio.sleep(0.01)

    assert files[0].closed


async def test_file_is_handed_over_when_somebody_waits(path: Path) -> None:
    with await open_in_thread(path.open, "rb") as file:
        assert await asyncio.to_thread(file.read) == b"text"
