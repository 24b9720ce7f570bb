from __future__ import annotations

import pytest

from simulators.gate import PublishError
from simulators.publisher import Address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://127.0.0.1:1884", Address("127.0.0.1", 1884)),
        ("mqtt://broker", Address("broker", 1883)),
        (
            "mqtts://gate:s%40cret@broker.city:8884",
            Address("broker.city", 8884, tls=True, user="gate", password="s@cret"),
        ),
        ("mqtts://broker", Address("broker", 8883, tls=True)),
        ("mqtt://[::1]:1883", Address("::1", 1883)),
        ("unix:///run/mqtt.sock", Address(path="/run/mqtt.sock")),
    ],
)
def test_an_address(url: str, address: Address) -> None:
    assert Address.parse(url) == address


@pytest.mark.parametrize(
    "url", ["", "localhost:1883", "http://broker", "mqtt://", "mqtt://broker:port", "mqtt://broker:99999", "unix:"]
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(PublishError, match="expected mqtt://host:port"):
        Address.parse(url)


def test_an_address_shows_no_password() -> None:
    assert str(Address.parse("mqtts://gate:secret@broker:8884")) == "broker:8884"
