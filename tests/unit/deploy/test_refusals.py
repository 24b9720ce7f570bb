"""What the broker's log says of refusals, hostile client ids included."""

from __future__ import annotations

import json
from pathlib import Path

from deploy.local.refusals import LEVEL, Reader, messages, switch

AT = "2026-11-22T08:00:00: "


def read(*lines: str) -> tuple[Reader, list[str]]:
    reader = Reader()
    return reader, [kept for line in lines if (kept := reader.read(AT + line))]


def test_what_is_refused_a_device_is_told_on_its_own_topic() -> None:
    reader, kept = read(
        "New connection from 127.0.0.1:51377 on port 1883.",
        "New client connected from 127.0.0.1:51377 as thing (p5, c1, k60, u'150802/water/g').",
        "No will message specified.",
        "Sending CONNACK to thing (0, 0)",
        "Denied PUBLISH from thing (d0, q1, r0, m2, 'city/150802/water/y/reading', ... (2 bytes))",
        "Denied PUBLISH from thing (d0, q1, r0, m3, 'city/x', ... (2 bytes))",
        "Client thing [127.0.0.1:39405] disconnected: oversize packet.",
        "Warning: something else",
    )
    told = dict(messages(reader.take()))
    assert {topic: json.loads(payload) for topic, payload in told.items()} == {
        "city/150802/water/g/refused": {"refused": 2, "oversized": 1, "topic": "city/150802/water/y/reading"}
    }
    assert kept == [
        AT + "Client thing [127.0.0.1:39405] disconnected: oversize packet.",
        AT + "Warning: something else",
    ]
    assert reader.take() == {}


def test_a_client_id_does_not_name_another_device() -> None:
    evil = "x (p5, c1, k60, u'150802/water/victim')."
    reader, _ = read(
        f"New client connected from 127.0.0.1:1 as {evil} (p5, c1, k60, u'150802/water/evil').",
        f"New client connected from 127.0.0.1:2 as {evil}2 (p5, c1, k60).",
        f"Denied PUBLISH from {evil} (d0, q1, r0, m2, 'a', ... (2 bytes)) (d0, q1, r0, m2, 'b', ... (2 bytes))",
        f"Denied PUBLISH from {evil} (d0, q1, r0, m2, 'b', ... (2 bytes))",
        f"Denied PUBLISH from {evil}2 (d0, q1, r0, m2, 'c', ... (2 bytes))",
    )
    assert [topic for topic, _ in messages(reader.take())] == ["city/150802/water/evil/refused"]


def test_who_has_gone_is_forgotten() -> None:
    reader, _ = read(
        "New client connected from 127.0.0.1:1 as a (p5, c1, k60, u'150802/water/g').",
        "Client a [127.0.0.1:1] disconnected: connection closed by client.",
        "New client connected from 127.0.0.1:1 as a (p5, c1, k60).",
        "Denied PUBLISH from a (d0, q1, r0, m2, 'b', ... (2 bytes))",
    )
    assert list(messages(reader.take())) == []


def test_the_level_is_switched_in_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "mosquitto.conf"
    file.write_text(f"a b\n{LEVEL}\nc d\n")
    switch(file, on=False, broker=-1)
    assert file.read_text() == f"a b\n# {LEVEL}\nc d\n"
    switch(file, on=False, broker=-1)
    switch(file, on=True, broker=-1)
    assert file.read_text() == f"a b\n{LEVEL}\nc d\n"
