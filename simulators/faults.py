"""Faults of instruments: what a sensor of any domain says besides the truth.

Each has a device as its `place` and one of the device's metrics; it shows at that device's site.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from simulators.model import Fault


class InstrumentFault(Fault):
    """One sensor of one device is wrong."""

    place: str
    """The device's name."""
    metric: str
    """The one of its metrics that is wrong."""


class Drift(InstrumentFault):
    """The readings leave the truth steadily, until the sensor is adjusted."""

    name: ClassVar[str] = "instrument.drift"

    per_day: float
    """What a reading gains each day, in the metric's unit; negative: what it loses."""


class Offset(InstrumentFault):
    """The readings are wrong by a constant, as after an adjustment with a mistake."""

    name: ClassVar[str] = "instrument.offset"

    by: float
    """What is added to each reading, in the metric's unit."""


class Spikes(InstrumentFault):
    """Single readings leap, as with a loose contact."""

    name: ClassVar[str] = "instrument.spikes"

    per_hour: float = Field(2.0, gt=0, le=60)
    """How many readings leap in an hour, on average; at most all."""
    height: float
    """How far they leap, in the metric's unit."""


class Stuck(InstrumentFault):
    """The sensor repeats the first reading that it takes while the fault lasts."""

    name: ClassVar[str] = "instrument.stuck"


class Silent(InstrumentFault):
    """The sensor gives nothing, while the others of its device go on.

    So does a station whose instrument is being calibrated, if it is well made: the contract of readings knows no flag
    "being calibrated" (C of HJ 212-2017), so what has it must not be sent.
    """

    name: ClassVar[str] = "instrument.silent"


class Calibration(InstrumentFault):
    """The instrument measures a gas of known content, and its station sends that as if it were the air."""

    name: ClassVar[str] = "instrument.calibration"

    span: float = Field(ge=0)
    """What it reads meanwhile, in the metric's unit; 0: zero gas."""


INSTRUMENT_FAULTS: tuple[type[InstrumentFault], ...] = (Drift, Offset, Spikes, Stuck, Silent, Calibration)
