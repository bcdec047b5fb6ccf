"""Memories for tests: where they can live, and a few lines to fill them."""

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from memento.memory.case import Case
from memento.memory.case_memory import CaseMemory
from memento.memory.interchange import ParsedLine, read_cases
from tests.hashing_encoder import HashingEncoder
from tests.wire_shim import WireShim

CAPITALS = ("Peru", "Chile", "Kenya", "Ghana", "Nepal", "Oman", "Fiji", "Malta")


@dataclass
class Place:
    """Somewhere a bank lives; every memory made here sees the same bank."""

    name: str
    arguments: dict[str, Any]
    shim: WireShim | None = None
    encoder: HashingEncoder = field(default_factory=HashingEncoder)

    @property
    def is_kept(self) -> bool:
        return self.arguments["location"] != ":memory:"

    def memory(self, **changes: Any) -> CaseMemory:
        """One that draws the same lots in every run."""
        given = {"encoder": self.encoder, "policy": "similarity", "seed": 0, **self.arguments, **changes}
        return CaseMemory.open(given.pop("location"), **given)


@contextmanager
def place(name: str, folder: Path, postgres_url: str = "") -> Iterator[Place]:
    if name == ":memory:":
        yield Place(name, {"location": ":memory:"})
    elif name == "folder":
        yield Place(name, {"location": folder})
    elif name == "server":
        with WireShim() as shim:
            yield Place(name, {"location": shim.url, "home": folder}, shim)
    else:
        with schema(postgres_url) as url:
            yield Place(name, {"location": folder, "ledger_url": url})


@contextmanager
def schema(postgres_url: str) -> Iterator[str]:
    """The URL of an empty schema of its own."""
    import psycopg  # of an extra: the tests of the base install use this module, too

    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}".encode())
        yield f"{postgres_url}?options=-csearch_path%3D{name}"
        connection.execute(f"DROP SCHEMA {name} CASCADE".encode())


def question(number: int) -> str:
    return f"What is the capital of {CAPITALS[number % len(CAPITALS)]} number {number} ?"


async def filled(memory: CaseMemory, n: int, *, start: int = 0, **fields: Any) -> list[str]:
    """Write n cases; their ids."""
    ids = []
    for number in range(start, start + n):
        given = {"state": question(number), "action": f"plan {number}", "reward": float(number % 2), **fields}
        ids.append(await memory.write(**given))
    assert all(ids)
    return [case_id for case_id in ids if case_id]


async def served(memory: CaseMemory, query: str, **fields: Any) -> set[str]:
    """Ids of the cases that a wide read serves."""
    reading = await memory.read(query, **{"k": 64, **fields})
    return {scored.case.id for scored in reading.cases}


async def failing_bank(memory: CaseMemory, query: str, *, k: int = 4) -> None:
    """Fail until the memory would rather leave a slot empty than serve one of its cases for `query`."""
    await filled(memory, 12, reward=0.0)
    for number in range(60):
        state = f"What is the capital of land {number}?"
        reading = await memory.read(state, k=k)
        await memory.write(state=state, action=f"guess {number}", reward=0.0, event_id=reading.event_id)
        await memory.settle()
        slots = (await memory.read(query, k=k)).slots
        if any(slot.case_id is None for slot in slots[: k - 1]):  # the last one may hold anything
            return
    raise AssertionError("sixty failures, and every slot is still filled")


def imported_line(line: str, *, namespace: str = "default") -> ParsedLine:
    """What a file of this one line is read as."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        file.write(line)
        file.flush()
        (read,) = read_cases(Path(file.name), namespace=namespace)
    return read


def imported_case(line: str, *, namespace: str = "default") -> Case:
    """The case of a line that is one."""
    read = imported_line(line, namespace=namespace)
    assert read.case is not None, read.problem
    return read.case
