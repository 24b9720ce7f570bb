"""EPANET 2.2, run step by step.

WNTR brings the library and a class around it, which logs every warning and has only some of the functions; so the few
that are needed are called here.
"""

from __future__ import annotations

import ctypes
import os
import tempfile
import weakref
from pathlib import Path

import numpy as np
from wntr.epanet.toolkit import ENepanet

from simulators.model import SimulationError, Values

FIRST_ERROR = 101  # Codes below are warnings: negative pressures, pumps out of their range, ...

# Codes of the toolkit (epanet2_enums.h).
EMITTER, NODE_DEMAND, PRESSURE = 3, 9, 11
FLOW, STATUS = 8, 11
DURATION, HYDRAULIC_STEP, PATTERN_STEP = 0, 1, 3
DEFICIENT_NODES = 5
FOR_EVER = 10**9  # s; about 31 years


class Epanet:
    """One project of EPANET with its hydraulics open, at second 0."""

    def __init__(self, text: str) -> None:
        """Opens the network of an EPANET file's text.

        Raises:
            SimulationError: EPANET refuses it.
        """
        self._library = ENepanet().ENlib
        self._handle = ctypes.c_void_p()
        self._library.EN_createproject(ctypes.byref(self._handle))
        weakref.finalize(self, _closed, self._library, self._handle)
        self._number = ctypes.c_double()
        self._at_number = ctypes.byref(self._number)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "zone.inp"
            path.write_text(text, encoding="utf-8")
            self._call("open", str(path).encode(), os.devnull.encode(), b"")
        self._call("openH")
        self._call("settimeparam", DURATION, ctypes.c_long(FOR_EVER))
        self._call("initH", 0)

    def node(self, name: str) -> int:
        """The index of a node."""
        return self._index("getnodeindex", name)

    def link(self, name: str) -> int:
        """The index of a link."""
        return self._index("getlinkindex", name)

    def pattern(self, name: str) -> int:
        """The index of a pattern."""
        return self._index("getpatternindex", name)

    def of_node(self, index: int, code: int) -> float:
        """A value of a node, in m3/h and m."""
        self._call("getnodevalue", index, code, self._at_number)
        return self._number.value

    def of_link(self, index: int, code: int) -> float:
        """A value of a link, in m3/h and m; a status is 0 or 1."""
        self._call("getlinkvalue", index, code, self._at_number)
        return self._number.value

    def statistic(self, code: int) -> float:
        """A figure of the last solution."""
        self._call("getstatistic", code, self._at_number)
        return self._number.value

    def set_node(self, index: int, code: int, value: float) -> None:
        """Set a value of a node, in m3/h and m."""
        self._call("setnodevalue", index, code, ctypes.c_double(value))

    def set_link(self, index: int, code: int, value: float) -> None:
        """Set a value of a link."""
        self._call("setlinkvalue", index, code, ctypes.c_double(value))

    def set_pattern(self, index: int, values: Values) -> None:
        """Set all multipliers of a pattern."""
        values = np.ascontiguousarray(values, np.float64)
        self._call("setpattern", index, values.ctypes.data_as(ctypes.c_void_p), len(values))

    def set_step(self, code: int, seconds: int) -> None:
        """Set the length of a step."""
        self._call("settimeparam", code, ctypes.c_long(seconds))

    def solve(self) -> None:
        """Flows and heads of this instant."""
        self._call("runH", ctypes.byref(ctypes.c_long()))

    def advance(self, seconds: int) -> int:
        """Fill and empty tanks by the flows that were solved, for at most so long; the seconds that it was.

        It is less where a tank gets full or empty, a control acts or a pattern goes on before.
        """
        self.set_step(HYDRAULIC_STEP, seconds)
        passed = ctypes.c_long()
        self._call("nextH", ctypes.byref(passed))
        return passed.value

    def _index(self, function: str, name: str) -> int:
        found = ctypes.c_int()
        self._call(function, name.encode(), ctypes.byref(found))
        return found.value

    def _call(self, function: str, *arguments: object) -> None:
        code = getattr(self._library, f"EN_{function}")(self._handle, *arguments)
        if code >= FIRST_ERROR:
            text = ctypes.create_string_buffer(256)
            self._library.EN_geterror(code, text, 255)
            raise SimulationError(f"EPANET can't go on: {text.value.decode(errors='replace').strip()}.")


def _closed(library: ctypes.CDLL, handle: ctypes.c_void_p) -> None:
    library.EN_close(handle)
    library.EN_deleteproject(handle)
