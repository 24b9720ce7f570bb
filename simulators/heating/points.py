"""What stands where in the signals of heating networks: groups of rows, one below the other."""

from __future__ import annotations

from dataclasses import dataclass

STATION = (
    "supply_temp",
    "return_temp",
    "primary_supply_temp",
    "primary_return_temp",
    "supply_pressure",
    "return_pressure",
    "flow",
    "makeup_flow",
    "heat_power",
    "heat_energy",
    "valve_opening",
    "pump_running",
    "mains_power",
)
SOURCE = ("primary_supply_temp", "primary_return_temp", "flow", "heat_power")


@dataclass(frozen=True)
class Points:
    """For each metric of `STATION` a row for each station, then all dwellings, for each metric of `SOURCE` a row
    for each network, and the temperature outdoors.
    """

    stations: int
    dwellings: int
    """Of each station."""
    networks: int

    def station(self, metric: str, station: int) -> int:
        """The row of a station, from 0."""
        return STATION.index(metric) * self.stations + station

    def dwelling(self, station: int, dwelling: int) -> int:
        """The row of a dwelling; both count from 0."""
        return len(STATION) * self.stations + station * self.dwellings + dwelling

    def source(self, metric: str, network: int) -> int:
        """The row of a network's heat source, from 0."""
        return self.dwelling(self.stations, 0) + SOURCE.index(metric) * self.networks + network

    @property
    def outdoor(self) -> int:
        """The last row."""
        return self.source(SOURCE[-1], self.networks)
