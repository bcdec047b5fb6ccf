"""Messages of foreign exceptions: one line, short, without keys and passwords."""

import pytest

from memento.memory.reasons import brief_reason, masked, status_of


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://me:pa@ss:w@h:6333/x", "http://***@h:6333/x"),
        ("postgresql+psycopg://me:pw@h/db and http://h", "postgresql+psycopg://***@h/db and http://h"),
        ("http://token@h", "http://***@h"),
        ("http://h/x?api_key=abc&a=1", "http://h/x?api_key=***&a=1"),
        ("http://h/a@b", "http://h/a@b"),
        ("mail me@example.com", "mail me@example.com"),
    ],
)
def test_passwords_in_urls_are_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_a_reason_is_one_short_line_without_keys() -> None:
    long = brief_reason(ValueError("first\n  second " + "x" * 500))
    assert long.startswith("first second x")
    assert len(long) == 300
    assert brief_reason(ValueError("Incorrect key sk-abcdef123456 at http://me:pw@h/v1")) == (
        "Incorrect key sk-*** at http://***@h/v1"
    )
    assert brief_reason(ValueError("the secret word"), lambda text: text.replace("secret", "***")) == "the *** word"


def test_the_status_is_found_in_any_librarys_exception() -> None:
    error = RuntimeError("x")
    assert status_of(error) is None
    error.response = type("Response", (), {"status_code": 413})()  # type: ignore[attr-defined]
    assert status_of(error) == 413
    error.status_code = "500"  # type: ignore[attr-defined]
    assert status_of(error) == 413
