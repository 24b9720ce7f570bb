from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from citybrain.catalogue.load import load
from citybrain.derived import air_quality
from simulators.air.area import STEP, WEATHER, Air, Area
from simulators.air.base import LEVELS, hours
from simulators.air.episodes import AirFault, Dust, Inversion, Plume
from simulators.instruments import Instruments
from simulators.model import DAY, HOUR, MINUTE, SECOND, Context, Happening, SimulationError, Span, Values
from simulators.weather import Climate, Weather, distance

CATALOGUE = load(Path(__file__).parents[4])
WEATHER_OF_CITY = Weather(Climate())
START = int(datetime(2026, 4, 20, 16, tzinfo=UTC).timestamp()) * SECOND  # midnight in the city
AREA = {
    "region": "150802",
    "name": "linhe",
    "title": {"zh": "临河", "en": "Linhe"},
    "longitude": "107.39",
    "latitude": "40.75",
    "micro_stations": "20",
}
POLLUTANTS = ("pm25", "pm10", "so2", "no2", "co", "o3")


def build(scale: float = 1, **others: object) -> Air:
    return Area.model_validate(AREA | others).build(Context(7, scale, WEATHER_OF_CITY, Path(), CATALOGUE))


def happening(fault: AirFault, start: int = START + 6 * HOUR, lasts: int = 12 * HOUR) -> Happening:
    return Happening("it", fault, start, start + lasts)


def signals(happenings: Sequence[Happening] = (), days: int = 1) -> dict[str, Values]:
    """Truth of some days, [place, time] by metric; the weather [time]."""
    source = build()
    source.begin(START, happenings)
    values = source.signals(Span(START, START + days * DAY)).values
    places = len(source.sites)
    found = {name: values[row * places : (row + 1) * places] for row, name in enumerate(POLLUTANTS)}
    return found | dict(zip(WEATHER, values[6 * places :], strict=False))


TIMES = np.arange(START, START + DAY + 1, STEP)
CALM = signals()


def test_sites_are_real_ones_and_apart() -> None:
    source = build()

    ids = [site.id for site in source.sites]
    assert ids[:4] == ["sim-air-linhe-1", "sim-air-linhe-2", "sim-air-linhe-3", "sim-air-linhe-m1"]
    assert len(set(ids)) == 23
    assert {site.kind for site in source.sites} <= set(CATALOGUE.domains["air"].site_kinds)
    assert {name for site in source.sites for name in site.attributes} <= set(CATALOGUE.domains["air"].site_attributes)
    east, north = (np.array([getattr(site, axis) for site in source.sites]) for axis in ("longitude", "latitude"))
    for number in range(len(ids)):
        away = distance(east, north, east[number], north[number])
        assert np.sort(away)[1] > 100
        assert away.max() < 15_000


def test_a_larger_city_only_adds_sites() -> None:
    small, large = build(), build(scale=3)

    assert list(large.sites[:23]) == list(small.sites)
    assert len(large.sites) == 63
    small.begin(START, ())
    large.begin(START, ())
    one, other = small.signals(Span(START, START + HOUR)), large.signals(Span(START, START + HOUR))
    assert np.array_equal(one.values[:23], other.values[:23])


def test_a_station_reports_the_hours_of_the_record() -> None:
    source = build()
    instruments = Instruments([source], CATALOGUE, seed=7, offset=8 * HOUR)
    span = Span(START, START + DAY + 1)
    names = dict(enumerate(metric.name for metric in instruments.metrics))

    found = instruments.read(0, span, source.signals(span)).with_columns(
        name=pl.col("metric").cast(pl.Int64).replace_strict(names, return_dtype=pl.String)
    )

    o3 = found.filter(pl.col("name") == "o3", device=1).sort("time")
    assert o3["time"].to_list() == list(range(START, START + DAY, HOUR))
    assert (o3["due"] - o3["time"]).unique().to_list() == [HOUR]
    first = (datetime(2026, 4, 21, tzinfo=UTC) - datetime(2026, 3, 1, tzinfo=UTC)) // timedelta(hours=1)
    expected = hours(("Changping",), LEVELS)[5, 0, first : first + 24]
    assert np.abs(o3["value"].to_numpy() - expected).max() < 6
    assert found.filter(pl.col("name") == "rain")["device"].unique().sort().to_list() == [0, 1, 2]


def test_pm25_is_a_part_of_pm10_always() -> None:
    found = signals([happening(Dust(place="linhe")), happening(Inversion(place="linhe"))])

    assert (CALM["pm25"] < CALM["pm10"]).all()
    assert (found["pm25"] < found["pm10"]).all()


def test_without_episodes_no_hour_of_the_year_is_polluted() -> None:
    year = hours(("Aotizhongxin", "Changping", "Dongsi"), LEVELS)
    stations, count = year.shape[1:]
    frame = pl.DataFrame(
        {
            "station": np.repeat(np.arange(stations, dtype=np.int32), count),
            "time": np.tile(np.arange(count) * HOUR + START, stations),
            "pm25": (year[0] * 1.2).ravel(),
            "pm10": ((year[0] + year[1]) * 1.2).ravel(),
        }
        | {name: (year[2 + row] * 1.2).ravel() for row, name in enumerate(("so2", "no2", "co", "o3"))}
    )

    aqi = air_quality.hourly(frame, "Asia/Shanghai").filter(metric="aqi")

    assert len(aqi) == stations * count
    assert aqi["value"].max() <= 100  # type: ignore[operator]


@pytest.mark.parametrize("minutes", [1, 7, 97])
def test_however_time_is_cut_the_truth_is_the_same(minutes: int) -> None:
    happenings = [
        happening(Inversion(place="linhe", pm25=120), lasts=2 * HOUR),
        happening(Dust(place="linhe"), start=START + 9 * HOUR, lasts=2 * HOUR),
        happening(Plume(place="linhe", longitude=107.39, latitude=40.75, rate=20)),
    ]
    whole, cut = build(), build()
    for source in (whole, cut):
        source.begin(START, happenings)
    expected = whole.signals(Span(START, START + DAY))

    for start in range(START, START + DAY - minutes * MINUTE, 11 * minutes * MINUTE):
        found = cut.signals(Span(start, start + minutes * MINUTE))
        columns = np.searchsorted(expected.times, found.times)
        assert np.array_equal(expected.times[columns], found.times)
        assert np.allclose(found.values, expected.values[:, columns], rtol=1e-12, atol=1e-12)
        assert found.times[0] <= start
        assert found.times[-1] >= start + minutes * MINUTE


@pytest.mark.parametrize(
    "fault",
    [
        Inversion.model_validate({"place": "linhe", "ramp": "3h"}),
        Dust(place="linhe"),
        Plume(place="linhe", longitude=107.39, latitude=40.75, rate=50),
    ],
)
def test_before_an_episode_nothing_is_different_and_later_it_is_gone(fault: AirFault) -> None:
    found = signals([happening(fault, lasts=4 * HOUR)])

    before, after = TIMES < START + 6 * HOUR, TIMES > START + 23 * HOUR
    for name, values in found.items():
        assert np.array_equal(values[..., before], CALM[name][..., before])
        assert np.allclose(values[..., after], CALM[name][..., after], atol=0.01)


def test_an_episode_of_another_area_changes_nothing() -> None:
    found = signals([happening(Inversion(place="hanghou"))])

    assert all(np.array_equal(found[name], CALM[name]) for name in CALM)


def test_an_inversion_fills_with_what_a_recorded_winter_has() -> None:
    found = signals([happening(Inversion.model_validate({"place": "linhe", "pm25": "200", "ramp": "6h"}))])

    full = np.flatnonzero(TIMES == START + 14 * HOUR)[0]
    added = {name: found[name][:, full] - CALM[name][:, full] for name in POLLUTANTS}
    assert np.allclose(added["pm25"], 200)
    assert np.allclose(added["pm10"], 214)
    assert np.allclose(added["co"], 3.2)
    assert np.allclose(added["no2"], 96)
    assert (found["o3"][:, full] < 0.1 * CALM["o3"][:, full]).all()
    assert found["wind_speed"][full] == pytest.approx(CALM["wind_speed"][full] / 2)
    half = np.flatnonzero(TIMES == START + 9 * HOUR)[0]
    assert np.allclose((found["pm25"] - CALM["pm25"])[:, half], 100)


def test_dust_is_coarse_and_comes_with_its_wind() -> None:
    found = signals([happening(Dust(place="linhe", pm10=1000, pm25_share=0.2))])

    full = np.flatnonzero(TIMES == START + 12 * HOUR)[0]
    assert np.allclose((found["pm10"] - CALM["pm10"])[:, full], 1000)
    assert np.allclose((found["pm25"] - CALM["pm25"])[:, full], 200)
    assert found["wind_speed"][full] == 12
    assert found["wind_direction"][full] == 315


def test_dust_reaches_the_lee_later() -> None:
    source = build()
    slow = Dust(place="linhe", wind_speed=2, wind_direction=270)
    found = signals([happening(slow)])

    added = (found["pm10"] - CALM["pm10"])[:, np.flatnonzero(TIMES == START + 7 * HOUR)[0]]
    order = np.argsort([site.longitude for site in source.sites])
    assert (np.diff(added[order]) < 0).all()


def test_a_plume_is_seen_where_the_wind_blows_and_nowhere_else() -> None:
    source = build()
    station = source.sites[0]
    fault = Plume(
        place="linhe",
        longitude=station.longitude - 0.012,  # a kilometre to the west
        latitude=station.latitude,
        rate=30,
        height=10,
        wind_direction=270,
        wind_speed=2,
    )
    found = signals([happening(fault)])
    inside = (TIMES >= START + 8 * HOUR) & (TIMES < START + 18 * HOUR)
    added = (found["pm25"] - CALM["pm25"])[:, inside].max(axis=1)

    east = np.array([site.longitude for site in source.sites]) > fault.longitude
    near = np.abs(np.array([site.latitude for site in source.sites]) - fault.latitude) < 0.02
    assert added[0] > 100
    assert (added[~east] == 0).all()
    assert (added[~near] < 1).all()
    assert np.allclose((found["pm10"] - CALM["pm10"])[:, inside].max(axis=1), added)
    assert np.array_equal(found["no2"], CALM["no2"])
    assert (found["wind_direction"][inside] == 270).all()

    seen = source.subjects(fault)
    assert station.id in seen
    assert seen >= {site.id for site, more in zip(source.sites, added, strict=True) if more > 40}
    assert not seen & {site.id for site, more in zip(source.sites, added, strict=True) if more < 1}


def test_the_index_of_a_plume_hour_rises_in_the_lee_alone() -> None:
    source = build()
    station = source.sites[0]
    fault = Plume(
        place="linhe",
        longitude=station.longitude - 0.012,
        latitude=station.latitude,
        rate=30,
        height=10,
        wind_direction=270,
        wind_speed=2,
    )
    source.begin(START, [happening(fault)])
    instruments = Instruments([source], CATALOGUE, seed=7, offset=8 * HOUR)
    span = Span(START, START + DAY + 1)
    names = dict(enumerate(metric.name for metric in instruments.metrics))
    frame = (
        instruments.read(0, span, source.signals(span))
        .with_columns(
            pl.col("metric").cast(pl.Int64).replace_strict(names, return_dtype=pl.String),
            station=pl.col("device").cast(pl.Int32),
        )
        .filter(pl.col("metric").is_in(POLLUTANTS))
        .pivot("metric", index=["station", "time"], values="value")
    )

    polluted = air_quality.hourly(frame, "Asia/Shanghai").filter(pl.col("value") > 100, metric="aqi")

    sites = {source.sites[number].id for number in polluted["station"].unique()}
    assert station.id in sites
    assert sites <= source.subjects(fault)
    assert polluted["time"].min() == START + 6 * HOUR
    assert polluted["time"].max() == START + 17 * HOUR


def test_a_plume_arrives_with_the_wind() -> None:
    station = build().sites[0]
    fault = Plume(
        place="linhe",
        longitude=station.longitude,
        latitude=station.latitude + 3600 / 111_320,
        rate=30,
        wind_direction=0,
        wind_speed=1,
    )
    added = (signals([happening(fault)])["pm25"] - CALM["pm25"])[0]

    assert (added[TIMES < START + 7 * HOUR] == 0).all()
    assert (added[(TIMES >= START + 7 * HOUR + 10 * MINUTE) & (TIMES < START + 18 * HOUR)] > 0).all()


def test_what_a_plume_left_goes_on_with_its_wind_and_not_where_it_turns() -> None:
    source = build()
    fault = Plume(place="linhe", longitude=107.38, latitude=40.75, rate=50, wind_direction=270, wind_speed=1)
    found = signals([happening(fault, lasts=2 * HOUR)])

    west = np.array([site.longitude for site in source.sites]) < fault.longitude
    added = found["pm25"] - CALM["pm25"]
    assert west.any()
    assert (added[west] == 0).all()
    assert added[:, (TIMES > START + 8 * HOUR) & (TIMES < START + 9 * HOUR)].max() > 0
    assert (added[:, START + 9 * HOUR <= TIMES] == 0).all()


def test_without_a_wind_of_its_own_a_plume_may_be_seen_all_around_but_not_far_away() -> None:
    source = build()
    fault = Plume(place="linhe", longitude=107.39, latitude=40.75, rate=5, height=10)

    seen = source.subjects(fault)

    away = {
        site.id: distance(np.array([site.longitude]), np.array([site.latitude]), 107.39, 40.75)[0]
        for site in source.sites
    }
    assert 0 < len(seen) < len(source.sites)
    assert max(away[id_] for id_ in seen) < min(away[id_] for id_ in away if id_ not in seen)
    assert source.subjects(Inversion(place="linhe")) == {site.id for site in source.sites}


def test_an_unknown_region_is_an_error() -> None:
    with pytest.raises(SimulationError, match="there is no region '150809'; did you mean 1508"):
        build(region="150809")


@pytest.mark.parametrize("mistake", [{"stations": []}, {"stations": ["Wanliu"]}, {"name": "Linhe"}, {"span": "-3"}])
def test_a_mistake_in_a_block_is_refused(mistake: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        build(**mistake)
