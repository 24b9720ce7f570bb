"""The OpenAPI document is true: whatever is sent, nothing breaks, and nothing is answered that it does not say."""

from __future__ import annotations

import os
import re
import subprocess
import sysconfig
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api.reference import document, lines
from citybrain.settings import PROJECT
from deploy.local.servers import Broker

SCRIPTS = Path(sysconfig.get_path("scripts"))

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "5"))  # random requests an endpoint, beside the systematic ones
PATIENCE_S = 600.0

# What our own answers promise. Left out: that every request the schema allows succeeds (times, cursors and scopes have
# rules that a schema can't say), and that none it forbids does (text is taken for a number where it is one).
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
)


def test_nothing_is_answered_that_the_document_does_not_say(
    database: str,
    broker: Broker,
    serve: Callable[..., AbstractContextManager[Any]],
    grant: Callable[..., str],
    furnish: Callable[[psycopg.Connection[Any]], Any],
    tmp_path: Path,
) -> None:
    with psycopg.connect(database) as connection:
        furnish(connection)
        # Requests that revoke tokens by their number shall not find the one that they are made with.
        connection.execute("alter sequence token_id_seq restart with 1000000")
    apply = [SCRIPTS / "citybrain", "rules", "apply", "--by", "test"]
    subprocess.run(apply, env={**os.environ, "CITYBRAIN_DATABASE_URL": database}, check=True, cwd=PROJECT)
    with serve(database, broker.collector_url) as api:
        command = [
            str(SCRIPTS / "schemathesis"),
            "run",
            f"{api.client.base_url}/api/v1/openapi.json",
            "--checks",
            ",".join(CHECKS),
            "--max-examples",
            str(EXAMPLES),
            "--phases",
            "examples,coverage,fuzzing",
            "--exclude-path-regex",
            # An answer that does not end; 503 while nobody collects; and what is open to this machine.
            "(/stream|/health/ready|/metrics)$",
            "--header",
            f"Authorization: Bearer {grant(database)}",
            "--seed",
            "7",
            "--no-color",
            "--generation-database",
            "none",
        ]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            cwd=tmp_path,
            env={**os.environ, "NO_PROXY": "*"},
        )

    assert done.returncode == 0, re.sub(r"cbt_[\w-]+", "TOKEN", done.stdout[-20_000:] + done.stderr[-2_000:])


OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, methods in document()["paths"].items()
    for method, operation in methods.items()
]


@pytest.mark.parametrize(("name", "operation"), OPERATIONS, ids=[name for name, _ in OPERATIONS])
def test_every_endpoint_says_what_it_does(name: str, operation: dict[str, Any]) -> None:
    assert operation.get("description") or operation.get("summary")
    assert operation["tags"]
    good = [response for status, response in operation["responses"].items() if status[0] in "23"]
    assert good


def test_the_reference_is_not_stale() -> None:
    kept = (PROJECT / "docs" / "api-reference.md").read_text(encoding="utf-8")

    assert kept == "\n".join(lines(document())) + "\n", "run `python -m api.reference > docs/api-reference.md`"
