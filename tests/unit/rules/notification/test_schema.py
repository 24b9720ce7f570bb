"""The file of routes: what it may say, and how each mistake is named."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest

from citybrain.catalogue.load import load as load_catalogue
from citybrain.settings import PROJECT
from rules.notification.routes import Route
from rules.notification.schema import FOLDER, RoutesError, load, schemas

CATALOGUE = load_catalogue(PROJECT)


def written(folder: Path, text: str) -> Path:
    path = folder / "routes.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(folder: Path, text: str) -> list[str]:
    with pytest.raises(RoutesError) as caught:
        load(written(folder, text), CATALOGUE)
    return str(caught.value).splitlines()


def test_a_full_route(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        routes:
          duty-room:
            url_from: env:DUTY_ROOM_URL
          heating-night:
            url_from: file:/run/secrets/heating
            language: en
            regions: [150800]
            domains: [heating, platform]
            severities: [1, 2]
            hours: 17:30-08:00
            days: [mon, sun]
            digest: 10m
        """,
    )
    plain, full = load(path, CATALOGUE)
    assert plain == Route(name="duty-room", url_from="env:DUTY_ROOM_URL")
    assert full == Route(
        name="heating-night",
        url_from="file:/run/secrets/heating",
        language="en",
        regions=frozenset({"150800"}),
        domains=frozenset({"heating", "platform"}),
        severities=frozenset({1, 2}),
        hours=(1050, 480),
        days=frozenset({0, 6}),
        digest=timedelta(minutes=10),
    )


def test_no_routes_is_a_file_too(tmp_path: Path) -> None:
    assert load(written(tmp_path, "routes: {}"), CATALOGUE) == ()


def test_all_mistakes_at_once_with_their_places_and_hints(tmp_path: Path) -> None:
    found = mistakes(
        tmp_path,
        """routes:
  mqtt: {url_from: env:A}
  night:
    url_from: env:A
    regions: [150899]
    domain: [water]
    domains: [watr]
    severities: [5]
    hours: 8:00-17:00
    digest: 2d
  empty: {regions: []}
  never: {url_from: env:B, hours: 08:00-08:00, days: [monday], language: de}
""",
    )
    assert found == [
        "routes.yaml:2:3: routes.mqtt: this name is the built-in route's; choose another",
        "routes.yaml:5:15: routes.night.regions.0: unknown region 150899; did you mean 150826?",
        "routes.yaml:6:5: routes.night.domain: unknown key; did you mean domains?",
        "routes.yaml:7:15: routes.night.domains.0: unknown domain watr; did you mean water?",
        "routes.yaml:8:18: routes.night.severities.0: expected at most 4, found 5",
        "routes.yaml:9:5: routes.night.hours: expected hours of the city's day such as 08:00-17:30, or 17:30-08:00 "
        "across midnight",
        "routes.yaml:10:5: routes.night.digest: expected at most 4h: a digest is for what can wait, not for what may "
        "be forgotten",
        "routes.yaml:11:3: routes.empty.url_from: the key is missing: Where the Apprise URL, or the webhook's address, "
        "stands: env:NAME (an environment variable) or file:/path.",
        "routes.yaml:11:11: routes.empty.regions: expected at least one entry, found an empty list",
        "routes.yaml:12:28: routes.never.hours: 08:00-08:00 is no time at all; leave the key out for all day",
        "routes.yaml:12:55: routes.never.days.0: expected 'mon', 'tue', 'wed', 'thu', 'fri', 'sat' or 'sun', "
        "found 'monday'",
        "routes.yaml:12:64: routes.never.language: expected 'zh' or 'en', found 'de'",
    ]


def test_an_address_in_the_file_is_refused_and_not_shown(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, "routes: {a: {url_from: 'wecombot://s3cr3t-key'}}")
    assert "expected env:NAME or file:/path" in found
    assert "s3cr3t" not in found


@pytest.mark.parametrize("text", ["", "- a", "routes: [", "routes: 1", "routes: {a: 1}", "{}"])
def test_what_is_no_file_of_routes_is_named(tmp_path: Path, text: str) -> None:
    assert all(line.startswith("routes.yaml:") for line in mistakes(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RoutesError, match="the file can't be read: No such file"):
        load(tmp_path / "routes.yaml", CATALOGUE)


def test_published_schemas_are_up_to_date() -> None:
    published = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert published == schemas(), "run python -m rules.notification.schema"


@pytest.mark.parametrize("text", schemas().values(), ids=schemas())
def test_schemas_are_valid(text: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(text))
