"""A heat exchange station: weather compensation, plate heat exchanger, control valve, make-up water.

Powers, flows and conductances are shares of a station's design values, so that stations of all sizes are one array;
a conductance of 1/K carries the design power at one kelvin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.model import Values

HEAT_CAPACITY = 4.19e-3  # MJ/(kg K), of water
DENSITY = 0.978  # t/m3, of water at 70 degC

# Platform assumptions (S). A primary network is designed for 110 to 150 degC and at most 70 degC back (CJJ 34, C).
PRIMARY_SUPPLY = 120.0  # degC at the outdoor design temperature
PRIMARY_RETURN = 60.0  # degC
PRIMARY_LEAST = 65.0  # degC: in mild weather a source does not go below, so the valves close
PRIMARY_MOST = 145.0  # degC, in frost beyond the design
MARGIN = 1.15  # of the exchanger's surface above the design
FILM_EXPONENT = 0.7  # How a film's heat transfer grows with its flow; usual for plate heat exchangers (C).
OPENING = 0.65  # of the control valve at the design flow
CLOSED = 0.002  # What a closed valve lets through, as a share of the open one.
SEARCHES = 3  # steps of Newton's method for each step of time

MAKEUP_CAPACITY = 0.04  # of the circulation flow; plants have 2 to 4 % (CJJ 34, C)
MAKEUP_BAND = 0.06  # MPa below the set point at which the make-up pump gives all it can
TIGHTNESS = 0.003  # of the circulation flow is lost in usual operation
ELASTICITY = 0.1  # m3/MPa that the network takes in, for each m3/h of circulation


@dataclass(frozen=True, slots=True)
class Design:
    """What a secondary network is designed for: temperatures in degC, and the exponent of its radiators."""

    indoor: float = 18.0
    outdoor: float = -17.0
    supply: float = 75.0
    back: float = 50.0
    exponent: float = 0.3

    @property
    def spread(self) -> float:
        """Kelvin between supply and return."""
        return self.supply - self.back

    @property
    def excess(self) -> float:
        """Kelvin that the mean of the water is above the room."""
        return (self.supply + self.back) / 2 - self.indoor


def curve(design: Design, outdoor: Values, supply: float, back: float) -> tuple[Values, Values]:
    """Supply and return temperature that keep a room at its design temperature with constant flow, degC.

    The textbooks' quality regulation (C), t_g = t_n + (t_g' + t_h' - 2 t_n) / 2 f^(1 / (1 + B)) + (t_g' - t_h') / 2 f
    with f = (t_n - t_w) / (t_n - t_w'), and t_h with minus before the last term.

    Args:
        design: Its indoor and outdoor temperature and exponent.
        outdoor: degC.
        supply: At the outdoor design temperature, degC: of this network, or of the primary one.
        back: So, too.
    """
    load = np.clip((design.indoor - outdoor) / (design.indoor - design.outdoor), 0, None)
    middle = design.indoor + ((supply + back) / 2 - design.indoor) * load ** (1 / (1 + design.exponent))
    half = (supply - back) / 2 * load
    return middle + half, middle - half


@dataclass(frozen=True, slots=True)
class Exchanger:
    """A plate heat exchanger in counterflow, by effectiveness and number of transfer units (textbooks, C)."""

    secondary: float
    """Heat capacity flow of the secondary side, 1/K."""
    primary: float
    """Heat capacity flow of the primary side at its design flow, 1/K."""
    conductance: float
    """UA at the design flows, 1/K."""

    @classmethod
    def sized(cls, design: Design) -> Exchanger:
        """One that carries the design power, with its margin; its mean difference is the logarithmic one."""
        warm, cold = PRIMARY_SUPPLY - design.supply, PRIMARY_RETURN - design.back
        mean = (warm - cold) / np.log(warm / cold) if warm != cold else warm
        return cls(1 / design.spread, 1 / (PRIMARY_SUPPLY - PRIMARY_RETURN), MARGIN / mean)

    def power(self, flow: Values, hot: Values, cold: Values, clean: Values) -> Values:
        """What goes over, as a share of the design power.

        Args:
            flow: Primary flow as a share of the design flow, more than 0.
            hot: Primary supply, degC.
            cold: Secondary return, degC.
            clean: Share of the conductance that fouling has left.
        """
        conductance = self.conductance * clean * 2 / (flow**-FILM_EXPONENT + 1)
        primary = self.primary * flow
        least, most = np.minimum(primary, self.secondary), np.maximum(primary, self.secondary)
        ratio = np.minimum(least / most, 0.999)  # At equal flows the formula is 0 / 0.
        left = np.exp(-conductance / least * (1 - ratio))
        return np.asarray((1 - left) / (1 - ratio * left) * least * np.maximum(hot - cold, 0))

    def flow(
        self, power: Values, hot: Values, cold: Values, clean: Values, guess: Values, least: Values, most: Values
    ) -> Values:
        """The primary flow between `least` and `most` that carries `power`, by Newton's method from `guess` on.

        A controller does the same: where the guess is far off it comes nearer with each step of time.
        """
        flow = np.clip(guess, least, most)
        for _ in range(SEARCHES):
            here, beyond = self.power(np.stack((flow, flow * 1.01)), hot, cold, clean)
            slope = np.maximum((beyond - here) / (0.01 * flow), 1e-6)
            flow = np.clip(flow + (power - here) / slope, least, most)
        return flow


def made_up(
    pressure: Values, wanted: Values, lost: Values, circulation: Values, powered: Values, hours: float
) -> tuple[Values, Values]:
    """The return pressure after some time, MPa, and the make-up flow then, m3/h.

    The make-up pump gives in proportion to what is missing from the wanted pressure, until it gives all it can; what
    comes in less what goes out moves the pressure of an elastic network. One implicit step, so it is stable at any
    length.

    Args:
        pressure: Before, MPa.
        wanted: Set point, MPa.
        lost: What runs out at that point's pressure, m3/h; it goes with the root of the pressure.
        circulation: Design flow, m3/h.
        powered: Whether the make-up pump has power.
        hours: The time.
    """
    step = hours / (ELASTICITY * circulation)
    capacity = np.where(powered, MAKEUP_CAPACITY * circulation, 0.0)
    gain = capacity / MAKEUP_BAND
    # The root of the pressure is the new pressure by the root of the old one, which can't become negative.
    out = lost / np.sqrt(np.maximum(pressure, 1e-3) * wanted)
    within = (pressure + step * gain * wanted) / (1 + step * (gain + out))
    beyond = (pressure + step * capacity) / (1 + step * out)  # The pump gives all it can.
    after = np.where(gain * (wanted - within) > capacity, beyond, within)
    return after, np.clip(gain * (wanted - after), 0, capacity)
