"""Shifts (班次): the pattern of a week, and which of them a moment falls into. Pure, but for reading its file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from citybrain.catalogue import messages
from citybrain.catalogue.document import read
from citybrain.catalogue.errors import CatalogueError
from citybrain.catalogue.schema import Id, Title, json_schema, matching

DEFAULT = Path(__file__).parent / "shifts.yaml"

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = get_args(Day)

_CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
_clock = matching(_CLOCK, "a time of the day such as 08:00")
Clock = Annotated[
    time,
    BeforeValidator(lambda value: _clock(value if isinstance(value, str) else "")),
    WithJsonSchema({"type": "string", "pattern": _CLOCK}),
]


class ShiftsError(CatalogueError):
    """The file of shifts can't be used; the text has a line for each of `problems`."""


class Shift(BaseModel):
    """A shift of the week."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    id: Id
    """What it is known by."""
    title: Title
    """What people call it."""
    begin: Clock
    """When it begins, by the city's clock."""
    end: Clock
    """When it ends; not after `begin`: the next day."""
    days: tuple[Day, ...] = Field(DAYS, min_length=1)
    """Days on which it begins."""


def _each_once(shifts: tuple[Shift, ...]) -> tuple[Shift, ...]:
    ids = [shift.id for shift in shifts]
    if twice := next((id for id in ids if ids.count(id) > 1), None):
        raise ValueError(f"there are two shifts {twice}")
    return shifts


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    shifts: Annotated[tuple[Shift, ...], Field(min_length=1), AfterValidator(_each_once)]
    """The shifts of a week."""


class Turn(NamedTuple):
    """One time that a shift is worked, from `begin` until `end`."""

    shift: Shift
    begin: datetime
    end: datetime


def load(path: Path | None = None) -> tuple[Shift, ...]:
    """Read a file of shifts; None: the platform's own.

    Raises:
        ShiftsError: with all that is wrong in it.
    """
    path = path or DEFAULT
    document = read(path, path.name)
    if document.readable:
        try:
            checked = _File.model_validate(document.tree)
        except ValidationError as error:
            messages.report(document, json_schema(_File), error.errors(include_url=False))
    if document.problems:
        raise ShiftsError(document.problems)
    return checked.shifts


def present(shifts: Sequence[Shift], moment: datetime, zone: ZoneInfo) -> Turn | None:
    """The shift that is worked at a moment; None: none is. Of several the one that began last."""
    worked = [turn for turn in _around(shifts, moment, zone) if turn.begin <= moment < turn.end]
    return max(worked, key=lambda turn: turn.begin, default=None)


def following(shifts: Sequence[Shift], moment: datetime, zone: ZoneInfo) -> Turn:
    """The shift that begins next after a moment."""
    return min((turn for turn in _around(shifts, moment, zone) if turn.begin > moment), key=lambda turn: turn.begin)


def _around(shifts: Sequence[Shift], moment: datetime, zone: ZoneInfo) -> Iterator[Turn]:
    """Whatever begins from the day before the moment's to a week after it."""
    today = moment.astimezone(zone).date()
    for offset in range(-1, 8):
        day = today + timedelta(days=offset)
        for shift in shifts:
            if DAYS[day.weekday()] in shift.days:
                last = day if shift.end > shift.begin else day + timedelta(days=1)
                begin, end = (datetime.combine(*of, tzinfo=zone) for of in ((day, shift.begin), (last, shift.end)))
                yield Turn(shift, begin, end)
