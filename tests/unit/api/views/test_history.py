"""Parts of a history, and that documents say what tables hold."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.v1.readings import Bucket, Mean, SeriesReading
from api.v1.series import LATEST as LATEST_COLUMNS
from api.v1.series import LatestReading
from api.views.history import BUCKETS, MEANS, READINGS, Part
from api.views.resolution import EARLIEST, LATEST, Step
from api.web.pages import encode
from api.web.problems import Refusal

TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)).map(lambda time: time.replace(tzinfo=UTC))


def test_documents_name_the_columns_of_their_tables() -> None:
    assert list(SeriesReading.model_fields) == list(READINGS)
    assert list(Bucket.model_fields) == list(BUCKETS)
    assert list(Mean.model_fields) == list(MEANS)
    assert list(LatestReading.model_fields) == list(LATEST_COLUMNS)


@given(
    start=TIMES,
    end=TIMES,
    step=st.one_of(st.none(), st.integers(1, 10**9)).map(Step),
    at=st.tuples(st.integers(0, 2**31 - 1), TIMES),
)
def test_a_cursor_leads_to_where_it_was_made(
    start: datetime, end: datetime, step: Step, at: tuple[int, datetime]
) -> None:
    part = Part(start, end, step, at)

    assert Part.continued(part.cursor) == part


NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "key",
    [
        [],
        [1, NOW, NOW, NOW],
        [1, NOW, NOW, NOW, 0],
        [1, NOW, NOW, NOW, -60],
        [1, NOW, NOW, NOW, 10**30],
        [1, NOW.replace(tzinfo=None), NOW, NOW, 60],
        ["x", NOW, NOW, NOW, None],
    ],
)
def test_a_cursor_that_is_none_of_ours(key: list[object]) -> None:
    with pytest.raises(Refusal) as refused:
        Part.continued(encode(key))
    assert refused.value.status == 400


def test_a_cursor_leads_nowhere_that_no_reading_is() -> None:
    far = encode([1, NOW, datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), None])

    assert Part.continued(far) == Part(EARLIEST, LATEST, Step(), (1, NOW))
