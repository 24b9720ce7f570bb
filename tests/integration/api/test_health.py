"""Ready and not ready, over real databases."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psycopg

from citybrain.catalogue.model import Catalogue
from citybrain.store.migrate import migrate
from deploy.local.servers import postgres

Serve = Callable[..., AbstractContextManager[Any]]
Grant = Callable[..., str]
Wait = Callable[[Callable[[], bool]], None]


def failing(api: Any) -> dict[str, str]:
    """The checks that are not ok, with what they say."""
    response = api.client.get("/health/ready")
    checks = response.json()["checks"]
    assert response.status_code == (200 if all(check["ok"] for check in checks.values()) else 503)
    return {name: check["detail"] for name, check in checks.items() if not check["ok"]}


def test_ready_while_a_collector_collects(city: Any) -> None:
    response = city.api.client.get("/health/ready")

    assert response.status_code == 200
    assert response.json()["ready"] is True


def test_not_ready_before_anything_collects(database: str, serve: Serve) -> None:
    with serve(database) as api:
        found = failing(api)

        assert found.keys() == {"collectors"}
        assert "`citybrain collect`" in found["collectors"]


def test_not_ready_when_a_collector_has_gone(database: str, serve: Serve) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "insert into collector values ('150802', 'gone', now(), now() - interval '11 seconds', true, 0)"
        )
    with serve(database) as api:
        assert "The collector of 150802 has not been heard for 1" in failing(api)["collectors"]


def test_not_ready_before_the_migrations(
    tmp_path: Path, serve: Serve, grant: Grant, catalogue: Catalogue, wait: Wait
) -> None:
    with postgres(tmp_path, {"fsync": "off"}) as server, serve(server.url, migrated=False) as api:
        found = failing(api)
        assert "run `citybrain db migrate`" in found["migrations"]
        assert "database" not in found
        assert api.client.get("/api/v1/status").status_code == 503

        migrate(server.url, catalogue)
        api.client.headers["Authorization"] = f"Bearer {grant(server.url)}"
        wait(lambda: failing(api).keys() == {"collectors"})

        server.stop()
        wait(lambda: "can't be reached" in failing(api).get("database", ""))
        problem = api.client.get("/api/v1/status")
        assert problem.status_code == 503
        assert problem.headers["content-type"] == "application/problem+json"
        metrics = api.client.get("/metrics")
        assert metrics.status_code == 200
        assert "citybrain_database_up 0.0" in metrics.text
        assert api.client.get("/health/live").status_code == 200

        server.start()
        wait(lambda: failing(api).keys() == {"collectors"})
        assert api.client.get("/api/v1/status").status_code == 200


def test_sigterm_ends_it_in_order_within_two_seconds(database: str, serve: Serve) -> None:
    with serve(database) as api:
        assert api.client.get("/api/v1/status").status_code == 200  # and keeps its connection open

        code, seconds = api.stop()

        assert code == 0
        assert seconds < 2
