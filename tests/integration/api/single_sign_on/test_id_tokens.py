"""ID tokens that are forged, over, or meant for others: none of them says who somebody is."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key, KeySet, RSAKey

from api.access import single_sign_on
from api.access.single_sign_on import SignOnError, SingleSignOn
from citybrain.settings import Settings

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
NONCE = "nonce of this flow"


OURS, OTHER = (RSAKey.generate_key(2048, {"kid": kid}) for kid in ("ours", "other"))


class Provider:
    """Metadata and keys over HTTP; the keys are ours, so we can sign what no provider would."""

    def __init__(self) -> None:
        self.keys = KeySet([OURS])
        self.asked = 0
        self.said: dict[str, Any] = {}
        outer = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += self.path == "/jwks"
                document = outer.keys.as_dict() if self.path == "/jwks" else outer.metadata()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(document).encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"

    def metadata(self) -> dict[str, Any]:
        return {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks", **self.said}

    def claims(self, **others: Any) -> dict[str, Any]:
        claims = {
            "iss": self.issuer,
            "aud": "citybrain",
            "sub": "17",
            "nonce": NONCE,
            "iat": SECONDS,
            "exp": SECONDS + 300,
            **others,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, key: Key | None = None, header: dict[str, Any] | None = None, **others: Any) -> str:
        key = key or self.keys.keys[0]
        header = {"alg": "RS256", "kid": key.kid, **(header or {})}
        return jwt.encode(header, self.claims(**others), key, algorithms=[header["alg"]])


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    provider = Provider()
    thread = threading.Thread(target=provider.server.serve_forever)
    thread.start()
    try:
        yield provider
    finally:
        provider.server.shutdown()
        provider.server.server_close()
        thread.join()


@pytest.fixture
def sign_on(provider: Provider) -> SingleSignOn:
    chosen = Settings(oidc_issuer=provider.issuer, oidc_client_id="citybrain", public_url="https://citybrain.test")
    return SingleSignOn(chosen, lambda: NOW)


def read(sign_on: SingleSignOn, token: str) -> dict[str, Any]:
    return asyncio.run(sign_on.claims(token, NONCE))


def test_a_token_of_the_provider_is_believed(provider: Provider, sign_on: SingleSignOn) -> None:
    assert read(sign_on, provider.token())["sub"] == "17"
    assert read(sign_on, provider.token(aud=["citybrain"]))["sub"] == "17"
    assert read(sign_on, provider.token(aud=["citybrain", "other"], azp="citybrain"))["sub"] == "17"


@pytest.mark.parametrize(("exp", "iat"), [(SECONDS - 59, SECONDS - 300), (SECONDS + 300, SECONDS + 59)])
def test_its_clock_may_be_a_minute_off(provider: Provider, sign_on: SingleSignOn, exp: int, iat: int) -> None:
    assert read(sign_on, provider.token(exp=exp, iat=iat))


@pytest.mark.parametrize(
    "others",
    [
        {"exp": SECONDS - 61},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": SECONDS + 61},
        {"iat": None},
        {"nbf": SECONDS + 61},
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"aud": "other"},
        {"aud": ["other"]},
        {"aud": None},
        {"aud": ["citybrain", "other"]},
        {"aud": ["citybrain", "other"], "azp": "other"},
        {"azp": "other"},
        {"nonce": "of another flow"},
        {"nonce": None},
        {"sub": None},
        {"sub": 17},
        {"sub": ""},
    ],
    ids=str,
)
def test_what_is_signed_and_yet_not_for_us_is_refused(
    provider: Provider, sign_on: SingleSignOn, others: dict[str, Any]
) -> None:
    with pytest.raises(SignOnError) as refused:
        read(sign_on, provider.token(**others))
    assert refused.value.reason == "refused"


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def unsigned(provider: Provider) -> str:
    return f"{encoded({'alg': 'none'})}.{encoded(provider.claims())}."


def by_another_key(provider: Provider) -> str:
    return provider.token(OTHER, {"kid": "ours"})


def by_an_unknown_key(provider: Provider) -> str:
    return provider.token(OTHER)


def by_the_public_key_as_a_secret(provider: Provider) -> str:
    """The old trick: HMAC with what everybody knows."""
    signed = f"{encoded({'alg': 'HS256', 'kid': 'ours'})}.{encoded(provider.claims())}"
    signature = hmac.digest(OURS.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def by_a_key_that_it_brings(provider: Provider) -> str:
    own = ECKey.generate_key("P-256")
    header = {"alg": "ES256", "jwk": own.as_dict(private=False)}
    return jwt.encode(header, provider.claims(), own, algorithms=["ES256"])


def changed(provider: Provider) -> str:
    header, _, signature = provider.token().split(".")
    return f"{header}.{encoded(provider.claims(sub='1'))}.{signature}"


def cut(provider: Provider) -> str:
    return provider.token()[:-8]


def nothing(_: Provider) -> str:
    return ""


def noise(_: Provider) -> str:
    return "a.b.c"


@pytest.mark.parametrize(
    "forge",
    [
        unsigned,
        by_another_key,
        by_an_unknown_key,
        by_the_public_key_as_a_secret,
        by_a_key_that_it_brings,
        changed,
        cut,
        nothing,
        noise,
    ],
)
def test_what_is_forged_is_refused(provider: Provider, sign_on: SingleSignOn, forge: Callable[[Provider], str]) -> None:
    with pytest.raises(SignOnError) as refused:
        read(sign_on, forge(provider))
    assert refused.value.reason == "refused"


def test_a_new_key_is_looked_for_but_not_each_time(
    provider: Provider, sign_on: SingleSignOn, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(sign_on, provider.token())
    provider.keys = KeySet([OTHER])
    for _ in range(5):
        with pytest.raises(SignOnError):
            read(sign_on, provider.token())
    assert provider.asked == 1, "who sends forged tokens must not have us ask each time"

    monkeypatch.setattr(single_sign_on, "RENEW_S", 0.0)

    assert read(sign_on, provider.token())
    assert provider.asked == 2


def test_a_provider_that_calls_itself_otherwise_is_not_the_one(provider: Provider, sign_on: SingleSignOn) -> None:
    provider.said = {"issuer": "https://elsewhere.example"}
    with pytest.raises(SignOnError) as refused:
        read(sign_on, provider.token())
    assert refused.value.reason == "unavailable"


def test_a_provider_that_is_away_is_said_to_be(provider: Provider, sign_on: SingleSignOn) -> None:
    provider.server.shutdown()
    provider.server.server_close()
    with pytest.raises(SignOnError) as refused:
        read(sign_on, provider.token())
    assert refused.value.reason == "unavailable"
