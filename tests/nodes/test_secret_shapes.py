"""Secrets are masked by their shape, wherever and however they are written; other words stay."""

import json

import pytest

from memento.nodes.secret_shapes import without_secret_shapes

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow0123456789\nabcdefghij\n-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
SECRETS = {
    "sk-proj-Abc123Def456Ghi789": "OPENAI is {}",
    "sk-ant-REDACTED": "{}",
    "ghp_0123456789abcdefABCDEF0123456789abcd": "git push https://{}@github.com/a/b",
    "AKIAIOSFODNN7EXAMPLE": "id {} ok",
    "lsv2_pt_0123456789abcdef0123456789abcdef_0123456789": "langsmith {}",
    "xoxb-123456789012-abcdefghij": "slack {}",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv": "?key={}",
    JWT: "cookie {}",
    "MIIEow0123456789": "-----BEGIN RSA PRIVATE KEY-----\n{}\nabcdefghij\n-----END RSA PRIVATE KEY-----",
    "MIIEpQ9876543210": "-----BEGIN PRIVATE KEY-----\\n{}",
    "hunter2hunter2": "export DB_PASSWORD={} && run",
    "tr0ub4dor": '{{"password": "{}", "user": "me"}}',
    "correct horse battery": "password='{}'",
    "s3cr3tpw": "postgres://bob:{}@db.example/app",
    "p/w@rd:x": "postgres://bob:{}@db.example/app",
    "0123456789abcdef": "curl -H 'x-api-key: {}' https://a.example",
    "abc.DEF-123456789": "Authorization: Bearer {}",
    "dXNlcjpwYXNzd29yZDE=": "Authorization: Basic {}",
    "zq81mmfk": "psql --password {} -h db",
    "T0000/B0000/XXXXabcd1234": "https://hooks.slack.com/services/{}",
    "abcdef0123": "GET https://a.example/x?access_token={}&page=2",
    "unended secret": 'api_key: "{}',
}


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_secret_is_masked_also_in_json_within_json(secret: str, level: int) -> None:
    text = f"before {SECRETS[secret].format(secret)} after"
    for _ in range(level):
        text = json.dumps({"command": text})
    masked = without_secret_shapes(text)
    assert secret not in masked
    assert json.dumps(secret)[1:-1] not in masked
    assert "before" in masked
    assert without_secret_shapes(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "The token: a unit of text",
        "max_tokens: 4096000, keyword=something, monkey=business",
        'api_key = os.environ["OPENAI_API_KEY"]',
        "password: string",
        "KeyError: 'capital'",
        '{"key": "correctness", "primary_key": "identifier"}',
        "Basic understanding of bearer authentication is needed",
        "http://localhost:8080/users/@me",
        "git commit -m 'password reset works'",
        "task-12345678901234567890 and risk-averse",
        "see --token-limit 4096000",
        "secret: ***",
    ],
)
def test_other_text_stays(text: str) -> None:
    assert without_secret_shapes(text) == text


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    [
        "a",
        '"',
        "\\",
        "a=",
        "://",
        "-----BEGIN PRIVATE KEY-----",
        'password="',
        "a:b@",
        "--a ",
        "eyJ",
        "://a:",
        "token='",
        "\n",
    ],
)
def test_a_hostile_text_takes_linear_time(piece: str) -> None:
    """Quadratic it would take minutes, and run into the suite's limit."""
    without_secret_shapes(piece * (400_000 // len(piece)))
