"""Secrets that nobody has named are known by their shape, and everyday text stays as it is."""

import pytest

from memento.nodes.secret_shapes import redact_shapes

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcDEF123"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIabc\nMIIdef\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("export OPENAI_API_KEY=abcd1234efgh", "abcd1234efgh"),
        ("PASSWORD=correcthorsebattery", "correcthorsebattery"),
        ('{"password": "hunter2hunter2"}', "hunter2hunter2"),
        ('{\\"apiKey\\": \\"abcdefgh-ijkl\\"}', "abcdefgh-ijkl"),
        ("api_token: abcdefgh12", "abcdefgh12"),
        ("deploy --token abcdefgh1234 --port 80", "abcdefgh1234"),
        ("curl -H 'Authorization: Bearer abcdefghijklmnop12'", "abcdefghijklmnop12"),
        ("git clone https://me:hunter2hunter2@example.org/x", "hunter2hunter2"),
        ("key sk-proj-abcdefghijklmnop", "sk-proj-abcdefghijklmnop"),
        ("ghp_" + "a1B2" * 9, "ghp_" + "a1B2" * 9),
        ("AKIAABCDEFGHIJKLMNOP", "AKIAABCDEFGHIJKLMNOP"),
        (f"cookie {JWT};", JWT),
        (PEM, "MIIabc"),
        (PEM[:50], "MIIabc"),
    ],
)
def test_a_secret_is_found(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in redact_shapes(text)
    assert "***" in redact_shapes(text)


@pytest.mark.parametrize(
    "text",
    [
        "the key: understanding the problem",
        "max_tokens=100000000",
        "api_key=$OPENAI_API_KEY",
        "token = os.environ['TOKEN_OF_MINE']",
        "password: str = Field(default=None)",
        "def sort(rows, key=operator.itemgetter(1)): ...",
        "https://example.org/a/b?page=12345678",
        "task-force, risk-averse, disk-0123456789",
        "primary_key=identifier_column",
        "commit 0123456789abcdef0123456789abcdef01234567",
    ],
)
def test_everyday_text_stays(text: str) -> None:
    assert redact_shapes(text) == text


@pytest.mark.parametrize("piece", ["a", "a=", "eyJ", "sk-", "://:", "x://a:", "--a ", "-----BEGIN PRIVATE KEY-----"])
def test_no_text_takes_long(piece: str) -> None:
    assert redact_shapes(piece * (200_000 // len(piece)))
