"""What can go wrong in a heating network."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from citybrain.catalogue.schema import Duration
from simulators.model import Fault


class NetworkFault(Fault):
    """What happens in one heating network."""

    place: str
    """The heating network."""


class StationFault(NetworkFault):
    """What happens at one of its stations."""

    station: str
    """The station's number, or the name of its node where the network is read from a file."""


class FouledExchanger(StationFault):
    """Scale grows on the plates of a station's heat exchanger, until it is cleaned."""

    name: ClassVar[str] = "heating.fouled_exchanger"

    lost: float = Field(0.7, gt=0, le=0.99)
    """Share of its conductance UA that is lost in the end."""
    growth: Duration = timedelta(days=2)
    """How long it takes to grow, evenly."""


class PipeLeak(StationFault):
    """Water runs out of a station's secondary network."""

    name: ClassVar[str] = "heating.pipe_leak"

    flow: float = Field(4.0, gt=0, le=500)
    """What runs out at the usual pressure, m3/h; it goes with the root of the pressure."""


class ValveStuck(StationFault):
    """A station's control valve stays where it is."""

    name: ClassVar[str] = "heating.valve_stuck"

    opening: float = Field(100.0, ge=0, le=100)
    """Where it stays, %."""


class PumpStopped(StationFault):
    """A station's circulation pump stands still."""

    name: ClassVar[str] = "heating.pump_stopped"


class PowerCut(StationFault):
    """A station has no mains power: neither circulation nor make-up water."""

    name: ClassVar[str] = "heating.power_cut"


class Imbalance(StationFault):
    """A valve of the primary network is throttled, so that a branch gets less than its share."""

    name: ClassVar[str] = "heating.imbalance"

    station: str
    """The station at which the branch begins; all that are fed only through it belong to it."""
    share: float = Field(0.25, gt=0, lt=1)
    """What its stations get with open control valves, as a share of what they would get."""


class SourceFailure(NetworkFault):
    """The heat source can't hold its supply temperature."""

    name: ClassVar[str] = "heating.source_failure"

    by: float = Field(25.0, gt=0, le=100)
    """Kelvin that the supply temperature falls by; it never falls below the return."""


class ColdDwelling(StationFault):
    """The air of one room is cold: a window stands open, or its radiator is blocked."""

    name: ClassVar[str] = "heating.cold_dwelling"

    dwelling: int = Field(1, ge=1)
    """The dwelling's number at its station."""
    by: float = Field(6.0, gt=0, le=40)
    """Kelvin that the air falls by."""


FAULTS: tuple[type[Fault], ...] = (
    FouledExchanger,
    PipeLeak,
    ValveStuck,
    PumpStopped,
    PowerCut,
    Imbalance,
    SourceFailure,
    ColdDwelling,
)
