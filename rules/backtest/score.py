"""How well alerts find what really happened: precision, recall and lead time against a list of incidents. Pure."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from citybrain.errors import Correctable
from rules.backtest.alerts import MINUTE_US, Alert

COLUMNS = ("incident", "kind", "start", "end", "subjects")


class TruthError(Correctable):
    """The list of incidents can't be used; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that happened; times in microseconds since 1970, the end inclusive.

    `subjects` are the alerts' subjects, devices or sites at which it shows.
    """

    name: str
    kind: str
    start_us: int
    end_us: int
    subjects: frozenset[str]

    def shows_in(self, alert: Alert) -> bool:
        """Whether an alert is of one of the subjects and was raised at some time of the incident."""
        in_time = alert.raised_us <= self.end_us and (alert.cleared_us is None or alert.cleared_us > self.start_us)
        return in_time and not self.subjects.isdisjoint(alert.names)


@dataclass(frozen=True)
class Score:
    """Figures of one kind of incident, or of all.

    `precision` is the share of the alerts in which an incident shows, `recall` the share of the incidents that show in
    an alert; None: there is none to take a share of. `leads` are minutes from the start of each incident found to its
    first alert, ascending; negative ones were raised before.
    """

    alerts: int
    matched: int
    incidents: int
    found: int
    leads: tuple[float, ...]

    @property
    def precision(self) -> float | None:
        """Of the alerts."""
        return self.matched / self.alerts if self.alerts else None

    @property
    def recall(self) -> float | None:
        """Of the incidents."""
        return self.found / self.incidents if self.incidents else None

    def lead(self, percent: float) -> float | None:
        """The minutes within which so many percent of the incidents found were found, interpolated."""
        return float(np.percentile(self.leads, percent)) if self.leads else None


def score(alerts: Sequence[Alert], incidents: Iterable[Incident], since_us: int, until_us: int) -> Score:
    """Score alerts against the incidents that have a part in the span."""
    inside = [one for one in incidents if one.start_us < until_us and one.end_us >= since_us]
    by_name: dict[str, list[int]] = defaultdict(list)
    for position, alert in enumerate(alerts):
        for name in alert.names:
            by_name[name].append(position)
    matched: set[int] = set()
    leads = []
    for incident in inside:
        near = {position for name in incident.subjects for position in by_name.get(name, ())}
        showing = [position for position in near if incident.shows_in(alerts[position])]
        matched.update(showing)
        if showing:
            first_us = min(alerts[position].raised_us for position in showing)
            leads.append((first_us - incident.start_us) / MINUTE_US)
    return Score(len(alerts), len(matched), len(inside), len(leads), tuple(sorted(leads)))


def read(path: Path, zone: ZoneInfo) -> list[Incident]:
    """Incidents of a CSV with the columns incident, kind, start, end and subjects (separated by `;`).

    Times as `2026-03-01T10:00`, in the city's zone unless they name another.

    Raises:
        TruthError: the file can't be read, a column is missing, or a line is wrong.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise TruthError(
                    f"{path} has no column {', '.join(missing)}: its first line must name {', '.join(COLUMNS)}."
                )
            return [_incident(path, reader.line_num, row, zone) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TruthError(f"{path} can't be read as CSV in UTF-8: {error}.") from error


def _incident(path: Path, line: int, row: dict[str, str | None], zone: ZoneInfo) -> Incident:
    def instant(name: str) -> int:
        try:
            moment = datetime.fromisoformat((row[name] or "").strip())
        except ValueError as error:
            raise TruthError(f"{path}:{line}: {name} is {row[name]!r}; write it as 2026-03-01T10:00.") from error
        return round((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp() * 1_000_000)

    start_us, end_us = instant("start"), instant("end")
    subjects = frozenset(part for name in (row["subjects"] or "").split(";") if (part := name.strip()))
    if end_us < start_us:
        raise TruthError(f"{path}:{line}: the incident ends before it starts.")
    if not subjects:
        raise TruthError(f"{path}:{line}: name at least one subject, device or site in subjects.")
    return Incident(row["incident"] or "", row["kind"] or "", start_us, end_us, subjects)
