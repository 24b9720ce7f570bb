from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from simulators import recording

SAMPLE = Path(recording.__file__).parent / "sample"
HEADER = "No,year,month,day,hour,PM2.5,PM10,SO2,NO2,CO,O3,TEMP,PRES,DEWP,RAIN,wd,WSPM,station"
LINE = '1,2016,12,31,23,4,5.5,6,7,300,8,-0.7,1023,-18.8,0,"NNW",4.4,"Dongsi"'
NEXT = "2,2017,1,1,0,NA,NA,,NA,NA,NA,NA,NA,NA,NA,NA,NA,Dongsi"


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def at(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def test_a_row_becomes_readings_in_the_catalogues_units(tmp_path: Path) -> None:
    [row] = recording.read([write(tmp_path / "a.csv", HEADER, LINE)]).to_dicts()
    assert row == {
        "station": "Dongsi", "time": at(datetime(2016, 12, 31, 15, tzinfo=UTC)),
        "pm25": 4.0, "pm10": 5.5, "so2": 6.0, "no2": 7.0, "co": 0.3, "o3": 8.0, "temperature": -0.7,
        "air_pressure": 1023.0, "dew_point": -18.8, "rain": 0.0, "wind_speed": 4.4, "wind_direction": 337.5,
    }  # fmt: skip


def test_missing_values_are_null_and_the_new_year_follows_the_old(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", HEADER, LINE, NEXT, "")
    old, new = recording.read([path]).to_dicts()
    assert new["time"] - old["time"] == 3_600_000_000
    assert {value for metric, value in new.items() if metric not in ("station", "time")} == {None}


def test_local_midnight_is_of_the_day_before_in_utc(tmp_path: Path) -> None:
    [row] = recording.read([write(tmp_path / "a.csv", HEADER, NEXT)]).to_dicts()
    assert row["time"] == at(datetime(2016, 12, 31, 16, tzinfo=UTC))


def test_the_compass_goes_clockwise_from_north(tmp_path: Path) -> None:
    lines = [
        LINE.replace("NNW", wd).replace(",23,", f",{n},") for n, wd in enumerate(("N", "ENE", "E", "S", "W", "NNW"))
    ]
    rows = recording.read([write(tmp_path / "a.csv", HEADER, *lines)])
    assert rows["wind_direction"].to_list() == [0, 67.5, 90, 180, 270, 337.5]


def test_files_are_read_together_in_order_of_time_then_station(tmp_path: Path) -> None:
    one = write(tmp_path / "1.csv", HEADER, LINE, NEXT)
    two = write(tmp_path / "2.csv", HEADER, NEXT.replace("Dongsi", "Changping"))
    assert recording.read([one, two])["station"].to_list() == ["Dongsi", "Changping", "Dongsi"]


def test_the_sample_has_61_whole_days_of_three_stations() -> None:
    rows = recording.read(sorted(SAMPLE.glob("*.csv")))
    assert rows["station"].value_counts().sort("station").rows() == [
        ("Aotizhongxin", 1464), ("Changping", 1464), ("Dongsi", 1464)
    ]  # fmt: skip
    assert rows["time"].min() == at(datetime(2016, 11, 30, 16, tzinfo=UTC))
    assert rows["time"].max() == at(datetime(2017, 1, 30, 15, tzinfo=UTC))
    # Independently: the fields that are not NA in the text.
    text = [line.split(",")[5:17] for path in SAMPLE.glob("*.csv") for line in path.read_text().splitlines()[1:]]
    values = sum(field != "NA" for fields in text for field in fields)
    assert sum(rows[metric].count() for metric in recording.METRICS.values()) == values


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        (",4,5.5,", ",four,5.5,", "a.csv, line 3, column PM2.5: expected a number or NA, found 'four'."),
        (",4,5.5,", ",nan,5.5,", "line 3, column PM2.5: expected a number or NA, found 'nan'."),
        (",4,5.5,", ",4,inf,", "line 3, column PM10: expected a number or NA, found 'inf'."),
        ('"NNW"', "NNX", "line 3, column wd: expected a compass point or NA, found 'NNX'."),
        (",12,31,", ",12,x,", "line 3, column day: expected a whole number, found 'x'."),
        (",12,31,", ",12,,", "line 3, column day: expected a whole number, found nothing."),
        (",12,31,", ",11,31,", "an hour of the calendar in Asia/Shanghai, found '2016-11-31 23:00'."),
        (",23,", ",24,", "line 3, column hour: expected an hour of the calendar"),
        ('"Dongsi"', "Dong/si", "line 3, column station: expected a station's name"),
        ('"Dongsi"', "", "of letters, digits, '.', '_' and '-', found nothing."),
        (',4.4,"Dongsi"', "", "line 3: expected 18 fields as in line 1, found 16."),
        ('"Dongsi"', "Dongsi,x", "line 3: expected 18 fields as in line 1, found 19."),
        ('"Dongsi"', '"Dongsi', "a.csv can't be read as CSV in UTF-8: unexpected end of data."),
    ],
)  # fmt: skip
def test_a_malformed_line_names_file_line_column_and_what_was_expected(
    tmp_path: Path, good: str, bad: str, message: str
) -> None:
    assert good in LINE
    path = write(tmp_path / "a.csv", HEADER, NEXT, LINE.replace(good, bad))
    with pytest.raises(recording.RecordingError) as caught:
        recording.read([path])
    assert message in str(caught.value)


def test_a_blank_line_does_not_shift_the_lines_that_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", HEADER, "", LINE.replace(",4,5.5,", ",x,5.5,"))
    with pytest.raises(recording.RecordingError, match=r"line 3, column PM2\.5"):
        recording.read([path])


def test_a_file_that_is_no_recording(tmp_path: Path) -> None:
    with pytest.raises(recording.RecordingError, match=r"no\.csv can't be read: No such file"):
        recording.read([tmp_path / "no.csv"])
    with pytest.raises(recording.RecordingError, match="line 1: the column year is missing"):
        recording.read([write(tmp_path / "empty.csv")])
    with pytest.raises(recording.RecordingError, match="line 1: the column CO is missing"):
        recording.read([write(tmp_path / "co.csv", HEADER.replace("CO,", ""), "")])
    latin = tmp_path / "latin.csv"
    latin.write_bytes(HEADER.encode() + b"\n" + LINE.replace("Dongsi", "D\u00f6ngsi").encode("latin-1"))
    with pytest.raises(recording.RecordingError, match="can't be read as CSV in UTF-8"):
        recording.read([latin])


def test_an_hour_that_is_there_twice_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", HEADER, LINE)
    with pytest.raises(recording.RecordingError, match="Station Dongsi has the hour 2016-12-31 15:00:00 UTC twice"):
        recording.read([path, path])
