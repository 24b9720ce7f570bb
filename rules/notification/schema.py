"""What the file of routes may say, and the JSON that the MQTT topic carries: one source of checks and JSON Schemas.

After a change here, `python -m rules.notification.schema` writes the JSON Schemas again.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from citybrain.catalogue import messages
from citybrain.catalogue.document import Document, read
from citybrain.catalogue.errors import CatalogueError
from citybrain.catalogue.messages import hint
from citybrain.catalogue.model import Catalogue
from citybrain.catalogue.schema import Duration, Id, Name, json_schema
from rules.notification.announcement import Announcement
from rules.notification.routes import DAY_MINUTES, MQTT, Format, Kind, Language, Route

FOLDER = Path(__file__).parent / "schemas"

OTHER_DOMAINS = ("plan", "platform")  # domains of rules that no folder of the catalogue need have
LONGEST_DIGEST = timedelta(hours=4)

_HOURS = r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
_URL_FROM = r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:/.+)$"


class RoutesError(CatalogueError):
    """The routes can't be used; the text has a line for each of `problems`, by line."""


def _hours(value: Any) -> tuple[int, int]:
    if not isinstance(value, str) or not re.fullmatch(_HOURS, value):
        raise ValueError("expected hours of the city's day such as 08:00-17:30, or 17:30-08:00 across midnight")
    start, end = (int(part[:2]) * 60 + int(part[3:]) for part in value.split("-"))
    if start == end:
        raise ValueError(f"{value} is no time at all; leave the key out for all day")
    return start, end


def _url_from(value: str) -> str:
    # What stands here instead may be the address itself: it is not shown.
    if not re.fullmatch(_URL_FROM, value):
        raise ValueError(
            "expected env:NAME or file:/path; an address holds secrets, so it stands in an environment variable or "
            "in a file of its own"
        )
    return value


def _not_long(value: timedelta) -> timedelta:
    if value > LONGEST_DIGEST:
        raise ValueError("expected at most 4h: a digest is for what can wait, not for what may be forgotten")
    return value


Hours = Annotated[tuple[int, int], BeforeValidator(_hours), WithJsonSchema({"type": "string", "pattern": _HOURS})]
UrlFrom = Annotated[str, AfterValidator(_url_from), WithJsonSchema({"type": "string", "pattern": _URL_FROM})]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS = get_args(Day)
Severity = Annotated[int, Field(ge=1, le=4)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class RouteEntry(_Entry):
    """Who is told of what, when, and by which channel."""

    url_from: UrlFrom
    """Where the Apprise URL, or the webhook's address, stands: env:NAME (an environment variable) or file:/path."""
    kind: Kind = "apprise"
    """apprise: messages for people; webhook: signed announcements for another system."""
    secret_from: UrlFrom | None = None
    """Of a webhook: where the secret that signs stands, likewise."""
    format: Format | None = None
    """Of a webhook: cloudevents (CloudEvents 1.0 as JSON; the default) or cap (CAP 1.2 as XML)."""
    language: Language = "zh"
    """Language of the messages: zh or en."""
    regions: list[Id] | None = Field(None, min_length=1)
    """Regions whose alerts are told, with all below them; left out: all."""
    domains: list[Name] | None = Field(None, min_length=1)
    """Domains whose alerts are told; left out: all."""
    severities: list[Severity] | None = Field(None, min_length=1)
    """Severities that are told, 1 red to 4 blue; left out: all."""
    hours: Hours | None = None
    """Hours of the city's day, the end exclusive, across midnight where it is before the start; left out: all day."""
    days: list[Day] | None = Field(None, min_length=1)
    """Days of the week on which the hours begin: mon, tue, wed, thu, fri, sat, sun; left out: all."""
    digest: Annotated[Duration, AfterValidator(_not_long)] | None = None
    """One message carries what came in so long, such as 10m, 4h at most; left out: each at once."""

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.kind == "webhook" and self.secret_from is None:
            raise ValueError("a webhook needs secret_from: receivers know by the signature that it is us")
        if self.kind == "webhook" and self.digest is not None:
            raise ValueError("a webhook has no digest: each announcement is posted at once")
        if self.kind != "webhook" and (self.secret_from or self.format):
            raise ValueError("secret_from and format are of routes of kind webhook")
        return self

    def route(self, name: str) -> Route:
        """As the notifier has it."""
        return Route(
            name=name,
            url_from=self.url_from,
            language=self.language,
            regions=frozenset(self.regions) if self.regions else None,
            domains=frozenset(self.domains) if self.domains else None,
            severities=frozenset(self.severities) if self.severities else None,
            hours=self.hours or (0, DAY_MINUTES),
            days=frozenset(map(DAYS.index, self.days)) if self.days else None,
            digest=self.digest,
            kind=self.kind,
            secret_from=self.secret_from,
            format=self.format or "cloudevents",
        )


class RoutesFile(_Entry):
    """The file of routes: to whom alerts go, beside the MQTT topic, to which all go."""

    routes: dict[Id, RouteEntry]
    """The routes by name."""


def load(path: Path, catalogue: Catalogue) -> tuple[Route, ...]:
    """The routes of a file, checked as a whole.

    Raises:
        RoutesError: with every mistake in the file.
    """
    document = read(path, path.name)
    file = _checked(document) if document.readable else None
    _check_names(document, catalogue)
    if document.problems or file is None:
        raise RoutesError(document.problems)
    return tuple(entry.route(name) for name, entry in file.routes.items())


def _checked(document: Document) -> RoutesFile | None:
    try:
        return RoutesFile.model_validate(document.tree)
    except ValidationError as error:
        messages.report(document, json_schema(RoutesFile), error.errors(include_url=False))
        return None


def _check_names(document: Document, catalogue: Catalogue) -> None:
    """Report names that lead nowhere; the tree is read, so that one wrong key does not hide what else is wrong."""
    known = {"regions": list(catalogue.regions), "domains": [*catalogue.domains, *OTHER_DOMAINS]}
    for name, route in document.entries("routes"):
        if name == MQTT:
            document.report(("routes", name), "this name is the built-in route's; choose another")
        for key, names in known.items():
            given = route.get(key)
            for position, one in enumerate(given if isinstance(given, list) else ()):
                if isinstance(one, str) and one not in names:
                    message = f"unknown {key.removesuffix('s')} {one}{hint(one, names)}"
                    document.report(("routes", name, key, position), message)


def schemas() -> dict[str, str]:
    """The published JSON Schemas by file name, as text."""
    found = {
        "routes.schema.json": json_schema(RoutesFile),
        "alert.schema.json": Announcement.model_json_schema(mode="serialization"),
    }
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {name: json.dumps(dialect | body, ensure_ascii=False, indent=2) + "\n" for name, body in found.items()}


if __name__ == "__main__":
    for name, text in schemas().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
