"""Instruments: what the sensors of a city read of what is true, each at its interval, with noise and faults."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import polars as pl

from citybrain.catalogue import messages
from citybrain.catalogue.model import Catalogue, Metric
from simulators import chance
from simulators.faults import Calibration, Drift, InstrumentFault, Offset, Silent, Spikes, Stuck
from simulators.model import (
    DAY,
    HOUR,
    SECOND,
    Happening,
    Reads,
    Sensor,
    Signals,
    SimulatedDevice,
    SimulationError,
    Source,
    Span,
    Times,
    Values,
)
from simulators.sampling import Changes, Indices, Instant, Interval, Reader, Urgent

SCHEMA = {
    "device": pl.UInt32,
    "metric": pl.UInt16,
    "time": pl.Int64,
    "due": pl.Int64,
    "value": pl.Float64,
    "urgent": pl.Boolean,
}
"""Columns of readings: position in `devices`, position in `metrics`, time and earliest sending (us UTC), value, and
whether devices send it at once that otherwise collect what they measure."""

MICROSECOND = timedelta(microseconds=1)


class Instruments:
    """All sensors of a city.

    A sensor is read at its metric's interval, with a phase of its device's own below it: the metrics of one device are
    read together. Intervals of an hour or more begin with the hour, of a day or more at the city's midnight. A metric
    that reports on change is read when it changes and once a day.

    Attributes:
        devices: Of all sources, in their order.
        metrics: That they measure.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        catalogue: Catalogue,
        *,
        seed: int,
        offset: int,
        happenings: Sequence[Happening] = (),
    ) -> None:
        """For the sensors of these sources.

        Args:
            sources: In the order in which `read` counts them.
            catalogue: Has the metrics of their domains.
            seed: Of all chance.
            offset: Of the city's zone, in microseconds east of UTC.
            happenings: Of which those with an `InstrumentFault` are seen.
        """
        self.devices: list[SimulatedDevice] = [device for source in sources for device in source.devices]
        numbers: dict[tuple[str, str], int] = {}
        faulty = [happening for happening in happenings if isinstance(happening.fault, InstrumentFault)]
        self._panels = []
        first = 0
        for source in sources:
            known = catalogue.domains[source.domain].metrics
            names = [(source.domain, sensor.metric) for sensor in source.sensors]
            metrics = [(numbers.setdefault(name, len(numbers)), known[name[1]]) for name in names]
            self._panels.append(_Panel(source, first, metrics, faulty, seed, offset))
            first += len(source.devices)
        self.metrics: list[Metric] = [catalogue.domains[domain].metrics[name] for domain, name in numbers]

    def read(self, source: int, span: Span, signals: Signals) -> pl.DataFrame:
        """The readings of a source in the next span, as `SCHEMA` has them, in no order.

        A reading belongs to the span in which it is taken; a mean or an increase is taken when its interval is over.
        """
        return self._panels[source].read(span, signals)


def subjects(fault: InstrumentFault, sources: Sequence[Source]) -> frozenset[str]:
    """Ids of the sites where a fault of an instrument can be seen.

    Raises:
        SimulationError: there is no such device, or it doesn't measure that.
    """
    devices = {device.name: device.site for source in sources for device in source.devices}
    if fault.place not in devices:
        raise SimulationError(f"there is no device {fault.place!r}{messages.hint(fault.place, devices)}")
    metrics = {s.metric for source in sources for s in source.sensors if s.device == fault.place}
    if fault.metric not in metrics:
        raise SimulationError(f"{fault.place} doesn't measure {fault.metric!r}, but {', '.join(sorted(metrics))}")
    return frozenset([devices[fault.place]])


class _Panel:
    """The sensors of one source, as arrays."""

    def __init__(
        self,
        source: Source,
        first: int,
        metrics: Sequence[tuple[int, Metric]],
        happenings: Sequence[Happening],
        seed: int,
        offset: int,
    ) -> None:
        """Its devices are counted from `first`; `metrics` are those of its sensors, with their positions."""
        sensors = source.sensors
        devices = {device.name: first + number for number, device in enumerate(source.devices)}
        own = {name: int(chance.key(seed, source.domain, name)) for name in devices}
        phases = [_phase(own[s.device], metric, offset) for s, (_, metric) in zip(sensors, metrics, strict=True)]
        self._readers = _readers(sensors, [metric for _, metric in metrics], np.array(phases, np.int64))
        self._faults = [
            _Wrong(happening, number)
            for happening in happenings
            for number, sensor in enumerate(sensors)
            if _concerns(happening, sensor)
        ]
        self._device = np.array([devices[sensor.device] for sensor in sensors], np.uint32)
        self._metric = np.array([number for number, _ in metrics], np.uint16)
        self._interval = np.array([_interval(metric) for _, metric in metrics], np.int64)
        self._lag = np.where([sensor.starts for sensor in sensors], self._interval, 0)
        self._key = np.array([chance.key(seed, source.domain, s.device, s.metric) for s in sensors], np.uint64)
        numbers = np.array([metric.kind == "number" for _, metric in metrics], np.bool_)
        self._noise = np.where(numbers, [sensor.noise for sensor in sensors], 0.0)
        # A step such as 0.001 is 1 in 1000 parts of a unit, for 312 / 1000 is 0.312, but 312 * 0.001 is not.
        step = np.array([sensor.resolution for sensor in sensors], np.float64)
        parts = np.round(1 / np.where(step > 0, step, 1))
        whole = np.isclose(parts * step, 1)
        self._parts, self._step = np.where(whole, parts, 1.0), np.where(whole, 1.0, step)
        self._least = np.array([sensor.least for sensor in sensors], np.float64)
        self._most = np.array([sensor.most for sensor in sensors], np.float64)

    def read(self, span: Span, signals: Signals) -> pl.DataFrame:
        """The readings of the next span."""
        parts = [reader.read(span, signals) for reader in self._readers]
        if not parts:
            return pl.DataFrame(schema=SCHEMA)
        sensor, time, value, urgent = (np.concatenate(column) for column in zip(*parts, strict=True))
        for fault in self._faults:
            fault.spoil(sensor, time, value, self._interval)
        value += self._noise[sensor] * chance.normal(self._key[sensor], time)
        value = self._displayed(sensor, value.clip(self._least[sensor], self._most[sensor]))
        kept = np.ones(len(value), np.bool_)
        for fault in self._faults:
            fault.freeze(sensor, time, value)
            kept[fault.silences(sensor, time)] = False
        sensor, time, value = sensor[kept], time[kept], value[kept]
        columns = [self._device[sensor], self._metric[sensor], time - self._lag[sensor], time, value, urgent[kept]]
        return pl.DataFrame(dict(zip(SCHEMA, columns, strict=True)), schema=SCHEMA)

    def _displayed(self, sensors: Indices, values: Values) -> Values:
        parts, step = self._parts[sensors], self._step[sensors]
        with np.errstate(divide="ignore", invalid="ignore"):
            shown = np.rint(values * parts / step) * step / parts
        return np.where(step > 0, shown, values)


class _Wrong:
    """A fault of one sensor of a panel, and what it remembers."""

    def __init__(self, happening: Happening, sensor: int) -> None:
        self._happening, self._sensor = happening, sensor
        self._stuck: float | None = None

    def spoil(self, sensors: Indices, times: Times, values: Values, intervals: Times) -> None:
        """Change in place what is true into what the sensor finds."""
        rows = self._rows(sensors, times)
        match self._happening.fault:
            case Drift(per_day=per_day):
                values[rows] += per_day * (times[rows] - self._happening.start) / DAY
            case Offset(by=by):
                values[rows] += by
            case Spikes(per_hour=per_hour, height=height):
                keys = np.full(len(rows), chance.key(self._happening.incident))
                share = per_hour * float(intervals[self._sensor]) / HOUR
                values[rows] += height * (chance.uniform(keys, times[rows]) < share)
            case Calibration(span=span):
                values[rows] = span

    def freeze(self, sensors: Indices, times: Times, values: Values) -> None:
        """Repeat in place, if the sensor is stuck, its first reading of that time."""
        if not isinstance(self._happening.fault, Stuck):
            return
        rows = self._rows(sensors, times)
        if self._stuck is None and len(rows):
            self._stuck = float(values[rows[times[rows].argmin()]])
        values[rows] = self._stuck

    def silences(self, sensors: Indices, times: Times) -> Indices:
        """The readings that don't come at all."""
        return self._rows(sensors, times) if isinstance(self._happening.fault, Silent) else np.empty(0, np.int64)

    def _rows(self, sensors: Indices, times: Times) -> Indices:
        return np.flatnonzero((sensors == self._sensor) & self._happening.active(times))


def _concerns(happening: Happening, sensor: Sensor) -> bool:
    fault = happening.fault
    return isinstance(fault, InstrumentFault) and (fault.place, fault.metric) == (sensor.device, sensor.metric)


def _readers(sensors: Sequence[Sensor], metrics: Sequence[Metric], phases: Times) -> list[Reader]:
    """Readers of all sensors, which they count from 0; those that are read alike share one."""
    alike: dict[tuple[bool, int, Reads], list[int]] = defaultdict(list)
    for number, (sensor, metric) in enumerate(zip(sensors, metrics, strict=True)):
        # Between two states there is none.
        reads = sensor.reads if metric.kind == "number" else "held"
        alike[metric.reports == "change", _interval(metric), reads].append(number)
    points = np.array([sensor.point for sensor in sensors], np.int64)
    moves = np.array([sensor.urgent or 0 for sensor in sensors], np.float64)
    readers: list[Reader] = []
    for (change, interval, reads), members in alike.items():
        those = np.array(members)
        urgent = those[moves[those] > 0]
        if change:
            readers.append(Changes(those, points[those], phases[those]))
        elif reads in ("mean", "increase"):
            readers.append(Interval(those, points[those], interval, phases[those], mean=reads == "mean"))
        else:
            steps = reads == "held"
            readers.append(Instant(those, points[those], interval, phases[those], steps=steps))
            if len(urgent):
                readers.append(Urgent(urgent, points[urgent], interval, phases[urgent], moves[urgent], steps=steps))
    return readers


def _interval(metric: Metric) -> int:
    """Between two readings, in microseconds; of what reports on change, between those that say it is alive."""
    if metric.reports == "change" or metric.interval is None:
        return DAY
    return metric.interval // MICROSECOND


def _phase(own: int, metric: Metric, offset: int) -> int:
    """When a device reads a metric, in microseconds after multiples of the interval; `own` is a number of its own."""
    interval = _interval(metric)
    if metric.reports == "interval" and interval >= DAY:
        return -offset % interval
    if metric.reports == "interval" and interval >= HOUR:
        return 0
    return own % (interval // SECOND) * SECOND
