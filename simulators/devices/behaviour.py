"""How devices live: what goes wrong with them and their networks every day, by chance."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from citybrain.catalogue.schema import Duration


class Behaviour(BaseModel):
    """Rates of the ordinary mishaps. Every default is an assumption of the platform.

    Shares are of records (all that a device measured at one instant), so that they mean the same however a device
    packs its messages. Rates are per day, of a connection: the devices behind a gateway share its outages and clock.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    lost: float = Field(0.0005, ge=0, le=1)
    """Share of records that the radio loses: they are never sent."""
    duplicates: float = Field(0.002, ge=0, le=1)
    """Share of records that are sent once more, half a minute later."""
    malformed: float = Field(0.0001, ge=0, le=1)
    """Share of records that the firmware spoils: cut off, an error's text, not a number, or a text with its unit."""
    delayed: float = Field(0.005, ge=0, le=1)
    """Share of records that the network delays."""
    delay: Duration = timedelta(seconds=20)
    """How long it does, on average."""
    outages: float = Field(0.02, ge=0, le=1)
    """Outages of a connection a day: what is measured meanwhile is sent afterwards."""
    outage: Duration = timedelta(minutes=4)
    """How long one lasts on average; none lasts beyond midnight UTC."""
    resets: float = Field(0.001, ge=0, le=1)
    """Restarts of a connection's device a day after which its clock begins in 1970 or 2000."""
    reset: Duration = timedelta(minutes=10)
    """How long the clock is wrong then, on average."""
    clock_drift: float = Field(1.0, ge=0, le=60)
    """Seconds that a clock gains or loses a day at most."""
    clock_sync: Duration = timedelta(days=1)
    """How often it is set right."""
    wake: Duration = timedelta(minutes=10)
    """How often a device on a battery sends what it has measured; what is urgent it sends at once."""

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        if self.lost + self.duplicates + self.malformed + self.delayed > 1:
            raise ValueError("expected shares of lost, duplicates, malformed and delayed that are 1 at most together")
        return self

    @classmethod
    def calm(cls) -> Behaviour:
        """Devices that nothing ever happens to."""
        return cls(lost=0, duplicates=0, malformed=0, delayed=0, outages=0, resets=0, clock_drift=0)
