"""Scenarios: what happens in a simulated city, where, when and how strongly; and so the truth about it.

```yaml
title: {zh: 夜间爆管, en: Burst at night}
city: demo
starts: 2026-01-15T00:00      # in city time; without it: when the simulation begins
history: 8d                   # quiet days before it
lasts: 12h
domains: [water]
happenings:
  - incident: burst
    fault: water.burst
    at: 2h40m                 # after `starts`; -3h: before it
    lasts: 3h
    shows_as: [water.burst]
    place: linhe-1            # from here on: the fault's own parameters
    flow: 180
```
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, TextIO
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from citybrain.catalogue import messages, schema
from citybrain.catalogue.document import Document, read
from simulators.city import CITIES, path_of
from simulators.model import Fault, Happening, SimulationError

SCENARIOS = Path(__file__).parent / "scenarios"
INCIDENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
MOST_DEVICES = 200_000  # twice of what has been measured; a gigabyte holds about 100,000
MICROSECOND = timedelta(microseconds=1)


def _offset(value: Any) -> timedelta:
    text = value if isinstance(value, str) else ""
    if text in ("0", "0s"):
        return timedelta()
    try:
        return -schema.duration(text[1:]) if text.startswith("-") else schema.duration(text)
    except ValueError as error:
        raise ValueError(f"expected a time after the start such as 0, 2h40m or -3h, found {text!r}") from error


def _local(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"expected city time such as 2026-01-15T00:00, found {value!r}") from error
    if not 2000 <= moment.year < 2100:
        raise ValueError(f"expected a year from 2000 to 2099, found {value!r}")
    if moment.tzinfo:
        raise ValueError(f"expected city time, without an offset, found {value!r}")
    return moment


def _incident(value: Any) -> str:
    if not isinstance(value, str) or not INCIDENT.fullmatch(value):
        raise ValueError(f"expected up to 64 of A-Z, a-z, 0-9, '_', '.' and '-', found {value!r}")
    return value


Name = Annotated[str, BeforeValidator(_incident), WithJsonSchema({"type": "string"})]
Offset = Annotated[timedelta, BeforeValidator(_offset), WithJsonSchema({"type": ["string", "integer"]})]
Local = Annotated[datetime, BeforeValidator(_local), WithJsonSchema({"type": "string"})]


class Entry(BaseModel):
    """One happening; what its fault needs besides stands beside these keys."""

    model_config = ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)

    incident: Name
    """Its name in the ground truth, unique in the scenario."""
    fault: str
    """The kind of fault, such as `water.burst`."""
    at: Offset
    """When it begins, after the start of the scenario."""
    lasts: schema.Duration
    """How long."""
    shows_as: list[str] = []
    """Rules that are meant to see it; none: nothing may be raised for it."""


class ScenarioFile(BaseModel):
    """A scenario as its file describes it."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    title: schema.Title
    """What it is called, in both languages."""
    about: str = ""
    """What is to be seen, and why."""
    city: str = "demo"
    """The city: the name of one that ships, or a file beside this one."""
    devices: int | None = Field(None, ge=1, le=MOST_DEVICES)
    """Devices of the city; without it those of its file."""
    domains: list[str] = []
    """Only these domains; none: all."""
    starts: Local | None = None
    """When it starts, in city time; without it: when the simulation begins to run live."""
    history: schema.Duration | None = None
    """Quiet time before it that is simulated, too."""
    lasts: schema.Duration | None = None
    """When it ends, after its start; without it: never."""
    calm_devices: schema.Boolean = False
    """Whether nothing ever happens to the devices, but for what `happenings` say; else they live as the city says."""
    happenings: list[Entry] = []
    """What happens."""


@dataclass(frozen=True)
class Scenario:
    """A checked scenario."""

    name: str
    file: ScenarioFile
    document: Document
    city: Path
    faults: tuple[Fault, ...]
    """Of each happening, in the order of the file."""

    @property
    def lead(self) -> timedelta:
        """How long before its start the first of its happenings begins, if one does."""
        return max([timedelta(), *(-entry.at for entry in self.file.happenings)])

    def happenings(self, start: int) -> list[Happening]:
        """What happens if it starts at `start` (us UTC)."""
        return [
            Happening(
                entry.incident,
                fault,
                start + entry.at // MICROSECOND,
                start + (entry.at + entry.lasts) // MICROSECOND,
                tuple(entry.shows_as),
            )
            for entry, fault in zip(self.file.happenings, self.faults, strict=True)
        ]

    def mistake(self, number: int, message: str) -> SimulationError:
        """An error in the happening of this number (from 0), with its place in the file."""
        self.document.report(("happenings", number), message.removesuffix("."))
        return SimulationError("\n".join(map(str, sorted(self.document.problems))))


@dataclass(frozen=True, slots=True)
class Incident:
    """What truly happened: times in microseconds UTC, `subjects` ids of sites."""

    incident: str
    kind: str
    start: int
    end: int
    subjects: tuple[str, ...]
    shows_as: tuple[str, ...]


def load(name: str, kinds: Mapping[str, type[Fault]], folder: Path, domains: Sequence[str] = ()) -> Scenario:
    """The scenario of this name, or of this file (relative to `folder`), with faults of the known kinds.

    Raises:
        SimulationError: with every mistake in the file, and its place.
    """
    path = path_of(name, folder, SCENARIOS)
    document = read(path, path.name)
    try:
        if not document.readable:
            raise _mistakes(document)
        file = ScenarioFile.model_validate(document.tree)
    except ValidationError as error:
        messages.report(document, schema.json_schema(ScenarioFile), error.errors(include_url=False))
        raise _mistakes(document) from error
    faults = [_fault(document, number, entry, kinds) for number, entry in enumerate(file.happenings)]
    _check_names(document, file, domains)
    try:
        city = path_of(file.city, path.parent, CITIES)
    except SimulationError as error:
        document.report(("city",), str(error).rstrip("."))
    if document.problems:
        raise _mistakes(document)
    return Scenario(path.stem, file, document, city, tuple(fault for fault in faults if fault))


def write_truth(incidents: Sequence[Incident], file: TextIO, zone: ZoneInfo) -> None:
    """The incidents as `citybrain rules backtest --truth` reads them."""
    rows = csv.writer(file)
    rows.writerow(["incident", "kind", "start", "end", "subjects"])
    for one in incidents:
        times = (
            datetime.fromtimestamp(time / 1e6, zone).isoformat(timespec="seconds") for time in (one.start, one.end)
        )
        rows.writerow([one.incident, one.kind, *times, ";".join(one.subjects)])


def _fault(document: Document, number: int, entry: Entry, kinds: Mapping[str, type[Fault]]) -> Fault | None:
    kind = kinds.get(entry.fault)
    if kind is None:
        known = messages.hint(entry.fault, kinds) or f"; known are {', '.join(sorted(kinds))}"
        document.report(("happenings", number, "fault"), f"there is no fault {entry.fault!r}{known}")
        return None
    try:
        return kind.model_validate(entry.model_extra or {})
    except ValidationError as error:
        part = _Part(document, ("happenings", number))
        messages.report(part, schema.json_schema(kind), error.errors(include_url=False))
        return None


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a document, as what reports mistakes sees it."""

    document: Document
    steps: tuple[str | int, ...]

    def report(self, steps: tuple[str | int, ...], message: str) -> None:
        self.document.report((*self.steps, *steps), message)


def _check_names(document: Document, file: ScenarioFile, domains: Sequence[str]) -> None:
    seen: set[str] = set()
    for number, entry in enumerate(file.happenings):
        if entry.incident in seen:
            document.report(("happenings", number, "incident"), f"{entry.incident} is there twice")
        seen.add(entry.incident)
    for number, domain in enumerate(file.domains):
        if domains and domain not in domains:
            hint = messages.hint(domain, domains) or f"; known are {', '.join(domains)}"
            document.report(("domains", number), f"there is no domain {domain!r}{hint}")


def _mistakes(document: Document) -> SimulationError:
    return SimulationError("\n".join(map(str, sorted(document.problems))))
