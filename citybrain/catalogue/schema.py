"""What the YAML files of the catalogue may say: one source of the checks and of the published JSON Schemas.

A file reaches these models with every scalar as text (see `document`); the type of a field decides what it
means, so that `no`, `16:00` or `2026-03-01` are what they look like. After a change here,
`python -m citybrain.catalogue.schema` writes the JSON Schemas again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError, core_schema

from citybrain.catalogue.model import (
    AttributeKind,
    Derivation,
    Device,
    Domain,
    Metric,
    MetricKind,
    Region,
    RegionLevel,
    Site,
    SiteAttribute,
    Text,
)

FOLDER = Path(__file__).parent / "schemas"

SHORTEST, LONGEST = timedelta(seconds=1), timedelta(days=366)
_DURATION = r"^(?=[0-9])([0-9]{1,4}d)?([0-9]{1,5}h)?([0-9]{1,6}m)?([0-9]{1,8}s)?$"


def duration(text: str) -> timedelta:
    """The duration that a text such as `30s`, `5m`, `1h30m` or `7d` names.

    Raises:
        ValueError: the text names none, or one that is shorter than a second or longer than 366 days.
    """
    parts = re.fullmatch(_DURATION, text)
    if not parts:
        raise ValueError(f"expected a duration such as 30s, 5m, 1h30m or 7d, found {text!r}")
    days, hours, minutes, seconds = (int(part[:-1]) if part else 0 for part in parts.groups())
    value = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not SHORTEST <= value <= LONGEST:
        raise ValueError(f"expected a duration from 1s to 366d, found {text!r}")
    return value


def _duration(value: Any) -> timedelta:
    return duration(value if isinstance(value, str) else "")


def _truth(value: Any) -> bool:
    if value not in ("true", "false"):
        raise ValueError("expected true or false" + (f", found {value!r}" if isinstance(value, str) else ""))
    return bool(value == "true")


def attribute(text: str, kind: AttributeKind) -> str | float | bool:
    """The value of a site's attribute that a text in a file names.

    Raises:
        ValueError: the text names none of that kind.
    """
    if kind == "boolean":
        return _truth(text)
    if kind == "number":
        try:
            return _NUMBER.validate_strings(text)
        except ValidationError:
            raise ValueError(f"expected a number, found {text!r}") from None
    return text


def matching(pattern: str, expected: str) -> Callable[[str], str]:
    """A validator of texts that a pattern matches as a whole; `expected` says in its message what they are."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"expected {expected}, found {value!r}")
        return value

    return check


NAME = r"^[a-z][a-z0-9_]{0,62}$"  # a PostgreSQL identifier holds 63 bytes
_ID = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"  # one level of an MQTT topic, so no / + #
_UNIT = r"^[A-Za-z%][A-Za-z0-9%/.^-]{0,15}$"

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Name = Annotated[
    str,
    AfterValidator(matching(NAME, "a name of lower-case letters, digits and _, beginning with a letter")),
    WithJsonSchema({"type": "string", "pattern": NAME}),
]
Id = Annotated[
    str,
    AfterValidator(matching(_ID, "up to 64 letters, digits, _, . and -, beginning with a letter or digit")),
    # An editor's YAML parser takes a bare 150800 for a number; here it is text like every id.
    WithJsonSchema({"type": ["string", "integer"], "pattern": _ID}),
]
Unit = Annotated[
    str,
    AfterValidator(matching(_UNIT, "a unit such as MPa, m3/h, ug/m3 or %LEL")),
    WithJsonSchema({"type": "string", "pattern": _UNIT}),
]
Number = Annotated[float, Field(allow_inf_nan=False)]
Boolean = Annotated[bool, BeforeValidator(_truth)]
Duration = Annotated[timedelta, BeforeValidator(_duration), WithJsonSchema({"type": "string", "pattern": _DURATION})]
# The domain says which of these an attribute is.
Attribute = Annotated[Line, WithJsonSchema({"type": ["string", "number", "boolean"]})]
_NUMBER: TypeAdapter[float] = TypeAdapter(Number)


class Entry(BaseModel):
    """What stands at one place of a file; a key that it does not know is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Title(Entry):
    """A text in both languages."""

    zh: Line
    """The text in Chinese."""
    en: Line
    """The text in English."""

    def text(self) -> Text:
        """As the catalogue has it."""
        return Text(self.zh, self.en)


class RegionEntry(Entry):
    """An administrative division."""

    title: Title
    """The region's name in both languages."""
    level: RegionLevel
    """Rank: province (自治区), city (盟市), county (旗县区), street (街道, 苏木镇), grid (社区, 网格)."""
    parent: Id | None = None
    """Id of the region around it; left out at the top."""

    def region(self, id_: str) -> Region:
        """As the catalogue has it."""
        return Region(id_, self.title.text(), self.level, self.parent)


class RegionsFile(Entry):
    """A file of `regions/`: administrative divisions, each naming the one around it."""

    regions: dict[Id, RegionEntry] = Field(min_length=1)
    """The regions by id: the GB/T 2260 code where there is one."""


class StateEntry(Entry):
    """One state of a coded metric, or one flag."""

    code: int = Field(ge=0, le=2**31)
    """The whole number that is stored; of flags, a power of two."""
    title: Title
    """The state's name in both languages."""


class MetricEntry(Entry):
    """What is measured, and what a plausible value of it is."""

    title: Title
    """The metric's name in both languages."""
    kind: MetricKind = "number"
    """A number, a boolean, one state of several, or flags that may hold together."""
    unit: Unit | None = Field(None, validate_default=True)
    """Unit of a number, in ASCII: MPa, m3/h, ug/m3, degC, %. A pure number names what it counts: pH, AQI."""
    low: Number | None = None
    """Least plausible number, inclusive; a reading below it is flagged."""
    high: Number | None = None
    """Greatest plausible number, inclusive; a reading above it is flagged."""
    max_step: Number | None = Field(None, gt=0)
    """Largest plausible change of a number between two readings; a larger one is flagged."""
    reports: Literal["interval", "change"] = "interval"
    """Whether devices send at an interval, or when the value changes."""
    interval: Duration | None = Field(None, validate_default=True)
    """Expected time between two readings; with `reports: change`, the longest one, if there is any."""
    stuck_after: Duration | None = None
    """A number that stays equal for so long is flagged; left out where that is normal."""
    revises: Boolean = False
    """Whether a new value for an instant that has one replaces it; else it is a conflict."""
    derived: Boolean = False
    """Whether the platform computes it; else devices send it."""
    states: dict[Name, StateEntry] = Field({}, validate_default=True)
    """The states of a state, or the flags of flags, by name."""
    source: Line
    """Where the limits come from: a standard with its confidence, or `platform default (S)`."""

    @field_validator("unit", "low", "high", "max_step", "stuck_after")
    @classmethod
    def _only_numbers(cls, value: Any, info: ValidationInfo) -> Any:
        kind = info.data.get("kind", "number")
        if kind != "number" and value is not None:
            raise ValueError(f"only a number has this key, and the kind is {kind}; remove the key")
        return value

    @field_validator("unit")
    @classmethod
    def _unit_of_number(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("kind") == "number":
            raise ValueError("the key is missing: a number needs a unit, such as MPa, or pH where it is a pure number")
        return value

    @field_validator("high")
    @classmethod
    def _above_low(cls, value: float | None, info: ValidationInfo) -> float | None:
        low = info.data.get("low")
        if value is not None and low is not None and value <= low:
            raise ValueError(f"expected more than low, which is {low:g}, found {value:g}")
        return value

    @field_validator("max_step")
    @classmethod
    def _within_range(cls, value: float | None, info: ValidationInfo) -> float | None:
        low, high = info.data.get("low"), info.data.get("high")
        if value is not None and low is not None and high is not None and value > high - low:
            raise ValueError(f"expected at most high - low, which is {high - low:g}, found {value:g}")
        return value

    @field_validator("interval")
    @classmethod
    def _interval_known(cls, value: timedelta | None, info: ValidationInfo) -> timedelta | None:
        if value is None and info.data.get("reports") == "interval":
            raise ValueError("the key is missing: expected a duration such as 5m, or `reports: change`")
        return value

    @field_validator("stuck_after")
    @classmethod
    def _longer_than_interval(cls, value: timedelta | None, info: ValidationInfo) -> timedelta | None:
        interval = info.data.get("interval")
        if value is not None and info.data.get("reports") == "change":
            raise ValueError("a metric that reports on change may keep its value; remove the key")
        if value is not None and interval is not None and value <= interval:
            raise ValueError("expected more than the interval: two readings are needed to be equal")
        return value

    @field_validator("states")
    @classmethod
    def _codes(cls, value: dict[str, StateEntry], info: ValidationInfo) -> dict[str, StateEntry]:
        kind = info.data.get("kind")
        if kind in ("number", "boolean") and value:
            raise ValueError(f"only state and flags have this key, and the kind is {kind}; remove the key")
        if kind in ("state", "flags") and not value:
            raise ValueError(f"the key is missing: the kind {kind} needs its codes")
        problems: list[InitErrorDetails] = []
        names: dict[int, str] = {}
        for name, state in value.items():
            first = names.setdefault(state.code, name)
            if first != name:
                problems.append(_problem(name, state, f"{first} has the code {state.code} already"))
            if kind == "flags" and state.code.bit_count() != 1:
                problems.append(_problem(name, state, f"expected a power of two, found {state.code}"))
        if problems:
            raise ValidationError.from_exception_data(cls.__name__, problems)
        return value

    def metric(self, domain: str, name: str) -> Metric:
        """As the catalogue has it."""
        return Metric(
            domain=domain,
            name=name,
            title=self.title.text(),
            states={state: entry.code for state, entry in self.states.items()},
            state_titles={state: entry.title.text() for state, entry in self.states.items()},
            **self.model_dump(exclude={"title", "states"}),
        )


def _problem(name: str, state: StateEntry, message: str) -> InitErrorDetails:
    # A custom error's text is a template, and no name or number has braces.
    return InitErrorDetails(type=PydanticCustomError("code", message), loc=(name, "code"), input=state.code)


class DerivationEntry(Entry):
    """Readings that are computed from readings."""

    function: Name
    """The module of `citybrain.derived` that computes them."""
    inputs: list[Name] = Field(min_length=1)
    """The metrics of this domain that it reads."""

    def derivation(self, domain: str) -> Derivation:
        """As the catalogue has it."""
        return Derivation(domain, self.function, tuple(self.inputs))


class AttributeEntry(Entry):
    """What else is known of sites."""

    title: Title
    """The attribute's name in both languages."""
    kind: AttributeKind = "text"
    """A text, a number, or true or false."""
    unit: Unit | None = None
    """Unit of a number that has one, written as a metric's."""

    @field_validator("unit")
    @classmethod
    def _only_numbers(cls, value: str | None, info: ValidationInfo) -> str | None:
        kind = info.data.get("kind", "number")
        if kind != "number" and value is not None:
            raise ValueError(f"only a number has this key, and the kind is {kind}; remove the key")
        return value

    def attribute(self) -> SiteAttribute:
        """As the catalogue has it."""
        return SiteAttribute(self.title.text(), self.kind, self.unit)


class DomainFile(Entry):
    """`domain.yaml` of a folder of `domains/`: what a field of the city's operations measures."""

    title: Title
    """The domain's name in both languages."""
    owner: Title | None = None
    """The department that is responsible for the data, and that others ask for them."""
    site_kinds: dict[Name, Title] = {}
    """The kinds of places where this domain measures, each with its name in both languages."""
    site_attributes: dict[Name, AttributeEntry] = {}
    """What is known of its sites besides kind and place, by name; a rule reads `zone` as `site_zone`."""
    metrics: dict[Name, MetricEntry] = Field(min_length=1)
    """The metrics by the name they have in payloads."""
    derivations: list[DerivationEntry] = []
    """What the platform computes from these metrics."""

    def domain(self, id_: str) -> Domain:
        """As the catalogue has it."""
        return Domain(
            id=id_,
            title=self.title.text(),
            metrics={name: entry.metric(id_, name) for name, entry in self.metrics.items()},
            derivations=tuple(entry.derivation(id_) for entry in self.derivations),
            site_kinds={kind: title.text() for kind, title in self.site_kinds.items()},
            site_attributes={name: entry.attribute() for name, entry in self.site_attributes.items()},
            owner=self.owner.text() if self.owner else None,
        )


class DeviceEntry(Entry):
    """What has credentials and publishes; its region and domain are its site's."""

    gateway: Id | None = None
    """The device of the same region and domain that sends for it."""


class SiteEntry(Entry):
    """A place with things on it."""

    title: Title
    """The site's name in both languages."""
    region: Id
    """Id of the region it lies in."""
    domain: Name
    """Id of the domain it belongs to."""
    kind: Name
    """One of the domain's `site_kinds`."""
    longitude: Number = Field(ge=-180, le=180)
    """Degrees east, WGS84."""
    latitude: Number = Field(ge=-90, le=90)
    """Degrees north, WGS84."""
    attributes: dict[Name, Attribute] = {}
    """Values by name, each declared in the domain's `site_attributes`."""
    devices: dict[Id, DeviceEntry] = {}
    """The devices of the site by the name they have in topics."""

    def site(self, id_: str, declared: Mapping[str, SiteAttribute]) -> Site:
        """As the catalogue has it; `declared` are the attributes of its domain."""
        fields = self.model_dump(exclude={"title", "devices", "attributes"})
        attributes = {name: attribute(text, declared[name].kind) for name, text in self.attributes.items()}
        return Site(id=id_, title=self.title.text(), attributes=attributes, **fields)

    def devices_at(self, id_: str) -> list[Device]:
        """The site's devices as the catalogue has them."""
        return [Device(name, self.region, self.domain, id_, entry.gateway) for name, entry in self.devices.items()]


class SitesFile(Entry):
    """A file of `sites/`: places with their devices."""

    sites: dict[Id, SiteEntry] = Field(min_length=1)
    """The sites by id."""


# The payload of city/<region>/<domain>/<device>/reading. SenML (RFC 8428) arrays are recognised besides.
_READING = {
    "$defs": {
        "reading": {
            "type": "object",
            "required": ["values"],
            "properties": {
                "time": {
                    "description": "When it was measured: ISO 8601, in the city's zone where it names none, "
                    "or milliseconds since 1970-01-01T00:00Z. Left out: when it is received.",
                    "anyOf": [
                        {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}"},
                        {"type": "integer"},
                    ],
                },
                "values": {
                    "description": "The values by the metrics' names, in the catalogue's units; "
                    "a state as its name or its code.",
                    "type": "object",
                    "minProperties": 1,
                    "additionalProperties": {"type": ["number", "boolean", "string"]},
                },
            },
        }
    },
    "title": "Reading",
    "description": "What a device publishes: the values of one instant, or an array of such objects.",
    "anyOf": [
        {"$ref": "#/$defs/reading"},
        {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/reading"}},
    ],
}


class _Generator(GenerateJsonSchema):
    """Describes files: an optional key is left out, never null, and the keys of a mapping have a pattern."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        result = super().default_schema(schema)
        if result.get("default") in (None, {}, []):
            result.pop("default", None)
        return result

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        result: JsonSchemaValue = {
            "type": "object",
            # In JSON a key is always text, also where it looks like a number.
            "propertyNames": {**self.generate_inner(schema["keys_schema"]), "type": "string"},
            "additionalProperties": self.generate_inner(schema["values_schema"]),
        }
        return result | ({"minProperties": schema["min_length"]} if "min_length" in schema else {})

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of one kind of file."""
    return model.model_json_schema(schema_generator=_Generator)


def schemas() -> dict[str, str]:
    """The published JSON Schemas by file name, as text."""
    found = {
        "regions.schema.json": json_schema(RegionsFile),
        "domain.schema.json": json_schema(DomainFile),
        "sites.schema.json": json_schema(SitesFile),
        "reading.schema.json": _READING,
    }
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {name: json.dumps(dialect | body, ensure_ascii=False, indent=2) + "\n" for name, body in found.items()}


if __name__ == "__main__":
    for name, text in schemas().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
