"""What goes wrong, or only happens, in pipes and wells beneath streets."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from citybrain.catalogue.schema import Duration
from simulators.model import Fault


class Somewhere(Fault):
    """What happens at a street, a school or a site; on a street, at the fitting site nearest to its middle."""

    place: str
    """A street, a school or a site of these streets."""


class GasLeak(Somewhere):
    """Natural gas escapes from the pipe near a well, or within a gallery's gas cabin."""

    name: ClassVar[str] = "sentinel.gas_leak"

    rate: float = Field(2.0, gt=0, le=500)
    """Cubic metres of methane an hour."""
    away: float = Field(8.0, ge=0, le=60)
    """Metres from the well, along the street; less than 1 is inside of it, as always in a gallery."""


class Biogas(Somewhere):
    """Sludge gives off methane, slowly and steadily, with hydrogen sulphide and less oxygen: no pipe leaks."""

    name: ClassVar[str] = "sentinel.biogas"

    level: float = Field(14.0, gt=0, le=200)
    """Methane that it settles at, in %LEL."""
    settles: Duration = timedelta(hours=18)
    """Time constant of its rise, and of its fall afterwards."""


class H2S(Somewhere):
    """Sewage is stirred up and gives off hydrogen sulphide."""

    name: ClassVar[str] = "sentinel.h2s"

    level: float = Field(40.0, gt=0, le=1000)
    """What it settles at, in mg/m3."""


class BlockedDrain(Somewhere):
    """Rubbish or roots narrow the sewers of a street, or that of one site."""

    name: ClassVar[str] = "sentinel.blocked_drain"

    blocked: float = Field(0.95, gt=0, le=1)
    """The share of the pipe's capacity that is lost."""


class HeatLeak(Somewhere):
    """Hot water escapes from a heat pipe at a well, warms it and stands in it."""

    name: ClassVar[str] = "sentinel.heat_leak"

    rise: float = Field(35.0, gt=0, le=90)
    """Kelvin by which the well becomes warmer in the end; wells nearby less."""
    settles: Duration = timedelta(hours=2)
    """Time constant of the rise."""


class WellFlooded(Somewhere):
    """Rain or ground water stands in a heat-pipe well, no warmer than the well."""

    name: ClassVar[str] = "sentinel.well_flooded"


class CoverTheft(Somewhere):
    """A cover is taken away."""

    name: ClassVar[str] = "sentinel.cover_theft"


class CoverWork(Somewhere):
    """A cover is taken off for work that was announced, which no sensor can know."""

    name: ClassVar[str] = "sentinel.cover_work"


class CoverTraffic(Somewhere):
    """Heavy vehicles shake a loose cover, each for a moment."""

    name: ClassVar[str] = "sentinel.cover_traffic"

    per_hour: float = Field(6.0, gt=0, le=30)
    """Vehicles an hour."""
    shock: float = Field(1.5, ge=0.5, le=30)
    """Seconds of each shock."""


class CoverTilt(Somewhere):
    """The frame of a cover settles until it is set right."""

    name: ClassVar[str] = "sentinel.cover_tilt"

    tilt: float = Field(18.0, gt=0, le=90)
    """Degrees that it tilts by in the end."""
    settles: Duration = timedelta(hours=6)
    """How long that takes, at an even pace."""
