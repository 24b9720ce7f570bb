from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from citybrain.derived import air_quality
from simulators import recording

ZONE = ZoneInfo("Asia/Shanghai")
SAMPLE = Path(recording.__file__).parent / "sample"
CLEAN = {"pm25": 10, "pm10": 10, "so2": 10, "no2": 10, "co": 0.5, "o3": 10}
SCHEMA = {"station": pl.Int32, "time": pl.Int64} | dict.fromkeys(air_quality.POLLUTANTS, pl.Float64)
OLD = datetime(2026, 2, 28, 0, tzinfo=ZONE)
NEW = datetime(2026, 3, 1, 0, tzinfo=ZONE)

Values = Mapping[str, float | None]
Calculation = Callable[[pl.DataFrame, str], pl.DataFrame]


def microseconds(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def frame(hours: Mapping[datetime, Values], station: int = 7) -> pl.DataFrame:
    rows = [
        (station, microseconds(time), *(values.get(p) for p in air_quality.POLLUTANTS))
        for time, values in hours.items()
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def results(calculation: Calculation, hours: pl.DataFrame, at: datetime) -> dict[str, float]:
    found = calculation(hours, ZONE.key).filter(time=microseconds(at))
    return dict(found.select("metric", "value").iter_rows())


def one_hour(at: datetime, **values: float | None) -> dict[str, float]:
    return results(air_quality.hourly, frame({at: CLEAN | values}), at)


def one_day(start: datetime, values: Mapping[str, list[float | None]]) -> dict[str, float]:
    """A clean day in which the named pollutants have these 24 hourly means."""
    hours = {start + timedelta(hours=n): CLEAN | {p: means[n] for p, means in values.items()} for n in range(24)}
    return results(air_quality.daily, frame(hours), start)


@pytest.mark.parametrize(
    ("at", "pollutant", "concentration", "index"),
    [
        (NEW, "pm25", 75, 114),
        (OLD, "pm25", 75, 100),
        (NEW, "pm10", 150, 112),
        (OLD, "pm10", 150, 100),
        (NEW, "no2", 350, 115),
        (NEW, "so2", 900, 200),
        (NEW, "pm25", 60, 100),
        (NEW, "pm25", 61, 101),
        (NEW, "pm25", 60.5, 100),  # half to even: 60
        (NEW, "pm25", 61.5, 102),  # half to even: 62, and 62 -> 101.8
        (NEW, "pm25", 60.11, 100),
        (NEW, "pm25", 0, 0),
        (NEW, "pm25", -3, 0),
        (NEW, "co", 4.35, 44),  # half to even: 4.4
        (NEW, "co", 4.25, 42),  # half to even: 4.2
        (NEW, "co", 10.04, 100),
        (NEW, "co", 10.06, 101),
        (NEW, "pm25", 499.4, 500),
        (NEW, "pm25", 800, 500),
        (NEW, "pm10", 999, 500),
        (NEW, "no2", 5000, 500),
        (NEW, "co", 151, 500),
        (NEW, "o3", 1201, 500),
        (NEW, "so2", 800.4, 200),
    ],
)
def test_the_index_of_an_hourly_mean(at: datetime, pollutant: str, concentration: float, index: int) -> None:
    assert one_hour(at, **{pollutant: concentration})[f"iaqi_{pollutant}"] == index


@pytest.mark.parametrize(("pollutant", "nodes"), [*air_quality.ONE_HOUR.items(), ("pm25", air_quality.DAY["pm25"])])
def test_a_node_has_exactly_its_index_and_the_next_step_is_above(pollutant: str, nodes: tuple[int, ...]) -> None:
    step = 0.1 if pollutant == "co" else 1
    for node, index in zip(nodes[1:], air_quality.INDEX[1:], strict=False):
        assert one_hour(NEW, **{pollutant: float(node)})[f"iaqi_{pollutant}"] == index
        if node != nodes[-1]:
            assert one_hour(NEW, **{pollutant: node + step})[f"iaqi_{pollutant}"] > index


def test_the_tables_change_at_midnight_of_the_city_not_of_utc() -> None:
    last, first = NEW - timedelta(hours=1), NEW
    hours = frame({last: CLEAN | {"pm25": 75}, first: CLEAN | {"pm25": 75}})
    assert results(air_quality.hourly, hours, last)["iaqi_pm25"] == 100
    assert results(air_quality.hourly, hours, first)["iaqi_pm25"] == 114
    assert one_day(OLD, {"pm10": [150] * 24})["aqi_day"] == 100
    assert one_day(NEW, {"pm10": [150] * 24})["aqi_day"] == 112


def test_an_hourly_report() -> None:
    assert one_hour(NEW, pm25=80, pm10=80) == {
        "iaqi_pm25": 119, "iaqi_pm10": 72, "iaqi_so2": 4, "iaqi_no2": 5, "iaqi_co": 5, "iaqi_o3": 4,
        "aqi": 119, "aqi_category": 3, "primary_pollutant": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("pm25", "aqi", "category"),
    [(35, 50, 1), (36, 52, 2), (60, 100, 2), (61, 101, 3), (115, 150, 3), (116, 152, 4), (150, 200, 4),
     (151, 201, 5), (250, 300, 5), (251, 301, 6), (600, 500, 6)],
)  # fmt: skip
def test_categories(pm25: float, aqi: int, category: int) -> None:
    report = one_hour(NEW, pm25=pm25)
    assert (report["aqi"], report["aqi_category"]) == (aqi, category)


def test_primary_pollutants_are_named_above_50_only_and_all_that_tie() -> None:
    assert one_hour(NEW, pm25=35, pm10=50)["primary_pollutant"] == 0
    assert one_hour(NEW, pm25=60, pm10=120)["primary_pollutant"] == 1 + 2
    assert one_hour(NEW, **dict.fromkeys(air_quality.POLLUTANTS, 5000.0) | {"so2": 10})["primary_pollutant"] == 59


def test_with_a_pollutant_missing_only_an_aqi_above_100_is_published() -> None:
    at_100 = one_hour(NEW, pm25=60, co=None)
    assert at_100["iaqi_pm25"] == 100
    assert "iaqi_co" not in at_100
    assert not {"aqi", "aqi_category", "primary_pollutant"} & at_100.keys()
    assert one_hour(NEW, pm25=61, co=None)["aqi"] == 101
    assert one_day(NEW, {"pm25": [60] * 24, "co": [None] * 24}).keys().isdisjoint({"aqi_day", "aqi_category_day"})
    assert one_day(NEW, {"pm25": [61] * 24, "co": [None] * 24})["aqi_day"] == 101


@pytest.mark.parametrize("nothing", [None, float("nan"), float("inf"), -float("inf"), 1e300])
def test_what_is_no_concentration_counts_as_missing(nothing: float | None) -> None:
    assert one_hour(NEW, **dict.fromkeys(air_quality.POLLUTANTS, nothing)) == {}
    assert one_day(NEW, {"pm25": [nothing] * 4 + [24.0] * 20})["pm25_day"] == 24
    assert "pm25_day" not in one_day(NEW, {"pm25": [nothing] * 5 + [24.0] * 19})


def test_no_rows_no_results() -> None:
    for calculation in air_quality.hourly, air_quality.daily:
        empty = calculation(frame({}), ZONE.key)
        assert empty.schema == {"station": pl.Int32, "time": pl.Int64, "metric": pl.String, "value": pl.Float64}
        assert empty.is_empty()


def test_hourly_so2_above_800_before_2026_is_reported_by_its_24_hour_mean() -> None:
    before = {OLD + timedelta(hours=n): CLEAN | {"so2": 100} for n in range(19)}
    at = OLD + timedelta(hours=19)
    assert results(air_quality.hourly, frame({**before, at: CLEAN | {"so2": 801}}), at)["iaqi_so2"] == 93  # 135.05
    first, *rest = before.items()
    too_few = results(air_quality.hourly, frame({**dict(rest), at: CLEAN | {"so2": 801}}), at)
    assert first[0] == OLD
    assert "iaqi_so2" not in too_few
    assert "aqi" not in too_few
    assert one_hour(OLD, so2=800)["iaqi_so2"] == 200


def test_8_hour_o3_above_800() -> None:
    ozone = [900.0] * 23 + [1100.0]
    assert one_day(NEW, {"o3": ozone})["aqi_day"] == 300
    assert one_day(OLD, {"o3": ozone})["aqi_day"] == 450  # by the largest hour: 1,100 is half-way from 400 to 500
    assert one_day(OLD, {"o3": [800.0] * 24})["aqi_day"] == 300
    # An invalid day is not made valid by its largest hour.
    assert "aqi_day" not in one_day(OLD, {"o3": [900.0] * 12 + [None] * 12})


@pytest.mark.parametrize(("valid", "expected"), [(20, 30.0), (19, None)])
def test_a_24_hour_mean_needs_20_hours(valid: int, expected: float | None) -> None:
    means = [30.0] * valid + [None] * (24 - valid)
    assert one_day(NEW, {"no2": means}).get("no2_day") == expected
    hours = {NEW + timedelta(hours=n): CLEAN | {"no2": m} for n, m in enumerate(means)}
    last = NEW + timedelta(hours=23)
    assert results(air_quality.hourly, frame(hours), last).get("no2_24h") == expected


def test_a_running_mean_covers_its_hour_and_those_before() -> None:
    hours = {NEW + timedelta(hours=n): CLEAN | {"pm25": float(n), "o3": float(n)} for n in range(30)}
    report = results(air_quality.hourly, frame(hours), NEW + timedelta(hours=29))
    assert report["pm25_24h"] == sum(range(6, 30)) / 24
    assert report["o3_8h"] == sum(range(22, 30)) / 8


@pytest.mark.parametrize(("valid", "expected"), [(6, 40.0), (5, None)])
def test_an_8_hour_mean_needs_6_hours(valid: int, expected: float | None) -> None:
    hours = {NEW + timedelta(hours=n): CLEAN | {"o3": 40.0 if n >= 8 - valid else None} for n in range(8)}
    assert results(air_quality.hourly, frame(hours), NEW + timedelta(hours=7)).get("o3_8h") == expected


@pytest.mark.parametrize(
    ("start", "level", "first_valid", "expected"),
    [
        # With hours n.. valid, the window ending with hour n+5 is the first one valid: 19 - n windows in all.
        (NEW, 160.0, 5, 160.0),  # 14 windows
        (NEW, 160.0, 6, None),  # 13 windows
        (NEW, 161.0, 6, 161.0),  # 13 windows, but above 160
        (NEW, 161.0, 18, 161.0),  # one window
        (NEW, 161.0, 19, None),  # no window
        (OLD, 160.0, 5, 160.0),
        (OLD, 161.0, 6, None),
    ],
)
def test_the_largest_8_hour_mean_of_a_day_needs_14(
    start: datetime, level: float, first_valid: int, expected: float | None
) -> None:
    ozone = [None] * first_valid + [level] * (24 - first_valid)
    assert one_day(start, {"o3": ozone}).get("o3_8h_day") == expected


def test_8_hour_means_that_end_before_08_belong_to_the_day_before_or_to_none() -> None:
    hours = {NEW + timedelta(hours=n): CLEAN | {"o3": 300.0 if n < 24 else 8.0} for n in range(48)}
    assert results(air_quality.daily, frame(hours), NEW + timedelta(days=1))["o3_8h_day"] == 8
    # The first window of the day is 00:00 to 08:00, the last one 16:00 to 24:00.
    assert one_day(NEW, {"o3": [80.0] * 8 + [0.0] * 16})["o3_8h_day"] == 80
    assert one_day(NEW, {"o3": [0.0] * 16 + [80.0] * 8})["o3_8h_day"] == 80


def test_a_missing_row_is_a_row_without_values() -> None:
    ozone = [10.0] * 16 + [90.0] * 6 + [None] * 2
    full = {NEW + timedelta(hours=n): CLEAN | {"o3": o} for n, o in enumerate(ozone)}
    gap = {time: values for time, values in full.items() if values["o3"] is not None}
    assert results(air_quality.daily, frame(full), NEW)["o3_8h_day"] == 90
    assert results(air_quality.daily, frame(gap), NEW)["o3_8h_day"] == 90


def test_stations_and_the_order_of_rows_do_not_mix() -> None:
    one = frame({NEW + timedelta(hours=n): CLEAN | {"o3": float(n)} for n in range(24)}, station=1)
    two = frame({NEW + timedelta(hours=n): CLEAN | {"o3": 100.0 + n} for n in range(24)}, station=2)
    for calculation in air_quality.hourly, air_quality.daily:
        apart = pl.concat([calculation(one, ZONE.key), calculation(two, ZONE.key)])
        mixed = calculation(pl.concat([two, one]).sample(fraction=1, shuffle=True, seed=1), ZONE.key)
        order = ["station", "time", "metric"]
        assert mixed.sort(order).equals(apart.sort(order))


def test_a_day_of_the_sample_by_hand() -> None:
    """Dongsi, 2016-12-04: PM2.5 sums to 7,436, PM10 to 9,226 ug/m3 over 24 hours; O3 is largest from 12:00 to 20:00."""
    [path] = SAMPLE.glob("*Dongsi*.csv")
    start = datetime(2016, 12, 4, tzinfo=ZONE)
    hours = recording.read([path]).select(pl.lit(1, pl.Int32).alias("station"), "time", *air_quality.POLLUTANTS)
    report = results(air_quality.daily, hours, start)
    assert report["pm25_day"] == pytest.approx(7436 / 24)  # 310 -> 360
    assert report["pm10_day"] == pytest.approx(9226 / 24)  # 384 -> 248.6
    assert report["o3_8h_day"] == 129 / 8
    assert (report["aqi_day"], report["aqi_category_day"], report["primary_pollutant_day"]) == (360, 6, 1)
