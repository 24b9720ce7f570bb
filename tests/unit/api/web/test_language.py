"""Which language a caller gets."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from api.web.language import language


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        (None, "en"),
        ("", "en"),
        ("*", "en"),
        ("zh", "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("en;q=0.3, zh;q=0.7", "zh"),
        ("de, zh;q=0.1", "zh"),
        ("zh;q=0", "en"),
        ("zh;q=abc", "en"),
        (";;,,;q=", "en"),
    ],
)
def test_the_one_put_first(accepted: str | None, expected: str) -> None:
    headers = [] if accepted is None else [(b"accept-language", accepted.encode())]

    assert language(Request({"type": "http", "headers": headers})) == expected
