"""Fixtures of a ledger on each database; a test module offers them by importing both."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from memento.memory.ledger.ledger import Ledger
from tests.memories import schema


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a ledger can be made."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new' / 'ledger.sqlite'}"
    else:
        with schema(request.getfixturevalue("postgres_url")) as found:
            yield found


@pytest.fixture
async def ledger(url: str) -> AsyncIterator[Ledger]:
    """An open ledger."""
    async with Ledger(url) as opened:
        yield opened
