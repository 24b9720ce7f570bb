"""The board of the platform itself, from Prometheus: what flows, what waits, what fails."""

from __future__ import annotations

from typing import NamedTuple

from grafana_foundation_sdk.models.dashboard import Threshold

from citybrain.catalogue.model import Catalogue
from deploy.boards import frame
from deploy.boards.fields import Field
from deploy.boards.model import Board
from deploy.boards.panels import PanelBuilder, Size, courses, numbers
from deploy.boards.sources import metric
from deploy.boards.thresholds import INK, SEVERITIES
from deploy.boards.variables import cockpit
from deploy.boards.words import Words

_OK, _BAD = INK, SEVERITIES[1]


class Course(NamedTuple):
    """An expression of Prometheus over time; its words are `platform.<name>`.

    `legend` is how its series are called, mostly a label's value; `values` is the group of words for these.
    """

    name: str
    expression: str
    legend: str
    unit: str = "short"
    values: str | None = None


class Now(NamedTuple):
    """A number of now, bad from `bad` on, or, where `low`, below it."""

    name: str
    expression: str
    bad: float
    unit: str = "short"
    low: bool = False


_NOW = (
    Now("database_up", "min(citybrain_database_up)", 1, low=True),
    Now("connected", "sum(citybrain_collector_connected)", 1, low=True),
    Now("heartbeat", "max(citybrain_collector_heartbeat_age_seconds)", 10, "s"),
    Now("unbalanced", "max(citybrain_ledger_day_unbalanced_hours)", 1),
    Now("rule_errors", "sum(citybrain:rule_errors:increase15m)", 1),
    Now("locks", "max(citybrain_database_locks) / max(citybrain_database_lock_room)", 0.8, "percentunit"),
)
_FLOW = (
    Course("readings", "citybrain:readings:rate5m", "{{fate}}", "cps", "city"),
    Course("lag", "citybrain:receive_lag_seconds:p99_rate5m", "p99", "s"),
    Course("reading_lag", "citybrain:reading_lag_seconds:p50_rate15m", "p50", "s"),
    Course("queued", "sum(citybrain_queued_messages)", ""),
    Course("doubtful", "sum(rate(citybrain_doubtful_readings_total[5m]))", "", "cps"),
    Course("late", "sum(rate(citybrain_late_readings_total[5m]))", "", "cps"),
    Course("completeness", "citybrain_completeness_ratio", "{{domain}}", "percentunit"),
    Course("newest", "citybrain_newest_reading_age_seconds", "{{domain}}", "s"),
    Course("ledger", "citybrain_ledger_day_readings", "{{account}}", "short", "city"),
    Course("quarantine", "citybrain_quarantine_open_entries", "{{reason}}"),
    Course("devices", "sum by (state) (citybrain_devices)", "{{state}}", "short", "device"),
)
_RULES = (
    Course("transitions", "sum by (kind) (rate(citybrain_alert_transitions_total[5m]))", "{{kind}}", "cps", "event"),
    Course("rule_unknown", "topk(10, citybrain:rule_unknown:ratio_increase1d)", "{{rule}}", "percentunit"),
    Course("notifications", "citybrain:notifications:increase15m", "{{route}} {{result}}"),
)
_DATABASE = (
    Course("commit", "citybrain:commit_seconds:p99_rate5m", "p99", "s"),
    Course("database_bytes", "max(citybrain_database_bytes)", "", "bytes"),
    Course("chunks", "max(citybrain_database_chunks)", ""),
)
_BROKER = (
    Course("stored_messages", 'max(citybrain_broker{what="messages_stored"})', ""),
    Course("dropped", 'max(deriv(citybrain_broker{what="messages_dropped"}[5m]))', "", "cps"),
    Course("clients", 'max(citybrain_broker{what="clients_connected"})', ""),
    Course("refused", "sum by (reason) (rate(citybrain_broker_refused_total[5m]))", "{{reason}}", "cps"),
)
_ANSWERS = (
    Course("answers", "citybrain:http_requests:rate5m", "{{status}}", "reqps"),
    Course("answer_time", "citybrain:http_seconds:p95_rate5m", "p95", "s"),
    Course("http_failed", "citybrain:http_requests_failed:ratio_rate5m", "", "percentunit"),
)


def board(catalogue: Catalogue, words: Words, zone: str) -> Board:
    """What is well or ill now, then the course of all parts, from readings to the answers of the API."""
    domains = [Field(id, words.of(one.title)) for id, one in catalogue.domains.items()]
    panels = [
        *(_number(one, words) for one in _NOW),
        *(_course(one, domains, words) for one in (*_FLOW, *_RULES, *_DATABASE, *_BROKER, *_ANSWERS)),
    ]
    return frame.board(
        "platform", words("board.platform"), panels, [cockpit()], words, zone=zone, span="6h", cockpit="/platform"
    )


def _number(one: Now, words: Words) -> PanelBuilder:
    steps = (
        [Threshold(None, _BAD), Threshold(one.bad, _OK)]
        if one.low
        else [Threshold(None, _OK), Threshold(one.bad, _BAD)]
    )
    field = Field(".*", unit=one.unit, steps=steps, every=True)
    return numbers(words(f"platform.{one.name}"), metric(one.expression), [field], Size(4, 4), course=True)


def _course(one: Course, domains: list[Field], words: Words) -> PanelBuilder:
    title = words(f"platform.{one.name}")
    called = [Field(value, text) for value, text in words.group(one.values).items()] if one.values else []
    fields = domains if one.legend == "{{domain}}" else called
    return courses(title, [metric(one.expression, one.legend or title)], fields, Size(8, 7), unit=one.unit)
