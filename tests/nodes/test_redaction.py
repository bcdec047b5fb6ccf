"""Secrets are taken out of whatever is shown."""

import base64
import html
import json
import random
import re
import string
from urllib.parse import quote, quote_plus

import pytest

from memento.graph.settings import environment_secrets
from memento.nodes.redaction import make_redact


def test_secrets_are_replaced_wherever_they_stand() -> None:
    redact = make_redact(lambda: ["hunter2-hunter2", "hunter2-hunter2-and-more"])
    assert redact("a hunter2-hunter2-and-more, bhunter2-hunter2c") == "a ***, b***c"


def test_short_ones_stay_because_they_could_be_any_word() -> None:
    assert make_redact(lambda: ["true", ""])("it is true") == "it is true"


def test_text_stays_when_there_are_no_secrets() -> None:
    assert make_redact(None)("text") == "text"


def test_secrets_are_found_when_the_environment_gets_them_later(monkeypatch: pytest.MonkeyPatch) -> None:
    redact = make_redact(environment_secrets)
    assert redact("tvly-0123456789") == "tvly-0123456789"
    monkeypatch.setenv("TAVILY_API_KEY", "tvly-0123456789")
    assert redact("tvly-0123456789") == "***"


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("OPENAI_API_KEY", "sk-0123456789", "sk-0123456789"),
        ("GITHUB_TOKEN", "ghp_0123456789", "ghp_0123456789"),
        ("AWS_SECRET_ACCESS_KEY", "abcd/efgh+ijkl", "abcd/efgh+ijkl"),
        ("db_password", "correct horse", "correct horse"),
        ("MEMENTO_LEDGER_URL", "postgresql+asyncpg://me:s3cr3t-w0rd@db/x", "s3cr3t-w0rd"),
    ],
)
def test_variable_holds_a_secret_when_its_name_or_its_url_says_so(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, secret: str
) -> None:
    monkeypatch.setenv(name, value)
    assert secret in environment_secrets()


def test_variable_is_no_secret_when_nothing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONKEYS", "capuchin monkey")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:8080/v1")
    assert not {"capuchin monkey", "http://localhost:8080/v1"} & set(environment_secrets())


ODD = "p@ss/w0rd+x y=é&z"


@pytest.mark.parametrize(
    "form",
    [
        ODD,
        quote(ODD),
        quote(ODD, safe=""),
        quote_plus(ODD),
        re.sub("%..", lambda found: found[0].lower(), quote(ODD, safe="")),
        quote(quote(ODD, safe=""), safe=""),
        json.dumps(ODD)[1:-1],
        json.dumps(ODD, ensure_ascii=False)[1:-1],
        json.dumps(ODD)[1:-1].replace("/", "\\/"),
        json.dumps(json.dumps(ODD)[1:-1])[1:-1],
        html.escape(ODD),
        ODD.encode().hex(),
        ODD.encode().hex().upper(),
    ],
)
def test_a_secret_is_found_in_every_notation(form: str) -> None:
    assert make_redact(lambda: [ODD])(f"it said: {form}.") == "it said: ***."


@pytest.mark.parametrize("secret", ["hunter2!", "sk-0123456789abcdef", ODD, "ünïcödé-kéy", "~~~~????>>>>"])
@pytest.mark.parametrize("before", ["", "u", "us", "user:"])
@pytest.mark.parametrize("after", ["", "x", "xy", "xyz and more"])
def test_a_secret_is_found_at_every_place_in_base64(secret: str, before: str, after: str) -> None:
    redact = make_redact(lambda: [secret])
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(f"{before}{secret}{after}".encode()).decode()
        for written in (text, text.rstrip("=")):
            shown = redact(f"Authorization: Basic {written} end")
            assert shown.count("***") == 1
            left = len(shown) - len("Authorization: Basic *** end")
            assert left <= 8 * (len(before) + len(after)) // 6 + 3  # what stood beside it, and padding


def test_a_secret_is_found_in_base64_that_is_broken_into_lines() -> None:
    redact = make_redact(lambda: [ODD])
    for n_before in range(40, 60):
        shown = redact(base64.encodebytes(b"x" * n_before + ODD.encode() + b"y" * 90).decode())
        assert shown.count("***") == 1


def test_everyday_words_stay_when_a_variable_holds_one() -> None:
    assert make_redact(lambda: ["disabled", "password"])("the password is disabled") == "the password is disabled"


def test_ordinary_text_stays_when_there_are_many_secrets() -> None:
    draw = random.Random(7)
    secrets = ["".join(draw.choices(string.ascii_letters + string.digits + "+/=-_", k=40)) for _ in range(30)]
    redact = make_redact(lambda: secrets)
    text = base64.b64encode(draw.randbytes(60_000)).decode() + " ".join(draw.choices(["a", "word", "of"], k=20_000))
    assert redact(text) == text
    assert redact(text + secrets[3] + text) == f"{text}***{text}"


@pytest.mark.parametrize(
    ("name", "value"),
    [("OPENAI_API_KEY_2", "sk-second-0123"), ("SLACK_WEBHOOK_URL", "https://hooks.example/services/T0/B0/abcdefgh")],
)
def test_encoded_secrets_of_the_environment_are_masked(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    redact = make_redact(environment_secrets)
    assert redact(f"{quote(value, safe='')} {base64.b64encode(value.encode()).decode()}") == "*** ***"
