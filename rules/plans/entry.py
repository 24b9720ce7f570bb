"""Values of indicators that people enter, one by one or as a CSV file, with who and when."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from math import isfinite
from pathlib import Path
from zoneinfo import ZoneInfo

from citybrain.catalogue.messages import hint
from citybrain.catalogue.model import Text
from citybrain.errors import Correctable
from citybrain.store.connection import Connection
from citybrain.store.sql import query
from rules.plans.load import indicators
from rules.plans.model import Indicator, Plan

COLUMNS = ("indicator", "region", "day", "value")  # which a file must have
NOTE = "note"  # which it may have

# A plain number with a point for the decimals: what else Python reads (1_000, nan, ٣) is a slip here.
_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class EntryError(Correctable):
    """Values can't be entered; the text has a line for each mistake, and nothing was stored."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join((*self.problems, "Nothing was stored.")))


@dataclass(frozen=True, slots=True)
class Cells:
    """One value as it was written; `place` names it in messages, such as `values.csv:3`."""

    place: str
    indicator: str
    region: str
    day: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One value that can be stored, in the indicator's unit, of the end of a city day."""

    indicator: str
    region: str
    day: date
    value: float
    note: str | None


def read(file: Path) -> list[Cells]:
    """The rows of a CSV file in UTF-8 whose first line names the columns of COLUMNS and maybe `note`, in any order.

    Raises:
        EntryError: the file can't be read, or its columns are others.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise EntryError([f"{file}: the file can't be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise EntryError([f"{file.name}: the file is not UTF-8; save it as `CSV UTF-8`"]) from error
    if "\0" in text:
        raise EntryError([f"{file.name}: the file is no text; save it as `CSV UTF-8`"])
    reader = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise EntryError([f"{file.name}:{reader.reader.line_num}: not valid CSV: {error}"]) from error
    columns = [column.strip() for column in reader.fieldnames or ()]
    problems = [f"{file.name}:1: the column {column} is missing" for column in COLUMNS if column not in columns]
    for position, column in enumerate(columns):
        if column not in (*COLUMNS, NOTE):
            expected = hint(column, (*COLUMNS, NOTE)) or "; expected " + ", ".join((*COLUMNS, NOTE))
            problems.append(f"{file.name}:1: unknown column {column!r}{expected}")
        elif column in columns[:position]:
            problems.append(f"{file.name}:1: the column {column} is given twice")
    for line, row in rows:
        # DictReader keeps surplus cells under None, and None for those that a short line lacks.
        if None in row or None in row.values():
            problems.append(f"{file.name}:{line}: expected {len(columns)} cells as in the first line")
    if not rows and not problems:
        problems.append(f"{file.name}: the file has no values")
    if problems:
        raise EntryError(problems)
    return [
        Cells(f"{file.name}:{line}", **{name.strip(): cell.strip() for name, cell in row.items()}) for line, row in rows
    ]


def checked(rows: Iterable[Cells], plans: Mapping[str, Plan], today: date) -> list[Entry]:
    """The values that can be stored, all of them or none.

    Raises:
        EntryError: with every mistake in every row.
    """
    known = indicators(plans)
    problems: list[str] = []
    entries: list[Entry] = []
    places: dict[tuple[str, str, date], str] = {}
    for row in rows:
        indicator, day, value = known.get(row.indicator), _day(row.day), _number(row.value)
        found = []
        if indicator is None:
            near = hint(row.indicator, known) or "; expected plan/indicator"
            found.append(f"unknown indicator {row.indicator!r}{near}")
        elif against := _against(indicator, row.region):
            found.append(against.en)
        if day is None:
            found.append(f"expected a day such as 2026-06-30, found {row.day!r}")
        elif ahead := _ahead(day, today):
            found.append(ahead.en)
        if value is None:
            unit = f" (in {indicator.unit})" if indicator else ""
            found.append(f"expected a plain number, such as 11.2{unit}, found {row.value!r}")
        if not found and indicator and day and value is not None:
            first = places.setdefault((indicator.id, row.region, day), row.place)
            if first == row.place:
                entries.append(Entry(indicator.id, row.region, day, value, row.note or None))
            else:
                found.append(f"{first} has a value of this indicator, region and day already")
        problems += (f"{row.place}: {problem}" for problem in found)
    if problems:
        raise EntryError(problems)
    return entries


def mistakes(indicator: Indicator, region: str, day: date, today: date) -> list[Text]:
    """What is wrong with a value of this indicator for this region and city day."""
    return [mistake for mistake in (_against(indicator, region), _ahead(day, today)) if mistake]


def enter(connection: Connection, entries: Iterable[Entry], by: str, now: datetime) -> int:
    """Store values in one transaction, with who entered them and when; how many. Needs the writer's role."""
    rows = [
        {
            "indicator": entry.indicator,
            "region": entry.region,
            "day": entry.day,
            "value": entry.value,
            "note": entry.note,
            "by": by,
            "at": now,
        }
        for entry in entries
    ]
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(query("plans", "enter"), rows)
    return len(rows)


def plan_enter(
    connection: Connection, plans: Mapping[str, Plan], rows: Iterable[Cells], by: str, now: datetime, zone: ZoneInfo
) -> int:
    """Check and store values that somebody wrote; how many.

    Raises:
        EntryError: with every mistake; nothing is stored then.
    """
    if not by.strip():
        raise EntryError(["It is not said who enters the values; give a name."])
    return enter(connection, checked(rows, plans, now.astimezone(zone).date()), by.strip(), now)


def _against(indicator: Indicator, region: str) -> Text | None:
    """What is wrong with a value of this indicator for this region, if anything."""
    if indicator.superseded_by is not None:
        other = indicator.superseded_by
        return Text(
            f"指标 {indicator.id} 已不再评价；请填报 {other}", f"{indicator.id} is not judged any more; enter {other}"
        )
    judged = (*indicator.regions, *indicator.within)
    if region in judged:
        return None
    expected = f"{indicator.regions[0]} or a region in it" if len(judged) > 1 else judged[0]
    inside = "或其下级行政区划" if len(judged) > 1 else ""
    return Text(
        f"指标 {indicator.id} 不在行政区划 {region} 评价；应为 {indicator.regions[0]}{inside}",
        f"{indicator.id} is not judged in region {region!r}{hint(region, judged) or f'; expected {expected}'}",
    )


def _ahead(day: date, today: date) -> Text | None:
    if day <= today:
        return None
    return Text(f"日期 {day} 尚未到来；今天是 {today}", f"the day {day} lies ahead; today is {today}")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def _number(text: str) -> float | None:
    value = float(text) if _NUMBER.fullmatch(text) else None
    return value if value is not None and isfinite(value) else None
