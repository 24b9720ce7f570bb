"""Which series there are: topics to devices, devices and metrics to series, series to their limits."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Self

import numpy as np

from citybrain.store.binary import Column
from citybrain.store.connection import Connection
from citybrain.store.sql import query

# What quality checks need of a series; infinity: no check. Durations in microseconds. `feeds` has the bit
# 1 << i where the series is an input of the i-th of `SeriesTable.functions`.
TRAITS = np.dtype(
    [
        ("device", "i4"),
        ("low", "f8"),
        ("high", "f8"),
        ("max_step", "f8"),
        ("stuck_us", "f8"),
        ("interval_us", "f8"),
        ("revises", "?"),
        ("feeds", "i8"),
    ]
)
NO_TRAITS = np.array([(0, -np.inf, np.inf, np.inf, np.inf, np.inf, False, 0)], TRAITS)[0]


class Channel(NamedTuple):
    """A device's way into one series; `codes` maps the texts that stand for a value, None: plain numbers only."""

    series: int
    codes: dict[object, float] | None


class SeriesName(NamedTuple):
    """A series in words; its topic is city/<region>/<domain>/<device>/reading."""

    region: str
    domain: str
    device: str
    metric: str

    @property
    def topic(self) -> str:
        """The topic its readings come on."""
        return f"city/{self.region}/{self.domain}/{self.device}/reading"


@dataclass(frozen=True, slots=True)
class _Metric:
    id: int
    kind: str
    codes: dict[object, float] | None
    unit: str | None
    verified: bool
    derived: bool
    traits: tuple[Any, ...]


BOOLEAN_CODES: dict[object, float] = {
    True: 1.0,  # 1 and 1.0 are the same key
    False: 0.0,
    "true": 1.0,
    "false": 0.0,
    "on": 1.0,
    "off": 0.0,
}


def _codes(kind: str, states: dict[str, int]) -> dict[object, float] | None:
    if kind == "boolean":
        return BOOLEAN_CODES
    if kind == "state":
        return {
            **{name: float(code) for name, code in states.items()},
            **{code: float(code) for code in states.values()},
        }
    return None


@dataclass
class SeriesTable:
    """Everything known of regions, domains, devices, metrics and series; grows as devices register themselves."""

    version: int = 0
    regions: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    functions: list[str] = field(default_factory=list)
    unverified: int = 0
    devices: dict[tuple[str, str, str], int] = field(default_factory=dict)
    listed: set[int] = field(default_factory=set)  # devices that the catalogue names
    keys: dict[int, tuple[str, str, str]] = field(default_factory=dict)  # the other way round
    names: dict[int, SeriesName] = field(default_factory=dict)
    # By device and metric. Derived series are apart: they have another writer, so no message may reach them.
    channels: defaultdict[int, dict[str, Channel]] = field(default_factory=lambda: defaultdict(dict))
    derived: defaultdict[int, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    _metrics: dict[tuple[str, str], _Metric] = field(default_factory=dict)
    _traits: Column = field(default_factory=lambda: np.full(1024, NO_TRAITS, TRAITS))

    @classmethod
    def load(cls, connection: Connection) -> Self:
        """Read all of it."""
        rows = connection.execute(query("series", "version")).fetchone()
        table = cls(version=rows[0] if rows else 0)
        table.regions = frozenset(id for (id,) in connection.execute(query("series", "regions")))
        table.domains = frozenset(id for (id,) in connection.execute(query("series", "domains")))
        for domain, name, id, kind, states, unit, verified, derived, *limits, feeds in connection.execute(
            query("series", "metrics")
        ):
            bits = sum(1 << table._function(function) for function in feeds)
            low, high, step, stuck_s, interval_s, revises = limits
            table._metrics[domain, name] = _Metric(
                id,
                kind,
                _codes(kind, states),
                unit,
                verified,
                derived,
                (low, high, step, stuck_s * 1e6, interval_s * 1e6, revises, bits),
            )
        for region, domain, name, id, verified in connection.execute(query("series", "devices")):
            table.devices[region, domain, name] = id
            if verified:
                table.listed.add(id)
            table.keys[id] = (region, domain, name)
        for device, domain, metric, series in connection.execute(query("series", "series")):
            table._add(device, table.keys[device], metric, series, table._metrics[domain, metric])
        row = connection.execute(query("series", "unverified")).fetchone()
        table.unverified = row[0] if row else 0
        return table

    def reload(self, connection: Connection) -> None:
        """Read all of it again."""
        vars(self).update(vars(type(self).load(connection)))

    def metric_known(self, domain: str, metric: str) -> bool:
        """Whether the domain has the metric."""
        return (domain, metric) in self._metrics

    def metric_derived(self, domain: str, metric: str) -> bool:
        """Whether a known metric is computed here, so that no device may report it."""
        return self._metrics[domain, metric].derived

    def unit(self, domain: str, metric: str) -> str | None:
        """The unit that a known metric is kept in."""
        return self._metrics[domain, metric].unit

    def traits(self, series: Column) -> Column:
        """The traits of `series`, in its order."""
        return self._traits[series]

    def series_of(self, connection: Connection, device: int, metric: str) -> int:
        """The series of a known device's derived metric, made where it is new."""
        series = self.derived[device].get(metric)
        return series or self.register_series(connection, self.keys[device], metric).series

    def register_device(self, connection: Connection, key: tuple[str, str, str], now: datetime) -> int:
        """A device that nobody listed; `key` is its region, domain and name. Returns its id."""
        region, domain, name = key
        values = {"region": region, "domain": domain, "name": name, "now": now}
        id = _one(connection.execute(query("series", "add_device"), values).fetchone())
        self.devices[key] = id
        self.keys[id] = key
        return id

    def register_series(self, connection: Connection, key: tuple[str, str, str], metric: str) -> Channel:
        """A series of the device `key` for `metric`, which is added unverified where the domain lacks it."""
        domain = key[1]
        known = self._metrics.get((domain, metric))
        if known is None:
            id = _one(connection.execute(query("series", "add_metric"), {"domain": domain, "name": metric}).fetchone())
            known = _Metric(id, "number", None, None, False, False, tuple(NO_TRAITS)[1:])
            self._metrics[domain, metric] = known
        device = self.devices[key]
        values = {"device": device, "metric": known.id}
        series = _one(connection.execute(query("series", "add_series"), values).fetchone())
        if device not in self.listed or not known.verified:
            self.unverified += 1
        return self._add(device, key, metric, series, known)

    def _add(self, device: int, key: tuple[str, str, str], metric: str, series: int, known: _Metric) -> Channel:
        if series >= len(self._traits):
            grown = np.full(2 * series, NO_TRAITS, TRAITS)
            grown[: len(self._traits)] = self._traits
            self._traits = grown
        self._traits[series] = (device, *known.traits)
        self.names[series] = SeriesName(*key, metric)
        channel = Channel(series, known.codes)
        if known.derived:
            self.derived[device][metric] = series
        else:
            self.channels[device][metric] = channel
        return channel

    def _function(self, name: str) -> int:
        if name not in self.functions:
            self.functions.append(name)
        return self.functions.index(name)


def _one(row: tuple[Any, ...] | None) -> int:
    assert row is not None  # noqa: S101  "returning" of an upsert has a row
    return int(row[0])
