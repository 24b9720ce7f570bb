"""The primary network: how much of the source's temperature and pressure reaches each station, by pandapipes.

A solution takes tens of milliseconds, and in usual operation the weather moves all stations alike. So the network is
solved for a few flows of all stations together, and again for each set of valves that do not follow, and read between.
With the flows given, temperatures above the ground's are in proportion to the source's, so one of it is enough; the
return pipes mirror the supply pipes, so the same shares of heat and the same pressure are lost on the way back.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulators.heating.pipes import Pipes, design_flow
from simulators.heating.substation import CLOSED, OPENING
from simulators.model import SimulationError, Values

LEVELS = np.array([0.05, 0.3, 0.6, 0.8, 1.0, 1.2])  # flows that are solved, as shares of the design flow

ZERO = 273.15  # K

# Platform assumptions (S).
GROUND = 5.0  # degC, around the pipes in winter
TRANSFER = 0.8  # W/(m2 K), through the insulation, per inner surface
ROUGHNESS = 0.1  # mm
SOLVED_SUPPLY = 95.0  # degC, in the middle of the season
SOLVED_PRESSURE = 100.0  # bar at the source: only differences count, but below 0 there is no solution
LEAST_SHARE = 0.01  # of the design pressure: beyond its flow a pump's pressure breaks down, but water still flows
PUMP_MARGIN = 1.2  # of the pressure that the pipes take at the design flow
LEAST_PRESSURE = 1.0  # bar that the pump gives above that, for the worst station


@dataclass(frozen=True, slots=True)
class Response:
    """What reaches the stations of a network: a row for each of `LEVELS`, a column for each station."""

    reach: Values
    """(Temperature at the station - ground) / (temperature at the source - ground)."""
    passing: Values
    """Flow through an open control valve, as a share of the design flow; it goes with the root of the pressure."""

    def at(self, level: Values) -> tuple[Values, Values]:
        """Both at a level for each station, linear between those that are solved."""
        upper = np.clip(np.searchsorted(LEVELS, level), 1, len(LEVELS) - 1)
        part = np.clip((level - LEVELS[upper - 1]) / (LEVELS[upper] - LEVELS[upper - 1]), 0, 1)
        column = np.arange(len(level))
        reach, passing = (
            table[upper - 1, column] * (1 - part) + table[upper, column] * part for table in (self.reach, self.passing)
        )
        return reach, passing


class Primary:
    """A network, and what it has been solved for."""

    def __init__(self, pipes: Pipes) -> None:
        self.pipes = pipes
        self._flow = design_flow(pipes.power)
        self._responses: dict[bytes, Response] = {}

    def response(self, least: Values, most: Values) -> Response:
        """What reaches the stations where their control valves are held between these openings, each from 0 to 1.

        Raises:
            SimulationError: pandapipes finds no solution.
        """
        key = least.tobytes() + most.tobytes()
        if key not in self._responses:
            self._responses[key] = self._responded(least, most)
        return self._responses[key]

    @cached_property
    def _usual(self) -> tuple[Values, Values]:
        """Where all valves follow: what reaches the stations, and the pressure lost on the way, bar."""
        return solved(self.pipes, LEVELS[:, None] * self._flow)

    def _responded(self, least: Values, most: Values) -> Response:
        shape = (len(LEVELS), len(least))
        if np.all(most <= CLOSED):
            return Response(np.zeros(shape), np.full(shape, 1 / OPENING))
        if np.all(least <= CLOSED) and np.all(most >= 1):
            reach, drop = self._usual
        else:
            passing = self._passing(self._usual[1])
            shares = np.clip(np.broadcast_to(LEVELS[:, None], shape), least * passing, most * passing)
            reach, drop = solved(self.pipes, shares * self._flow)
        return Response(reach, self._passing(drop))

    def _passing(self, drop: Values) -> Values:
        """Shares of the design flow through open valves, which are chosen for what is left at that flow."""
        design = self._usual[1][LEVELS == 1]
        given = 2 * PUMP_MARGIN * design.max() + LEAST_PRESSURE
        left = (given - 2 * drop) / (given - 2 * design)
        return np.asarray(np.sqrt(np.maximum(left, LEAST_SHARE)) / OPENING)


def solved(pipes: Pipes, flows: Values) -> tuple[Values, Values]:
    """Steady states of the supply pipes.

    Args:
        pipes: Of a network.
        flows: To each station, kg/s: a row for each state, a column for each station.

    Returns:
        Of the same shape, (temperature at the station - ground) / (that at the source - ground), and the pressure
        lost on the way, bar.

    Raises:
        SimulationError: pandapipes finds none.
    """
    # It takes seconds to import, and only what runs a simulation needs it.
    import pandapipes
    from pandapipes.pf.pipeflow_setup import PipeflowNotConverged

    net = pandapipes.create_empty_network(fluid="water")
    kelvin = SOLVED_SUPPLY + ZERO
    size = int(max(pipes.starts.max(), pipes.ends.max())) + 1
    pandapipes.create_junctions(net, size, pn_bar=SOLVED_PRESSURE, tfluid_k=kelvin)
    pandapipes.create_ext_grid(net, 0, p_bar=SOLVED_PRESSURE, t_k=kelvin)
    pandapipes.create_sinks(net, pipes.nodes, mdot_kg_per_s=flows[0])
    pandapipes.create_pipes_from_parameters(
        net,
        pipes.starts,
        pipes.ends,
        length_km=pipes.lengths / 1000,
        inner_diameter_mm=pipes.diameters * 1000,
        k_mm=ROUGHNESS,
        u_w_per_m2k=TRANSFER,
        text_k=GROUND + ZERO,
    )
    reach, drop = np.empty_like(flows), np.empty_like(flows)
    for row, flow in enumerate(flows):
        net.sink["mdot_kg_per_s"] = flow
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # It warns of pressures below 0, which are told below.
                pandapipes.pipeflow(net, mode="sequential")
        except PipeflowNotConverged as error:
            raise SimulationError(f"pandapipes finds no flow for the pipes of the primary network: {error}") from error
        state = net.res_junction.loc[pipes.nodes]
        reach[row] = (state.t_k.to_numpy() - ZERO - GROUND) / (SOLVED_SUPPLY - GROUND)
        drop[row] = SOLVED_PRESSURE - state.p_bar.to_numpy()
    if not drop.max() < SOLVED_PRESSURE:
        raise SimulationError(
            f"The pipes of the primary network lose more than {SOLVED_PRESSURE:g} bar;"
            " are their lengths in metres and their diameters in millimetres?"
        )
    return reach, drop
