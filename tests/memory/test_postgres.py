"""The throw-away Postgres starts and answers, so a ledger test that fails on it is about the ledger."""

import psycopg
import pytest

pytestmark = pytest.mark.slow


async def test_database_answers_when_started(postgres_url: str) -> None:
    url = postgres_url.replace("postgresql+psycopg", "postgresql")
    async with await psycopg.AsyncConnection.connect(url) as connection:
        row = await (await connection.execute("SELECT current_setting('fsync'), inet_server_addr()::text")).fetchone()
    assert row == ("off", "127.0.0.1/32")
