"""The application without a database: it starts, says so, and keeps its manners."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import uvicorn

from api.app import create_app
from api.documents import Status
from citybrain.settings import Settings

NOBODY = "postgresql://nobody@127.0.0.1:9/nowhere"  # the port "discard": nothing listens


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(create_app(Settings(), NOBODY), log_config=None))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.01)
            with httpx.Client(base_url=address, trust_env=False, timeout=10) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


def test_it_lives_without_a_database(client: httpx.Client) -> None:
    assert client.get("/health/live").status_code == 200


def test_it_is_not_ready_and_says_why(client: httpx.Client) -> None:
    response = client.get("/health/ready")

    assert response.status_code == 503
    body = response.json()
    assert body["ready"] is False
    assert [check["ok"] for check in body["checks"].values()] == [False] * 4
    assert "can't be reached" in body["checks"]["database"]["detail"]
    assert "refused" in body["checks"]["database"]["detail"]


def test_a_status_it_can_not_give_is_a_problem(client: httpx.Client) -> None:
    response = client.get("/api/v1/status")

    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["retry-after"].isdigit()
    assert response.json()["type"] == "urn:citybrain:problem:database"


def test_a_scrape_succeeds_without_a_database(client: httpx.Client) -> None:
    response = client.get("/metrics")

    assert response.status_code == 200
    assert "citybrain_database_up 0.0" in response.text
    assert "citybrain_ledger_day_readings" not in response.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/v1/nothing", 404), ("GET", "/../settings.py", 404), ("POST", "/api/v1/status", 405)],
)
def test_what_is_wrong_is_a_problem(client: httpx.Client, method: str, path: str, status: int) -> None:
    response = client.request(method, path)

    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["detail"].endswith((".", path, "Allowed"))


@pytest.mark.parametrize("path", ["/", "/cockpit.js", "/health/live", "/api/v1/status", "/nothing"])
def test_every_answer_has_the_security_headers(client: httpx.Client, path: str) -> None:
    headers = client.get(path, headers={"Origin": "https://elsewhere.example"}).headers

    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers


def test_the_api_describes_itself_without_help_from_elsewhere(client: httpx.Client) -> None:
    status = client.get("/api/v1/openapi.json").json()["paths"]["/api/v1/status"]["get"]

    assert "application/problem+json" in status["responses"]["503"]["content"]
    assert client.get("/docs").status_code == 404
    assert client.get("/redoc").status_code == 404


def test_the_example_is_a_status() -> None:
    Status.model_validate(Status.model_config["json_schema_extra"]["example"])  # type: ignore[index,call-overload]
