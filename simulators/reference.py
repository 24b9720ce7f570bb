"""The reference of scenarios and cities: `python -m simulators.reference > docs/simulators-reference.md`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from simulators.air.area import Area
from simulators.city import CITIES, FAULTS, CityFile, read_city
from simulators.devices.behaviour import Behaviour
from simulators.heating.network import HeatNetwork
from simulators.scenario import SCENARIOS, Entry, ScenarioFile, load
from simulators.sentinel.streets import Streets
from simulators.water.zones import Zones
from simulators.weather import Climate

BOUNDS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<", "min_length": "at least", "max_length": "at most"}


def reference() -> str:
    """All of it, as Markdown."""
    return "\n".join(_lines()).rstrip() + "\n"


def _lines() -> Iterator[str]:
    yield "# Scenarios and cities: reference"
    yield ""
    yield "Made by `python -m simulators.reference` from the code. [Simulators](simulators.md) says how to use it."
    yield ""
    yield "## Scenarios that ship"
    yield ""
    yield "| scenario | title | what happens |"
    yield "|---|---|---|"
    for path in sorted(SCENARIOS.glob("*.yaml")):
        file = load(path.stem, FAULTS, SCENARIOS).file
        yield f"| `{path.stem}` | {file.title.zh}, {file.title.en} | {_cell(file.about)} |"
    yield ""
    yield "## Keys of a scenario"
    yield from _keys(ScenarioFile)
    yield "### One of its `happenings`"
    yield from _keys(Entry)
    yield "## Faults"
    yield ""
    yield "The `place` of a fault is one that the city has: `citybrain simulate --check` names those that are near."
    yield ""
    for name, kind in sorted(FAULTS.items()):
        yield f"### `{name}`"
        yield ""
        yield from _about(kind)
        yield from _keys(kind)
    yield "## Keys of a city"
    yield ""
    for path in sorted(CITIES.glob("*.yaml")):
        yield f"The city `{path.stem}`: {read_city(path).title.en}."
    yield from _keys(CityFile)
    blocks: Mapping[str, type[BaseModel]] = {
        "climate": Climate,
        "behaviour": Behaviour,
        "an entry of `water`": Zones,
        "an entry of `heating`": HeatNetwork,
        "an entry of `air`": Area,
        "an entry of `sentinel`": Streets,
    }
    for title, model in blocks.items():
        yield f"### {title}"
        yield ""
        yield from _about(model)
        yield from _keys(model)


def _about(model: type[BaseModel]) -> Iterator[str]:
    yield " ".join((model.__doc__ or "").split())


def _keys(model: type[BaseModel]) -> Iterator[str]:
    yield ""
    if model.model_fields:
        yield "| key | default | meaning |"
        yield "|---|---|---|"
        for name, field in model.model_fields.items():
            yield f"| `{name}` | {_default(field)} | {_cell(field.description or '')}{_bounds(field)} |"
        yield ""


def _default(field: FieldInfo) -> str:
    found: Any = field.default
    if found is PydanticUndefined:
        return "required" if field.is_required() else ""
    if found is None or isinstance(found, BaseModel) or found in ([], {}, ""):
        return ""
    if isinstance(found, timedelta):
        return f"`{_duration(found)}`"
    if isinstance(found, tuple):
        return f"`[{', '.join(found)}]`"
    return f"`{str(found).lower() if isinstance(found, bool) else f'{found:g}' if isinstance(found, float) else found}`"


def _duration(value: timedelta) -> str:
    """As it is written: 1d, 12h, 10m."""
    seconds = int(value.total_seconds())
    parts = []
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        number, seconds = divmod(seconds, length)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts)


def _bounds(field: FieldInfo) -> str:
    found = [
        f"{words} {value:g}"
        for one in field.metadata
        for name, words in BOUNDS.items()
        if isinstance(value := getattr(one, name, None), int | float)
    ]
    return f" ({', '.join(found)})" if found else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    print(reference(), end="")
