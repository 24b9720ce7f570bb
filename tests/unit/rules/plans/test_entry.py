"""Values by entry: all of a file or nothing, with every mistake and its line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from citybrain.catalogue.load import load as load_catalogue
from citybrain.settings import PROJECT
from rules.plans.entry import Cells, Entry, EntryError, checked, read
from rules.plans.load import load
from rules.plans.model import Plan

TODAY = date(2026, 11, 22)
FOREST = "bayannur-2021-2025/forest_cover"
LEAKAGE = "inner-mongolia-city-quality-2025/leakage_rate"


@pytest.fixture(scope="module")
def plans() -> dict[str, Plan]:
    return load(PROJECT, load_catalogue(PROJECT))


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    file = folder / "values.csv"
    file.write_bytes(text.encode(encoding))
    return file


def mistakes(file: Path, plans: dict[str, Plan]) -> list[str]:
    with pytest.raises(EntryError) as caught:
        checked(read(file), plans, TODAY)
    assert str(caught.value).endswith("\nNothing was stored.")
    return list(caught.value.problems)


def test_a_file_as_a_spreadsheet_saves_it(tmp_path: Path, plans: dict[str, Plan]) -> None:
    text = (
        f"day,indicator,value,region,note\r\n2025-12-31,{FOREST},8.9,150800,年报\r\n2026-10-31,{LEAKAGE},11,150802,\r\n"
    )
    assert checked(read(write(tmp_path, text, "utf-8-sig")), plans, TODAY) == [
        Entry(FOREST, "150800", date(2025, 12, 31), 8.9, "年报"),
        Entry(LEAKAGE, "150802", date(2026, 10, 31), 11.0, None),
    ]


def test_every_mistake_has_its_line(tmp_path: Path, plans: dict[str, Plan]) -> None:
    text = f"""indicator,region,day,value
bayannur-2021-2025/forest_cove,150800,2025-12-31,8.9
{FOREST},150802,2025-12-31,8.9
{LEAKAGE},150900,2025-02-30,"11,2"
{FOREST},150800,2027-01-01,nan

{FOREST},150800,2024-12-31,8.7
{FOREST},150800,2024-12-31,8.8
bayannur-2021-2025/reclaimed_water_rate,150800,2025-12-31,40
"""
    assert mistakes(write(tmp_path, text), plans) == [
        "values.csv:2: unknown indicator 'bayannur-2021-2025/forest_cove'; did you mean "
        "bayannur-2021-2025/forest_cover?",
        f"values.csv:3: {FOREST} is not judged in region '150802'; did you mean 150800?",
        f"values.csv:4: {LEAKAGE} is not judged in region '150900'; did you mean 150800?",
        "values.csv:4: expected a day such as 2026-06-30, found '2025-02-30'",
        "values.csv:4: expected a plain number, such as 11.2 (in %), found '11,2'",
        "values.csv:5: the day 2027-01-01 lies ahead; today is 2026-11-22",
        "values.csv:5: expected a plain number, such as 11.2 (in %), found 'nan'",
        "values.csv:8: values.csv:7 has a value of this indicator, region and day already",
        "values.csv:9: bayannur-2021-2025/reclaimed_water_rate is not judged any more; enter "
        "inner-mongolia-city-quality-2025/reclaimed_water_rate",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [f"values.csv:1: the column {name} is missing" for name in ("indicator", "region", "day", "value")]),
        ("indicator,region,day,value\n", ["values.csv: the file has no values"]),
        (
            "indicator,region,date,value\na,b,c,d\n",
            [
                "values.csv:1: the column day is missing",
                "values.csv:1: unknown column 'date'; expected indicator, region, day, value, note",
            ],
        ),
        (
            "indicator,region,day,value,value\na,b,c,d,e\n",
            ["values.csv:1: the column value is given twice"],
        ),
        (
            "indicator,region,day,value\na,b,c\na,b,c,d,e\n",
            [
                "values.csv:2: expected 4 cells as in the first line",
                "values.csv:3: expected 4 cells as in the first line",
            ],
        ),
        ("indicator,region,day,value\n\0", ["values.csv: the file is no text; save it as `CSV UTF-8`"]),
        ('indicator,region,day,value\na,b,c,"d\n', ["values.csv:2: not valid CSV: unexpected end of data"]),
    ],
)
def test_files_that_are_none(tmp_path: Path, plans: dict[str, Plan], text: str, expected: list[str]) -> None:
    assert mistakes(write(tmp_path, text), plans) == expected


def test_a_file_in_another_encoding(tmp_path: Path, plans: dict[str, Plan]) -> None:
    file = write(tmp_path, f"indicator,region,day,value,note\n{FOREST},150800,2025-12-31,8.9,年报\n", "gbk")
    assert mistakes(file, plans) == ["values.csv: the file is not UTF-8; save it as `CSV UTF-8`"]


def test_a_file_that_is_not_there(tmp_path: Path, plans: dict[str, Plan]) -> None:
    assert mistakes(tmp_path / "none.csv", plans) == [
        f"{tmp_path}/none.csv: the file can't be read: No such file or directory"
    ]


@pytest.mark.parametrize("value", ["", "1e3", "1_000", "٣", "12%", "inf", ".5", "9" * 400])
def test_what_is_no_plain_number(plans: dict[str, Plan], value: str) -> None:
    cells = Cells("the value", FOREST, "150800", "2025-12-31", value)
    with pytest.raises(EntryError, match="expected a plain number"):
        checked([cells], plans, TODAY)
