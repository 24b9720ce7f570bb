"""Reads the calendars of `domains/calendars.yaml`."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date

from citybrain.catalogue.document import Document
from citybrain.catalogue.messages import hint
from citybrain.catalogue.schema import NAME
from rules.grammar.entry import Entry
from rules.grammar.schema import SeasonEntry, Seasons, TimesEntry
from rules.model import Calendar, Season


def read(document: Document, regions: Collection[str], columns: Collection[str]) -> dict[str, Calendar]:
    """The calendars by name; what is wrong with them is reported to the document.

    `columns` are the names that conditions have otherwise.
    """
    return {
        name: _calendar(Entry(document, (name,), name, tree), regions, columns) for name, tree in document.tree.items()
    }


def _calendar(entry: Entry, regions: Collection[str], columns: Collection[str]) -> Calendar:
    if not re.fullmatch(NAME, entry.name):
        entry.report((), "expected a name of lower-case letters, digits and _, beginning with a letter")
    if entry.name in columns:
        entry.report((), f"{entry.name} hides the column of that name; choose another name")
    if isinstance(entry.tree, list):
        seasons = entry.read(Seasons, [{}]).root[: len(entry.tree)]
        found = (_season(entry, position, season, regions) for position, season in enumerate(seasons))
        return Calendar(entry.name, seasons=tuple(filter(None, found)))
    times = entry.read(TimesEntry, {})
    if isinstance(entry.tree, dict) and entry.has(("hours",)) == entry.has(("dates",)):
        entry.report((), "expected a list of seasons, or one of the keys hours and dates")
    return Calendar(entry.name, hours=tuple(times.hours or ()), dates=frozenset(times.dates or ()))


def _season(entry: Entry, position: int, season: SeasonEntry, regions: Collection[str]) -> Season | None:
    for key in ("from", "to"):
        if not entry.has((position, key)):
            entry.report((position, key), "the key is missing: expected a day such as 10-15 or 2026-10-15")
    if season.region is not None and season.region not in regions:
        entry.report((position, "region"), f"unknown region {season.region}{hint(season.region, regions)}")
    start, end = season.start, season.end
    if start is None or end is None:
        return None
    if isinstance(start, date) != isinstance(end, date):
        entry.report((position, "to"), "one end names a year and the other doesn't; give both a year, or neither")
    elif isinstance(start, date) and isinstance(end, date) and end < start:
        entry.report((position, "to"), f"expected a day not before {start}, found {end}")
    return Season(start, end, season.region, season.source)
