"""Tables as CSV, Arrow and Parquet: what goes in comes out, and nothing becomes a formula."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from api.views.formats import FORMATS, best, encode

CSV, ARROW, PARQUET = FORMATS[1:]

SCHEMA = pl.Schema(
    {"series": pl.Int32(), "device": pl.String(), "time": pl.Datetime("us", "UTC"), "value": pl.Float64()}
    | {"quality": pl.List(pl.String())}
)
ROWS = st.lists(
    st.tuples(
        st.integers(1, 2**31 - 1),
        st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]))),
        st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)).map(lambda time: time.replace(tzinfo=UTC)),
        st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
        st.lists(st.sampled_from(["late", "step"]), max_size=2),
    ),
    max_size=5,
)


@given(rows=ROWS)
def test_arrow_and_parquet_give_back_the_table(rows: list[tuple[object, ...]]) -> None:
    table = pl.DataFrame(rows, SCHEMA, orient="row")

    assert_frame_equal(pl.read_ipc_stream(encode(table, ARROW)), table)
    assert_frame_equal(pl.read_parquet(encode(table, PARQUET)), table)


@given(rows=ROWS)
def test_csv_gives_back_the_values_and_no_text_is_a_formula(rows: list[tuple[object, ...]]) -> None:
    text = encode(pl.DataFrame(rows, SCHEMA, orient="row"), CSV).decode()
    header, *lines = csv.reader(io.StringIO(text, newline=""))

    assert header == list(SCHEMA)
    assert len(lines) == len(rows)
    for row, (series, device, time, value, quality) in zip(rows, lines, strict=True):
        assert int(series) == row[0]
        assert device.removeprefix("'") == str(row[1] or "").removeprefix("'")
        assert not device.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
        assert datetime.fromisoformat(time) == row[2]
        assert (float(value) if value else None) == row[3]
        assert quality.split() == row[4]


def test_csv_as_rfc_4180_has_it() -> None:
    time = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [(1, '=cmd|"x"', time, -0.5, ["late", "step"]), (2, "a,b", time, None, [])]
    table = pl.DataFrame(rows, SCHEMA, orient="row")

    assert encode(table, CSV).decode() == (
        "series,device,time,value,quality\r\n"
        '1,"\'=cmd|""x""",2026-01-01T00:00:00.000000Z,-0.5,late step\r\n'
        '2,"a,b",2026-01-01T00:00:00.000000Z,,""\r\n'
    )


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
        ("text/*", "text/csv"),
        ("Text/CSV ; q=0.5, application/json;q=0.4", "text/csv"),
        ("application/json;q=0, */*;q=0.1", "text/csv"),
        ("application/vnd.apache.parquet", "application/vnd.apache.parquet"),
        ("text/html", None),
        ("text/csv;q=0", None),
        ("text/csv;q=much", None),
        ("text/csv;q=nan", None),
    ],
)
def test_what_a_client_likes_best(accept: str, expected: str | None) -> None:
    assert best(accept) == expected
