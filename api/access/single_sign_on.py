"""A city's single sign-on: the code flow of OpenID Connect with PKCE (OpenID Connect Core 3.1, RFC 7636).

The provider says who somebody is; what they may do here is ours to say.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple
from urllib.parse import quote, urlencode

import httpx
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from citybrain.settings import Settings

Reason = Literal["unavailable", "refused", "unknown"]

PATIENCE_S = 5.0  # seconds that the provider gets for each answer
FRESH_S = 3600.0  # seconds that its metadata and keys are kept
RENEW_S = 30.0  # seconds between two looks for a key that is not among those we have
SKEW_S = 60  # seconds that its clock may differ from ours

# Signatures with a key that only the provider has: neither none nor those made with a shared secret.
ALGORITHMS = ["RS256", "PS256", "ES256"]


class SignOnError(Exception):
    """Nobody can be signed on: the provider is away, what it sent is not right, or it names somebody unknown here."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class Identity(NamedTuple):
    """Who somebody is, as the provider says; `name` is empty where it does not say."""

    issuer: str
    subject: str
    name: str


@dataclass(frozen=True, slots=True)
class Flow:
    """One sign-on from its begin to its end, which a browser carries as a random secret in a cookie.

    All that must be new and belong together comes from the secret, so that nothing is kept here meanwhile.
    """

    secret: str

    @classmethod
    def new(cls) -> Flow:
        """A flow that nobody can guess."""
        return cls(secrets.token_urlsafe(32))

    @property
    def state(self) -> str:
        """What the provider sends back: only the browser that began has the cookie to it (RFC 6749, 10.12)."""
        return self._derived("state")

    @property
    def nonce(self) -> str:
        """What the ID token holds: it was made for this flow (OpenID Connect Core, 15.5.2)."""
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        """What the code is exchanged with: who stole the code lacks it (RFC 7636)."""
        return self._derived("verifier")

    @property
    def challenge(self) -> str:
        """The digest of the verifier, which the provider is told first."""
        return _unpadded(hashlib.sha256(self.verifier.encode()).digest())

    def _derived(self, name: str) -> str:
        return _unpadded(hashlib.sha256(f"{name} {self.secret}".encode()).digest())


class SingleSignOn:
    """The provider that the settings name."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self.issuer = settings.oidc_issuer
        self._client_id = settings.oidc_client_id
        self._secret_file = settings.oidc_client_secret_file
        self._name_claim = settings.oidc_name_claim
        self._redirect_uri = f"{settings.public_url.rstrip('/')}/api/v1/session/sign-on/callback"
        self._clock = clock
        self._metadata: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._metadata_at = self._keys_at = 0.0

    @property
    def is_configured(self) -> bool:
        """Whether there is a provider."""
        return bool(self.issuer)

    async def address(self, flow: Flow) -> str:
        """Where the browser goes to sign on.

        Raises:
            SignOnError: the provider is away.
        """
        parameters = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "scope": "openid profile",
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": flow.challenge,
            "code_challenge_method": "S256",
        }
        endpoint = await self._endpoint("authorization_endpoint")
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}"

    async def identity(self, code: str, flow: Flow) -> Identity:
        """Who came back with `code`.

        Raises:
            SignOnError: the provider is away, refuses the code, or its ID token is not right.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": flow.verifier,
        }
        secret = self._secret_file.read_text("utf-8").strip() if self._secret_file else ""
        ways = (await self._known()).get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        basic = None
        if secret and "client_secret_basic" in ways:  # both are encoded before they are joined: RFC 6749, 2.3.1
            basic = httpx.BasicAuth(quote(self._client_id, safe=""), quote(secret, safe=""))
        else:
            form |= {"client_id": self._client_id, **({"client_secret": secret} if secret else {})}
        tokens = await self._ask("POST", await self._endpoint("token_endpoint"), data=form, auth=basic)
        claims = await self.claims(str(tokens.get("id_token", "")), flow.nonce)
        name = claims.get(self._name_claim)
        if name is None and "userinfo_endpoint" in await self._known():
            bearer = {"Authorization": f"Bearer {tokens.get('access_token', '')}"}
            said = await self._ask("GET", await self._endpoint("userinfo_endpoint"), headers=bearer)
            if said.get("sub") == claims["sub"]:  # else it is about somebody else: OpenID Connect Core, 5.3.2
                name = said.get(self._name_claim)
        return Identity(self.issuer, claims["sub"], name if isinstance(name, str) else "")

    async def claims(self, id_token: str, nonce: str) -> dict[str, Any]:
        """What an ID token says, after everything that OpenID Connect Core 3.1.3.7 has checked is checked.

        Raises:
            SignOnError: forged, over, for somebody else, for another flow ...
        """
        try:
            token = await self._verified(id_token)
            jwt.JWTClaimsRegistry(
                now=int(self._clock().timestamp()),
                leeway=SKEW_S,
                iss={"essential": True, "value": self.issuer},
                aud={"essential": True, "value": self._client_id},
                azp={"value": self._client_id},
                nonce={"essential": True, "value": nonce},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
            ).validate(token.claims)
        except (JoseError, ValueError) as error:
            raise SignOnError("refused", f"The ID token is not right: {error}") from error
        if isinstance(token.claims["aud"], list) and len(token.claims["aud"]) > 1 and "azp" not in token.claims:
            raise SignOnError("refused", "The ID token is for several parties and does not say for whom it was made.")
        return dict(token.claims)

    async def _verified(self, id_token: str) -> jwt.Token:
        """The token, signed with a key of the provider; a key that we lack is looked for, now and then."""
        keys = await self._key_set(FRESH_S)
        try:
            return jwt.decode(id_token, keys, algorithms=ALGORITHMS)
        except InvalidKeyIdError:
            return jwt.decode(id_token, await self._key_set(RENEW_S), algorithms=ALGORITHMS)

    async def _key_set(self, fresh_s: float) -> KeySet:
        if self._keys is None or time.monotonic() - self._keys_at > fresh_s:
            self._keys = KeySet.import_key_set(await self._ask("GET", await self._endpoint("jwks_uri")))  # type: ignore[arg-type]
            self._keys_at = time.monotonic()
        return self._keys

    async def _endpoint(self, name: str) -> str:
        endpoint = (await self._known()).get(name)
        if not isinstance(endpoint, str):
            raise SignOnError("unavailable", f"The provider's metadata has no {name}.")
        return endpoint

    async def _known(self) -> dict[str, Any]:
        """The provider's metadata (OpenID Connect Discovery, 4)."""
        if not self._metadata or time.monotonic() - self._metadata_at > FRESH_S:
            found = await self._ask("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self.issuer:
                raise SignOnError("unavailable", f"The provider calls itself {found.get('issuer')}, not {self.issuer}.")
            self._metadata, self._metadata_at = found, time.monotonic()
        return self._metadata

    async def _ask(self, method: str, url: str, **how: Any) -> dict[str, Any]:
        try:
            async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
                response = await client.request(method, url, **how)
            document = response.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise SignOnError("unavailable", f"{url} can't be read: {error}") from error
        if not response.is_success or not isinstance(document, dict):
            said = document.get("error", "") if isinstance(document, dict) else ""
            reason: Reason = "unavailable" if response.is_server_error else "refused"
            raise SignOnError(reason, f"{url} answered {response.status_code} {said}.")
        return document


def _unpadded(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
