"""Verifies JSON Web Tokens of one issuer: signature, issuer, audience, times. Signatures by public keys only.

The issuer's keys come from its JWKS address, which is the only one that is asked, or from a PEM file.
"""

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

import httpx

from memento.extras import optional_imports
from memento.graph.settings import Settings
from memento.memory.errors import InvalidInput
from memento.memory.namespaces import checked_namespace
from memento.service.errors import KeysUnreadable, NotAuthenticated
from memento.service.users import MAX_IDENTITY, ServiceUser

if TYPE_CHECKING:
    from jwt import PyJWK

JWT_PREFIX: Final = "jwt:"
"""Of the identities of tokens' users; no key's user is called so."""
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Those with a private and a public key. A shared secret, or none, would let a token be signed with what is public."""
_LEEWAY_S: Final = 30
_KEPT_S: Final = 600.0
"""How long the issuer's keys are used without asking again; a key that it has withdrawn is accepted so long."""
_ASKED_AGAIN_S: Final = 30.0
"""Between two questions for an unknown key: tokens with made-up names of keys cannot make us ask more often."""
_TRIED_AGAIN_S: Final = 5.0
"""After the keys could not be had: requests do not wait for an issuer that is down one after the other."""
_MAX_TOKEN: Final = 16_384
_MAX_KEYS: Final = 1_000_000
_TIMEOUT_S: Final = 10.0


class JwtVerifier:
    """Turns a token into its user. Use it from one event loop."""

    def __init__(self, settings: Settings) -> None:
        """Check the settings; asks nobody.

        Raises:
            InvalidInput: an audience or the keys are missing, or PyJWT is not installed.
        """
        with optional_imports("server", "JWTs cannot be verified", InvalidInput):
            import jwt  # noqa: F401
        if settings.jwt_issuer is None or settings.jwt_audience is None:
            raise InvalidInput("MEMENTO_JWT_ISSUER and MEMENTO_JWT_AUDIENCE go together: set both")
        if (settings.jwt_jwks_url is None) == (settings.jwt_public_key is None):
            raise InvalidInput("set MEMENTO_JWT_JWKS_URL or MEMENTO_JWT_PUBLIC_KEY: where the issuer's keys are")
        self._issuer, self._audience = settings.jwt_issuer, settings.jwt_audience
        self._url, self._file = settings.jwt_jwks_url, settings.jwt_public_key
        self._claim = settings.jwt_namespace
        self._keys: dict[str | None, Any] = {}
        self._asked_at = self._failed_at = float("-inf")
        self._asking = asyncio.Lock()

    async def user(self, token: str) -> ServiceUser:
        """Verify a token and return its user.

        Raises:
            NotAuthenticated: it is not valid; the message says why, without any of it.
            KeysUnreadable: the issuer's keys cannot be had now.
        """
        import jwt

        if len(token) > _MAX_TOKEN:
            raise NotAuthenticated("the JWT is too long")
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError as error:
            raise NotAuthenticated("neither a valid key nor a JWT was given") from error
        algorithm, name = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS:
            raise NotAuthenticated(f"a JWT must be signed with one of: {', '.join(ALGORITHMS)}")
        key = await self._key(name if isinstance(name, str) else None)
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=self._issuer,
                audience=self._audience,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise NotAuthenticated(f"the JWT is not valid: {type(error).__name__}") from error
        return self._user_of(claims)

    def _user_of(self, claims: dict[str, Any]) -> ServiceUser:
        subject = claims["sub"]
        if not isinstance(subject, str) or not subject.strip() or len(subject) > MAX_IDENTITY:
            raise NotAuthenticated(f"the JWT's subject is not a text of 1 to {MAX_IDENTITY} characters")
        identity = f"{JWT_PREFIX}{subject}"
        namespace = claims.get(self._claim) if self._claim else identity
        if not isinstance(namespace, str):
            raise NotAuthenticated(f"the JWT has no text in the claim {self._claim!r}, which names the namespace")
        if self._claim:  # the same subject of another tenant is another owner
            identity = f"{JWT_PREFIX}{quote(namespace, safe='')}/{subject}"
        try:
            return ServiceUser(identity=identity, namespace=checked_namespace(namespace), kind="jwt")
        except InvalidInput as error:
            raise NotAuthenticated(f"the JWT's user cannot have a namespace: {error}") from error

    async def _key(self, name: str | None) -> Any:
        """The issuer's key of this name; a token without a name is tried with the only key that there is."""
        async with self._asking:
            age = time.monotonic() - self._asked_at
            if age > _KEPT_S or (self._found(name) is None and age > _ASKED_AGAIN_S):
                await self._renew()
            found = self._found(name)
        if found is None:
            raise NotAuthenticated("the JWT was signed with a key that its issuer does not publish")
        return found

    async def _renew(self) -> None:
        if time.monotonic() - self._failed_at < _TRIED_AGAIN_S:
            raise KeysUnreadable("the issuer's keys could not be read a moment ago; try again")
        try:
            self._keys = await self._ask()
        except KeysUnreadable:
            self._failed_at = time.monotonic()
            raise
        self._asked_at = time.monotonic()

    def _found(self, name: str | None) -> Any:
        if self._file is not None or (name is None and len(self._keys) == 1):
            return next(iter(self._keys.values()), None)
        return self._keys.get(name)

    async def _ask(self) -> dict[str | None, Any]:
        import jwt

        if self._file is not None:
            try:
                pem = await asyncio.to_thread(self._file.read_bytes)
                from cryptography.hazmat.primitives.serialization import load_pem_public_key

                return {None: load_pem_public_key(pem)}
            except (OSError, ValueError) as error:
                raise KeysUnreadable(f"MEMENTO_JWT_PUBLIC_KEY cannot be read as a public PEM key: {error}") from error
        try:
            published = jwt.PyJWKSet.from_dict(await self._published())
        except (httpx.HTTPError, jwt.PyJWTError, ValueError, TypeError, AttributeError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise KeysUnreadable(f"the issuer's keys cannot be read ({reason[:200]}); try again") from error
        return {key.key_id: key.key for key in published.keys if _is_public(key)}

    async def _published(self) -> dict[str, Any]:
        content = b""
        async with (
            httpx.AsyncClient(timeout=_TIMEOUT_S, follow_redirects=False) as client,
            client.stream("GET", str(self._url), headers={"Accept": "application/json"}) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise ValueError(f"it answered {response.status_code}")
            async for part in response.aiter_bytes():
                content += part
                if len(content) > _MAX_KEYS:
                    raise ValueError("it is too long")
        found = json.loads(content)
        if not isinstance(found, dict):
            raise TypeError("it is no key set")
        return found


def namespace_in(identity: str, settings: Settings) -> str:
    """Return the namespace of a token's user by the identity alone; empty where the identity is of other settings."""
    if not settings.jwt_namespace:
        return identity
    namespace, slash, _ = identity.removeprefix(JWT_PREFIX).partition("/")
    return unquote(namespace) if slash else ""


def _is_public(key: "PyJWK") -> bool:
    """Whether a published key is one of a pair, for signatures: a shared secret in a key set is none to trust."""
    return key.key_type in ("RSA", "EC", "OKP") and key.public_key_use in (None, "sig")
