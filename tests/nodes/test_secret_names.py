"""Which variables, settings, headers and parameters hold secrets, and what of a value is one."""

import base64

import pytest

from memento.nodes.secret_names import is_secret_name, secrets_in_arguments, secrets_in_urls, secrets_of


@pytest.mark.parametrize(
    "name",
    [
        *(
            "OPENAI_API_KEY",
            "OPENAI_API_KEY_2",
            "OPENAI_KEY_PROD",
            "OPENAI_APIKEY",
            "GOOGLEAPIKEY",
            "API_KEYS",
            "KEY_2",
        ),
        *(
            "GITHUB_TOKEN",
            "GITHUB_TOKEN_OLD",
            "TOKEN1",
            "AWS_SESSION_TOKEN",
            "GH_PAT",
            "JWT",
            "JWT_SECRET",
            "JWTSIGNING",
        ),
        *("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "APP_SECRET_V2", "RSA_PRIVATE_KEY_PEM", "FERNET_KEYS"),
        *("db_password", "DB_PASSWD", "DB_PASS", "PGPASSWORD", "MYSQL_PWD", "POSTGRES_PASSWORD_STAGING"),
        *("SSH_PASSPHRASE", "PASSPHRASE", "SLACK_WEBHOOK_URL", "DISCORD_WEBHOOK", "SENTRY_DSN", "BLOB_SAS_URL"),
        *("AZURE_STORAGE_CONNECTION_STRING", "ConnectionStrings__Default", "AWS_CREDENTIALS", "AUTH", "NPM_AUTH"),
        *("COOKIE", "SESSION_COOKIES", "Authorization", "Proxy-Authorization", "X-Api-Key", "x-goog-api-key", "Cookie"),
        *("tavilyApiKey", "dbPassword", "AccountKey", "SharedAccessKey", "sig", "X-Amz-Signature", "MEMENTO_MCP_TOKEN"),
    ],
)
def test_a_name_holds_a_secret_when_one_of_its_words_says_so(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("KEYBOARD", "KEYBOARD_LAYOUT", "MONKEY", "MONKEYS", "HOTKEY", "SEO_KEYWORDS", "TOKENIZERS_PARALLELISM", ""),
        *("PWD", "OLDPWD", "PATH", "PATTERN", "COMPASS", "BYPASS", "PASSENGER", "AUTHOR", "GIT_AUTHOR_NAME"),
        *("SSH_AUTH_SOCK", "GOOGLE_KEY_FILE", "SSL_CERT_FILE", "XAUTHORITY", "COOKIECUTTER_HOME", "TOKEN_URL"),
        *("MAX_TOKENS", "TOKEN_LIMIT", "TOKEN_BUDGET", "DATABASE_URL", "OPENAI_BASE_URL", "LS_COLORS", "HOME"),
    ],
)
def test_a_name_holds_none_when_it_only_looks_like_it(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("name", "value", "inside"),
    [
        ("DATABASE_URL", "postgresql://me:s3cr3t%2Fw0rd@db/x", ["s3cr3t%2Fw0rd", "s3cr3t/w0rd"]),
        ("CACHE", "redis://:hush-hush@cache:6379/0", ["hush-hush"]),
        ("DB", "postgres://u:pa/ss@word@h/db", ["pa/ss@word"]),
        ("HTTPS_PROXY", "http://ada:lovelace1815@proxy:3128", ["lovelace1815"]),
        ("BACKUP", "https://store.example/c?sv=1&sig=abcdefgh%3D1", ["abcdefgh=1", "abcdefgh%3D1"]),
        ("SEARCH", "https://mcp.example/mcp/?tavilyApiKey=tvly-0123", ["tvly-0123"]),
        ("AZ_CONNECTION_STRING", "AccountName=a;AccountKey=abcDEF123+/==;X=y", ["abcDEF123+/=="]),
        ("DB_DSN", "host=x user=y password='hush hush'", ["hush hush"]),
        ("SENTRY_DSN", "https://0123456789abcdef0123@o1.sentry.example/42", ["0123456789abcdef0123"]),
        ("HOOK_WEBHOOK_URL", "https://hooks.example/services/T0/B0/abcdefghijklmnop", ["abcdefghijklmnop"]),
        ("API_KEYS", "first-key-of-all-1,second-key-of-all", ["first-key-of-all-1", "second-key-of-all"]),
        ("GCP_CREDENTIALS", '{"user": "me", "private_key": "-----B\\nABCDEFGHIJKLMNOPQR\\n"}', ["ABCDEFGHIJKLMNOPQR"]),
        ("Authorization", "Bearer abcdefgh", ["abcdefgh"]),
        ("Authorization", "Basic " + base64.b64encode(b"ada:lovelace1815").decode(), ["lovelace1815"]),
        ("A_KEY", " padded-key\n", ["padded-key"]),
    ],
)
def test_a_secret_is_known_in_part_when_a_value_is_made_of_several(name: str, value: str, inside: list[str]) -> None:
    found = list(secrets_of({name: value}))
    assert set(inside) <= set(found)
    assert (value in found) == is_secret_name(name)


def test_nothing_is_found_when_urls_hold_no_secret() -> None:
    assert list(secrets_of({"A": "http://localhost:8080/v1", "B": "see https://x.example/?q=keys"})) == []
    assert list(secrets_in_urls("mail me@x.example: http://h/p")) == []


def test_arguments_of_a_command_give_their_secrets() -> None:
    arguments = ["--api-key=abc-def-1", "--token", "abc-def-2", "-v", "https://u:abc-def-3@h", "--name", "plain"]
    assert set(secrets_in_arguments(arguments)) == {"abc-def-1", "abc-def-2", "abc-def-3"}
    assert list(secrets_in_arguments([])) == []
