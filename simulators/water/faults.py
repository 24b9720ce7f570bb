"""What can go wrong in a metered zone of a water network. Flows are those at 30 m of pressure (0.29 MPa)."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from citybrain.catalogue.schema import Duration
from simulators.model import Fault


class WaterFault(Fault):
    """Something in one zone."""

    place: str
    """The zone, such as `linhe-1`."""


class Outflow(WaterFault):
    """Water that leaves the network where it is not sold."""

    node: str | None = None
    """The junction of the network's file; left out: one that suits."""
    flow: float = Field(gt=0, le=20_000)
    """M3/h that flow out at 30 m of pressure; it goes with the root of the pressure."""

    def share(self, since: float, left: float, hour: float) -> float:
        """Of the flow, so many seconds after its start and before its end, at this local hour of the day."""
        return 1.0


class Burst(Outflow):
    """A main breaks: all of its flow at once, until it is shut off."""

    name: ClassVar[str] = "water.burst"

    pipe: str | None = None
    """Instead of a node the pipe that breaks; its end is where the water leaves."""
    flow: float = Field(120.0, gt=0, le=20_000)
    """M3/h that flow out at 30 m of pressure; it goes with the root of the pressure."""


class Leak(Outflow):
    """A leak that grows evenly from nothing to its flow, and is then repaired."""

    name: ClassVar[str] = "water.leak"

    flow: float = Field(40.0, gt=0, le=20_000)
    """M3/h that flow out in the end at 30 m of pressure; it goes with the root of the pressure."""

    def share(self, since: float, left: float, hour: float) -> float:
        """It grows over all of its time."""
        return since / (since + left)


class IllegalDraw(Outflow):
    """Somebody takes water at the same hours of every day, and nobody is billed for it."""

    name: ClassVar[str] = "water.illegal_draw"

    flow: float = Field(25.0, gt=0, le=20_000)
    """M3/h that are taken at 30 m of pressure."""
    first_hour: int = Field(22, ge=0, le=23)
    """Local hour of the day at which it begins."""
    last_hour: int = Field(5, ge=0, le=23)
    """Local hour of the day at which it ends; the same as the first: it never stops."""

    def share(self, since: float, left: float, hour: float) -> float:
        """All or nothing, by the hour."""
        length = (self.last_hour - self.first_hour) % 24 or 24
        return float((hour - self.first_hour) % 24 < length)


class LargeDraw(Outflow):
    """A fire is fought or mains are flushed: hydrants are opened and closed slowly, so that nothing bursts."""

    name: ClassVar[str] = "water.large_draw"

    flow: float = Field(60.0, gt=0, le=20_000)
    """M3/h that are drawn at 30 m of pressure."""
    opening: Duration = timedelta(minutes=10)
    """How long the hydrants take to open, and to close."""

    def share(self, since: float, left: float, hour: float) -> float:
        """A slow rise and fall."""
        return min(since, left, self.opening.total_seconds()) / self.opening.total_seconds()


class ValveClosed(WaterFault):
    """A valve is closed, as after work on a pipe, and stays so."""

    name: ClassVar[str] = "water.valve_closed"

    pipe: str | None = None
    """The pipe of the network's file; left out: the one before the first end of the zone."""


class PumpFault(WaterFault):
    """Something in a pump house."""

    house: int = Field(1, ge=1)
    """The number of the pump house in its zone."""


class PumpFailure(PumpFault):
    """One pump, or all of a house, stop and do not start again."""

    name: ClassVar[str] = "water.pump_failure"

    pump: str | None = None
    """The pump of the network's file; left out: all of the house."""


class PowerCut(PumpFault):
    """A pump house loses mains power, and nothing takes over."""

    name: ClassVar[str] = "water.power_cut"


class Flooded(PumpFault):
    """Water stands in a pump house; after a while it reaches the motors, and the pumps stop."""

    name: ClassVar[str] = "water.flooded"

    trips_after: Duration = timedelta(minutes=30)
    """How long the pumps run on."""


class MeterDrift(WaterFault):
    """The meter at the zone's inlet runs away from the truth, until it is calibrated."""

    name: ClassVar[str] = "water.meter_drift"

    rate: float = Field(0.5, ge=-10, le=10)
    """Percent of the flow that it shows more with every day."""


class Turbid(WaterFault):
    """Cloudy water, from the works or at one tap."""

    name: ClassVar[str] = "water.turbid"

    turbidity: float = Field(2.5, gt=0, le=100)
    """NTU more than usual where it comes from."""
    tap: int | None = Field(None, ge=1)
    """The number of the tap at which it is stirred up; left out: it comes from the works."""


KINDS = (
    Burst,
    Leak,
    IllegalDraw,
    LargeDraw,
    ValveClosed,
    PumpFailure,
    PowerCut,
    Flooded,
    MeterDrift,
    Turbid,
)
