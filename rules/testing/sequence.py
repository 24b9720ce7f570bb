"""Sequences of readings as a test writes them: `0.25 0.18x4 -x3 10..45/15 @10:05 0.3!stuck`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from citybrain.errors import Correctable
from citybrain.quality import DOUBTFUL, Flag

LONGEST = 100_000  # readings of one sequence; more is a slip of the finger

_WORD = re.compile(r"@\d[\d-]*[ T]\d\d?:\S+|(?:'(?:[^']|'')*'|\S)+")
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?"
_TOKEN = re.compile(
    rf"(?:(?P<none>-)|(?P<low>{_NUMBER})\.\.(?P<high>{_NUMBER})/(?P<steps>\d+)|(?P<number>{_NUMBER})|(?P<switch>on|off)"
    r"|(?P<text>'(?:[^']|'')*'))(?P<flags>(?:![a-z_]+)*?)(?:x(?P<times>\d+))?",
    re.IGNORECASE,
)
_FLAGS = {flag.name.lower(): flag for flag in Flag if flag & DOUBTFUL and flag.name}


class Unreadable(Correctable):
    """A part of a test that means nothing."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One position of a sequence: what is read there (None: nothing), its flags, and its time where one is written."""

    value: float | bool | str | None
    flags: int = 0
    at: str | None = None


@dataclass(frozen=True, slots=True)
class Sequence:
    """Positions in order; `constant`: a single value, which counts at every position."""

    slots: tuple[Slot, ...]
    constant: bool

    def slot(self, position: int) -> Slot | None:
        """What stands at a position; None: the sequence is over."""
        if self.constant:
            return self.slots[0]
        return self.slots[position] if position < len(self.slots) else None


def sequence(text: str) -> Sequence:
    """Read a sequence.

    Raises:
        Unreadable: with the token that means nothing.
    """
    slots: list[Slot] = []
    words = _WORD.findall(text)
    at = None
    for word in words:
        if word.startswith("@"):
            if at is not None:
                raise Unreadable(f"After @{at} there must be a reading, before {word}.")
            at = word[1:]
            continue
        for slot in _slots(word):
            slots.append(Slot(slot.value, slot.flags, at))
            at = None
        if len(slots) > LONGEST:
            raise Unreadable(f"A sequence has at most {LONGEST} readings.")
    if at is not None:
        raise Unreadable(f"After @{at} there must be a reading.")
    if not slots:
        raise Unreadable("A sequence needs at least one value; write - for no reading.")
    return Sequence(tuple(slots), constant=len(words) == 1 and re.search(r"x\d+$|/\d+$", words[0]) is None)


def written(value: float | bool | str) -> str:
    """A value as a sequence has it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"'{value}'" if isinstance(value, str) else f"{value:g}"


def _slots(word: str) -> Iterator[Slot]:
    token = _TOKEN.fullmatch(word)
    if token is None:
        raise Unreadable(
            f"{word!r} is no reading: write 0.2, 0.2x4, - or -x3 for none, 10..45/15 for a ramp, on, off, 'text', "
            "0.3!stuck or @10:05 before a reading."
        )
    flags = 0
    for name in token["flags"].lower().split("!")[1:]:
        if name not in _FLAGS:
            raise Unreadable(f"{word!r} has an unknown flag: expected one of {', '.join(_FLAGS)}.")
        flags |= _FLAGS[name]
    times = int(token["times"] or 1)
    if times > LONGEST or int(token["steps"] or 0) > LONGEST:
        raise Unreadable(f"A sequence has at most {LONGEST} readings, {word!r} has more.")
    for value in _values(token) * times:
        yield Slot(value, flags)


def _values(token: re.Match[str]) -> list[float | bool | str | None]:
    if token["none"]:
        return [None]
    if token["switch"]:
        return [token["switch"].lower() == "on"]
    if token["text"]:
        return [token["text"][1:-1].replace("''", "'")]
    if token["number"]:
        return [float(token["number"])]
    low, high, steps = float(token["low"]), float(token["high"]), int(token["steps"])
    if steps < 2:
        raise Unreadable(f"{token[0]!r}: a ramp has at least two readings.")
    return [low + (high - low) * step / (steps - 1) for step in range(steps)]
