"""What a scenario may have happen to devices, whatever they measure."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field

from citybrain.catalogue.schema import Duration
from simulators.model import Fault

Order = Literal["oldest", "newest", "mixed"]
"""In what order a backlog is sent: the oldest or the newest first, or as it comes."""


class DeviceFault(Fault):
    """A fault of devices."""

    place: str
    """A device; a gateway, with all devices behind it; or a site, with all of its devices."""


class Outage(DeviceFault):
    """Nothing is heard of the device: its connection is cut, so that the broker publishes its last will."""

    name: ClassVar[str] = "device.outage"

    resend: bool = True
    """Whether it goes on measuring, and sends afterwards what it has buffered."""
    order: Order = "oldest"
    """In what order it does."""


class Silent(DeviceFault):
    """The device is dead: it measures nothing, and its connection is cut."""

    name: ClassVar[str] = "device.silent"


class ClockAhead(DeviceFault):
    """The device's clock is ahead."""

    name: ClassVar[str] = "device.clock_ahead"

    # Not whole minutes: what is measured when the clock is right again would have times that are taken already.
    by: Duration = timedelta(minutes=30, seconds=13)
    """How far. Live, more than 10 minutes go to quarantine, and more than 60 seconds are flagged."""


class WrongYear(DeviceFault):
    """The device has restarted, and its clock counts from the beginning of a year long ago."""

    name: ClassVar[str] = "device.wrong_year"

    year: int = Field(1970, ge=1970, le=2010)
    """That year."""


class Malformed(DeviceFault):
    """The device's firmware spoils records."""

    name: ClassVar[str] = "device.malformed"

    share: float = Field(0.5, gt=0, le=1)
    """Share of its records."""


class Duplicates(DeviceFault):
    """The device sends records twice."""

    name: ClassVar[str] = "device.duplicates"

    share: float = Field(1.0, gt=0, le=1)
    """Share of its records."""


class Flood(DeviceFault):
    """A loop in the device's program sends each record many times within a minute."""

    name: ClassVar[str] = "device.flood"

    times: int = Field(60, ge=2, le=10_000)
    """How many times: with a record a minute, so many messages a minute."""


class ForeignTopic(DeviceFault):
    """The device sends each record on another device's topic, too; the broker refuses it where it knows both."""

    name: ClassVar[str] = "device.foreign_topic"

    victim: str
    """That other device."""
