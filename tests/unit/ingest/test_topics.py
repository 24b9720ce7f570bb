from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.topics import NAME_LENGTH, Topic, filters, parse


def test_a_reading_and_a_status() -> None:
    assert parse("city/150802/air/air-1/reading") == Topic("150802", "air", "air-1", "reading")
    assert parse("city/150802/air/泵房 7 号/status") == Topic("150802", "air", "泵房 7 号", "status")


def test_the_identity_of_a_device_is_region_domain_and_name() -> None:
    reading, status = parse("city/150802/air/a/reading"), parse("city/150802/air/a/status")
    assert reading is not None
    assert status is not None
    assert reading.key == status.key == ("150802", "air", "a")


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "city",
        "city/",
        "city//",
        "city////",
        "/city/150802/air/a/reading",
        "City/150802/air/a/reading",
        "city/150802/air/reading",
        "city/150802/air/a/b/reading",
        "city/150802/air//reading",
        "city/150802/air/a/",
        "city/1/2/3/4/5/6/7/8/9/10",
        "city/150802/air/a\tb/reading",
        "city/150802/air/a\x7f/reading",
        "city/150802/air/a\x00/reading",
        "city/150802/air/a\u202eb/reading",  # it would turn the text after it around
        f"city/150802/air/{'a' * (NAME_LENGTH + 1)}/reading",
    ],
)
def test_wrong_topics(topic: str) -> None:
    assert parse(topic) is None


@given(st.text())
def test_any_text_is_a_topic_or_none(topic: str) -> None:
    parts = parse(topic)
    assert parts is None or "/".join(("city", *parts)) == topic


def test_filters() -> None:
    assert filters([]) == ["city/#"]
    assert filters(["150802", "150821"]) == ["city/150802/#", "city/150821/#"]
