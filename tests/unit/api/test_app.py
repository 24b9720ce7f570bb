"""The application without a database: it starts, says so, and keeps its manners."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import uvicorn

from api.app import create_app
from api.views.documents import Status
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
    response = client.get("/api/v1/status", headers={"Authorization": "Bearer cbt_anything"})

    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["retry-after"].isdigit()
    assert response.json()["type"] == "urn:citybrain:problem:database"


def test_nobody_is_asked_to_sign_in_with_words(client: httpx.Client) -> None:
    response = client.get("/api/v1/status", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"})

    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert response.headers["content-language"] == "zh"
    assert response.json()["title"] == "需要登录"


def test_of_very_many_mistakes_the_first_are_told(client: httpx.Client) -> None:
    response = client.post("/api/v1/session", json={"name": "n", "password": "p"} | {f"k{n}": n for n in range(500)})

    assert response.status_code == 422
    problem = response.json()
    assert [mistake["where"] for mistake in problem["errors"]] == [f"body.k{n}" for n in range(20)]
    assert problem["detail"].endswith("and 480 more.")
    assert len(response.content) < 10_000


@pytest.mark.parametrize("given", ["abc-1.2_3", "x" * 65, "a b", "a\tb", "é"])
def test_a_request_has_an_id_in_its_answer_and_in_its_problem(client: httpx.Client, given: str) -> None:
    response = client.get("/api/v1/status", headers={"X-Request-ID": given.encode()})

    number = response.headers["x-request-id"]
    assert (number == given) == (given == "abc-1.2_3"), "what is no plain id is not taken over"
    assert re.fullmatch(r"[\w.-]{1,64}", number)
    assert response.json()["instance"] == f"urn:citybrain:request:{number}"


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via"])
def test_metrics_are_not_told_through_a_proxy(client: httpx.Client, header: str) -> None:
    assert client.get("/metrics", headers={header: "127.0.0.1"}).status_code == 401


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
    assert "swagger" not in client.get("/docs").text, "an address that is no file is a page of the cockpit"
    assert "redoc" not in client.get("/redoc").text


def test_the_example_is_a_status() -> None:
    Status.model_validate(Status.model_config["json_schema_extra"]["example"])  # type: ignore[index,call-overload]
