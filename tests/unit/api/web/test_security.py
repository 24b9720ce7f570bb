"""What pages may load."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from api.web.security import HEADERS, with_tiles
from citybrain.settings import Settings

POLICY = "Content-Security-Policy"


@pytest.mark.parametrize(
    ("tiles", "host"),
    [
        ("https://tiles.example.org/{z}/{x}/{y}.png", "https://tiles.example.org"),
        ("http://10.0.0.7:8080/map/{z}/{y}/{x}?key=a;b", "http://10.0.0.7:8080"),
    ],
)
def test_pictures_may_come_from_the_host_of_the_tiles_and_nothing_else(tiles: str, host: str) -> None:
    settings = Settings(map_tiles=tiles)

    headers = with_tiles(settings.map_tiles)

    before, _, after = HEADERS[POLICY].partition("img-src 'self'")
    assert headers == {**HEADERS, POLICY: f"{before}img-src 'self' {host}{after}"}


@pytest.mark.parametrize("tiles", ["", "/tiles/{z}/{x}/{y}.png"])
def test_tiles_of_our_own_host_need_no_word(tiles: str) -> None:
    assert with_tiles(Settings(map_tiles=tiles).map_tiles) == HEADERS


@pytest.mark.parametrize(
    "tiles",
    [
        "https://tiles.example.org/{z}/{x}.png",
        "https://{s}.example.org/{z}/{x}/{y}.png",
        "https://*/{z}/{x}/{y}.png",
        "https://a.example.org;script-src 'unsafe-inline'/{z}/{x}/{y}.png",
        "https://user:word@example.org/{z}/{x}/{y}.png",
        "ftp://example.org/{z}/{x}/{y}.png",
        "tiles/{z}/{x}/{y}.png",
        "//example.org/{z}/{x}/{y}.png",
    ],
)
def test_an_address_that_no_map_could_take_is_refused(tiles: str) -> None:
    with pytest.raises(ValidationError, match="expected https://host/"):
        Settings(map_tiles=tiles)
