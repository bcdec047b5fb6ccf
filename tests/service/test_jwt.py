"""JWTs of an issuer: accepted when all is right, and refused when anything is not. Keys over loopback HTTP."""

import asyncio
import base64
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from memento.graph.settings import Settings
from memento.memory.errors import InvalidInput
from memento.service.errors import KeysUnreadable, NotAuthenticated
from memento.service.jwt_verifier import JwtVerifier, namespace_in
from memento.service.keys import KeyStore
from tests.loopback_site import Answer, Site, serving
from tests.served_app import served_app

ISSUER, AUDIENCE = "https://issuer.example", "memento"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())


def jwk(key: Any, name: str, **more: Any) -> dict[str, Any]:
    algorithm = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": name, "use": "sig", **more}


SHARED = {"kty": "oct", "kid": "shared", "k": base64.urlsafe_b64encode(b"secret" * 8).decode()}
PUBLISHED = [jwk(RSA, "one"), jwk(EC, "two"), SHARED]


def claims(**changes: Any) -> dict[str, Any]:
    given = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": time.time() + 60} | changes
    return {name: value for name, value in given.items() if value is not None}


def token(key: Any = RSA, algorithm: str = "RS256", name: str | None = "one", **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm=algorithm, headers={"kid": name} if name else None)


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as made:
        made.answers["/jwks"] = Answer(json.dumps({"keys": PUBLISHED}).encode())
        yield made


def settings(site: Site | None = None, **more: Any) -> Settings:
    url = {"jwt_jwks_url": f"{site.url}/jwks"} if site else {}
    return Settings(jwt_issuer=ISSUER, jwt_audience=AUDIENCE, **url, **more)


@pytest.mark.parametrize(
    "made", [{}, {"key": EC, "algorithm": "ES256", "name": "two"}, {"algorithm": "PS512"}, {"aud": ["x", AUDIENCE]}]
)
async def test_a_token_of_the_issuer_has_a_user(site: Site, made: dict[str, Any]) -> None:
    user = await JwtVerifier(settings(site)).user(token(**made))
    assert (user.identity, user.namespace, user.is_authenticated) == ("jwt:alice", "jwt:alice", True)


async def test_the_namespace_is_a_claims_when_one_is_named(site: Site) -> None:
    verifier = JwtVerifier(settings(site, jwt_namespace="tenant"))
    user = await verifier.user(token(tenant="acme"))
    assert (user.identity, user.namespace) == ("jwt:acme/alice", "acme")
    other = await verifier.user(token(tenant="a/b"))
    assert (other.identity, other.namespace) == ("jwt:a%2Fb/alice", "a/b")
    for one in (user, other):
        assert namespace_in(one.identity, settings(site, jwt_namespace="tenant")) == one.namespace
    assert namespace_in("jwt:alice", settings(site, jwt_namespace="tenant")) == ""
    assert namespace_in("jwt:a/b", settings(site)) == "jwt:a/b"
    for tenant in (None, "", " ", 7, ["acme"], "x" * 201, "a\nb"):
        with pytest.raises(NotAuthenticated):
            await verifier.user(token(tenant=tenant))


def _confused() -> str:
    """Signed by HMAC with what is public: the PEM of the issuer's key."""
    pem = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    head = {"alg": "HS256", "typ": "JWT", "kid": "one"}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (head, claims())]
    signed = b".".join(parts)
    return (signed + b"." + base64.urlsafe_b64encode(hmac.digest(pem, signed, "sha256")).rstrip(b"=")).decode()


BAD: dict[str, Any] = {
    "of another issuer": lambda: token(iss="https://other.example"),
    "without an issuer": lambda: token(iss=None),
    "for another audience": lambda: token(aud="other"),
    "without an audience": lambda: token(aud=None),
    "expired": lambda: token(exp=time.time() - 60),
    "without an end": lambda: token(exp=None),
    "not valid yet": lambda: token(nbf=time.time() + 600),
    "without a subject": lambda: token(sub=None),
    "with an empty subject": lambda: token(sub=" "),
    "with a long subject": lambda: token(sub="x" * 500),
    "signed by another key of that name": lambda: token(OTHER),
    "signed by a key that is not published": lambda: token(OTHER, name="three"),
    "without the name of a key, of several": lambda: token(name=None),
    "with a shared secret": lambda: token("secret" * 8, "HS256", "shared"),
    "with the public key as a secret": _confused,
    "of another algorithm than its key": lambda: token(RSA, "RS256", "two"),
    "without a signature": lambda: jwt.encode(claims(), None, algorithm="none", headers={"kid": "one"}),
    "with its signature cut off": lambda: token().rpartition(".")[0] + ".",
    "with another body": lambda: ".".join(
        one.split(".")[n] for n, one in enumerate((token(), token(sub="b"), token()))
    ),
    "that is none": lambda: "a.b.c",
    "that is long": lambda: "a" * 20_000,
    "that is empty": lambda: "",
}


@pytest.mark.parametrize("name", BAD)
async def test_a_token_is_refused(site: Site, name: str) -> None:
    with pytest.raises(NotAuthenticated) as refused:
        await JwtVerifier(settings(site)).user(BAD[name]())
    assert "alice" not in str(refused.value)


async def test_keys_are_asked_for_once_and_again_for_an_unknown_one_at_times_only(site: Site) -> None:
    verifier = JwtVerifier(settings(site))
    await asyncio.gather(*(verifier.user(token()) for _ in range(5)))
    assert len(site.hits) == 1
    for n in range(5):
        with pytest.raises(NotAuthenticated):
            await verifier.user(token(OTHER, name=f"made-up-{n}"))
    assert len(site.hits) == 1, "asked a moment ago"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(b"{}", 500),
        Answer(b"no json"),
        Answer(b"[]"),
        Answer(b"{}"),
        Answer(b"x" * 1_100_000),
        Answer(b"", 302, {"Location": "/elsewhere"}),
    ],
)
async def test_nobody_is_let_in_while_the_keys_cannot_be_had(site: Site, answer: Answer) -> None:
    site.answers["/jwks"] = answer
    site.answers["/elsewhere"] = Answer(json.dumps({"keys": PUBLISHED}).encode())
    verifier = JwtVerifier(settings(site))
    for _ in range(3):
        with pytest.raises(KeysUnreadable):
            await verifier.user(token())
    assert len(site.hits) == 1, "requests do not queue up for an issuer that is down"


async def test_a_public_key_may_lie_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "issuer.pem"
    pem = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    await asyncio.to_thread(file.write_bytes, pem)
    verifier = JwtVerifier(settings(jwt_public_key=file))
    assert (await verifier.user(token())).identity == "jwt:alice"
    for bad in (BAD["with the public key as a secret"], lambda: token(OTHER), lambda: token(EC, "ES256")):
        with pytest.raises(NotAuthenticated):
            await verifier.user(bad())
    await asyncio.to_thread(file.write_bytes, b"no key")
    with pytest.raises(KeysUnreadable, match="MEMENTO_JWT_PUBLIC_KEY"):
        await JwtVerifier(settings(jwt_public_key=file)).user(token())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"jwt_issuer": ISSUER}, "MEMENTO_JWT_AUDIENCE"),
        ({"jwt_issuer": ISSUER, "jwt_audience": "a"}, "MEMENTO_JWT_JWKS_URL"),
    ],
)
def test_settings_are_refused_when_they_do_not_go_together(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        JwtVerifier(Settings(**given))


@pytest.mark.parametrize("url", ["http://issuer.example/jwks", "file:///etc/passwd", "issuer"])
def test_an_address_is_refused_when_it_is_no_https_url(url: str) -> None:
    with pytest.raises(ValueError, match="jwt_jwks_url"):
        Settings(jwt_issuer=ISSUER, jwt_audience=AUDIENCE, jwt_jwks_url=url)


async def test_the_server_takes_keys_and_tokens_beside_each_other(site: Site, tmp_path: Path) -> None:
    key = (await asyncio.to_thread(KeyStore(tmp_path / "keys.json").create, "bob")).secret
    async with served_app(settings(site, home=tmp_path)) as served:
        for shown, status in ((token(), 200), (key, 200), (BAD["expired"](), 401), ("mem_" + "A" * 43, 401)):
            told = await served.get("/memento/health", shown)
            assert told.status_code == status, told.text
            assert ("parts" in told.json()) == (status == 200)
        assert (await served.post("/feedback/tokens", {"event_id": "x"})).status_code == 401
        assert (await served.post("/feedback/tokens", {"event_id": "x"}, token())).status_code == 404
