"""Backtests in words: tables for the terminal, and the alerts as CSV and JSON."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from rich import box
from rich.console import RenderableType
from rich.markup import escape
from rich.table import Column, Table

from rules.alerts.wording import SEVERITY
from rules.backtest.alerts import Alert
from rules.backtest.compare import Difference, Pair, compare
from rules.backtest.run import Outcome
from rules.backtest.score import Incident, Score, score

SHOWN = 30  # lines of a table of alerts; files have all of them
NONE = "-"
FIELDS = ("rule", "subject", "site", "device", "raised", "cleared", "minutes", "severity", "worst", "values", "course")


class Report:
    """Says what a backtest found."""

    def __init__(self, outcome: Outcome, zone: ZoneInfo) -> None:
        self.outcome = outcome
        self.zone = zone

    def tables(self, incidents: Sequence[Incident] | None = None) -> Iterator[RenderableType]:
        """All there is to say, in the order in which an engineer asks."""
        found = self.outcome
        names = found.rules[0] if len(found.rules) == 1 else f"{len(found.rules)} rules"
        yield f"{names}, {self._time(found.since_us, '%Y-')} to {self._time(found.until_us, '%Y-')} (city time)"
        yield self._totals()
        yield from self._list(found.alerts)
        if found.live is not None:
            yield from self._difference(found.live, "in force")
        if found.late is not None:
            yield from self._difference(found.late, "late counted")
        if incidents is not None:
            yield self._score(incidents)
        for name, why in (found.silent or {}).items():
            yield f"{name} was not replayed: {escape(why)}."

    def _totals(self) -> Table:
        found = self.outcome
        table = _table("rule", *_right("alerts", "subjects", "minutes raised", "open at start", "open at end"))
        by_rule = _by_rule(found.alerts)
        for name in found.rules:
            alerts = by_rule[name]
            minutes = sum(alert.minutes(found.since_us, found.until_us) for alert in alerts)
            numbers = (
                len(alerts),
                len({alert.subject for alert in alerts}),
                round(minutes),
                sum(alert.raised_us < found.since_us for alert in alerts),
                sum(alert.cleared_us is None for alert in alerts),
            )
            table.add_row(name, *(f"{number:,}" for number in numbers))
        table.caption = f"{found.readings:,} readings" + f", {found.rows:,} rows of queries" * bool(found.rows)
        return table

    def _list(self, alerts: Sequence[Alert]) -> Iterator[RenderableType]:
        if not alerts:
            yield "No alerts."
            return
        table = _table("raised", "cleared", *_right("minutes"), "worst", Column("subject", overflow="fold"), "saw")
        for alert in alerts[:SHOWN]:
            minutes = alert.minutes(self.outcome.since_us, self.outcome.until_us)
            table.add_row(
                self._time(alert.raised_us),
                self._time(alert.cleared_us),
                f"{minutes:,.0f}",
                SEVERITY[alert.worst].en,
                escape(self._named(alert)),
                escape(_seen(alert)),
            )
        yield table
        yield from _more(len(alerts))

    def _difference(self, others: Sequence[Alert], what: str) -> Iterator[RenderableType]:
        ours, theirs = _by_rule(self.outcome.alerts), _by_rule(others)
        versions = self.outcome.versions if what == "in force" else None
        totals = _table("rule", *_right("here", what, "the same", "only here", f"only {what}", "other times"))
        lines: list[tuple[int, str, str, str]] = []
        for name in self.outcome.rules:
            if versions is not None and name not in versions:
                totals.add_row(f"{name}: none in force", f"{len(ours[name]):,}", *[NONE] * 5)
                continue
            found = compare(ours[name], theirs[name])
            numbers = (found.same, found.only_here, found.only_there, found.changed)
            title = f"{name}, version {versions[name]}" if versions is not None else name
            totals.add_row(title, *(f"{len(part):,}" for part in (ours[name], theirs[name], *numbers)))
            lines += self._lines(found)
        yield totals
        if lines:
            table = _table("difference", Column("subject", overflow="fold"), "here", what)
            for _, subject, here, there in sorted(lines)[:SHOWN]:
                kind = "only here" if there == NONE else f"only {what}" if here == NONE else "other times"
                table.add_row(kind, escape(subject), here, there)
            yield table
            yield from _more(len(lines))

    def _lines(self, found: Difference) -> Iterator[tuple[int, str, str, str]]:
        pairs: list[Pair] = [
            *(((alert,), ()) for alert in found.only_here),
            *(((), (alert,)) for alert in found.only_there),
            *found.changed,
        ]
        for here, there in pairs:
            first = (*here, *there)[0]
            yield first.raised_us, self._named(first), self._spans(here), self._spans(there)

    def _spans(self, alerts: Iterable[Alert]) -> str:
        spans = [
            f"{self._time(alert.raised_us)} to {self._time(alert.cleared_us)} {SEVERITY[alert.worst].en}"
            for alert in alerts
        ]
        return "\n".join(spans) or NONE

    def _score(self, incidents: Sequence[Incident]) -> Table:
        found = self.outcome
        table = _table(
            "incidents",
            *_right("there were", "found", "recall", "precision", "lead time: median", "p90"),
            caption="Lead time: from the start of an incident to its first alert; negative, the alert came before.",
        )
        for kind in sorted({incident.kind for incident in incidents}):
            only = [incident for incident in incidents if incident.kind == kind]
            # An alert belongs to no kind, so that only all kinds together have a precision.
            table.add_row(kind, *_scores(score(found.alerts, only, found.since_us, found.until_us), precise=False))
        table.add_row("all", *_scores(score(found.alerts, incidents, found.since_us, found.until_us), precise=True))
        return table

    def _named(self, alert: Alert) -> str:
        return alert.subject if len(self.outcome.rules) == 1 else f"{alert.rule} {alert.subject}"

    def _time(self, time_us: int | None, year: str = "") -> str:
        return NONE if time_us is None else f"{_moment(time_us).astimezone(self.zone):{year}%m-%d %H:%M:%S}"

    # ── files ──────────────────────────────────────────────────────────────────────────────────────────

    def write_csv(self, path: Path) -> None:
        """The alerts, a line each; instants in ISO 8601 with the city's offset, values and course as JSON."""
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, FIELDS)
            writer.writeheader()
            for alert in self.outcome.alerts:
                row = self._record(alert)
                words = {name: json.dumps(row[name], ensure_ascii=False) for name in ("values", "course")}
                writer.writerow({**row, **words})

    def write_json(self, path: Path) -> None:
        """All of the backtest's alerts: here, of the versions in force, and with late readings in time."""
        found = self.outcome
        sides = {"alerts": found.alerts, "in_force": found.live, "with_late_readings": found.late}
        tree: dict[str, object] = {
            "rules": found.rules,
            "from": self._iso(found.since_us),
            "to": self._iso(found.until_us),
            "readings": found.readings,
            "not_replayed": dict(found.silent or {}),
            **{name: [self._record(alert) for alert in alerts] for name, alerts in sides.items() if alerts is not None},
        }
        path.write_text(json.dumps(tree, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    def _record(self, alert: Alert) -> Mapping[str, object]:
        first = alert.transitions[0]
        return {
            "rule": alert.rule,
            "subject": alert.subject,
            "site": first.site,
            "device": first.device,
            "raised": self._iso(alert.raised_us),
            "cleared": self._iso(alert.cleared_us),
            "minutes": round(alert.minutes(self.outcome.since_us, self.outcome.until_us), 3),
            "severity": first.severity,
            "worst": alert.worst,
            "values": dict(first.values),
            "course": [
                {"time": self._iso(one.time_us), "kind": one.kind, "severity": one.severity, "reason": one.reason}
                for one in alert.transitions
            ],
        }

    def _iso(self, time_us: int | None) -> str | None:
        return None if time_us is None else _moment(time_us).astimezone(self.zone).isoformat()


def _table(*columns: str | Column, caption: str | None = None) -> Table:
    return Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False, caption=caption, caption_justify="left")


def _right(*names: str) -> list[Column]:
    return [Column(name, justify="right") for name in names]


def _by_rule(alerts: Iterable[Alert]) -> dict[str, list[Alert]]:
    found: dict[str, list[Alert]] = defaultdict(list)
    for alert in alerts:
        found[alert.rule].append(alert)
    return found


def _seen(alert: Alert) -> str:
    """What the conditions saw when it was raised."""
    values = alert.transitions[0].values.items()
    return ", ".join(f"{name} {cell:.4g}" if isinstance(cell, float) else f"{name} {cell}" for name, cell in values)


def _scores(found: Score, *, precise: bool) -> list[str]:
    shares = [found.recall, found.precision if precise else None]
    leads = [found.lead(50), found.lead(90)]
    return [
        f"{found.incidents:,}",
        f"{found.found:,}",
        *(NONE if share is None else f"{share:.1%}" for share in shares),
        *(NONE if lead is None else f"{lead:.1f} min" for lead in leads),
    ]


def _more(count: int) -> Iterator[str]:
    if count > SHOWN:
        yield f"... and {count - SHOWN:,} more; `--json` writes all."


def _moment(time_us: int) -> datetime:
    return datetime.fromtimestamp(time_us // 1_000_000, UTC).replace(microsecond=time_us % 1_000_000)
