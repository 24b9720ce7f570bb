"""The catalogue that ships is complete, in both languages, and names the origin of every limit."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from citybrain.catalogue import pages
from citybrain.catalogue.load import load
from citybrain.catalogue.model import Catalogue, Text
from citybrain.catalogue.schema import FOLDER, schemas
from citybrain.settings import PROJECT

PATTERNS = ("regions/*.yaml", "domains/*/domain.yaml", "domains/*/page.yaml", "sites/*.yaml")
FILES = sorted(path for pattern in PATTERNS for path in PROJECT.glob(pattern))
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load(PROJECT)


def titles(catalogue: Catalogue) -> Iterator[tuple[str, Text]]:
    yield from ((region.id, region.title) for region in catalogue.regions.values())
    yield from ((site.id, site.title) for site in catalogue.sites.values())
    for domain in catalogue.domains.values():
        yield domain.id, domain.title
        yield from ((f"{domain.id}.{kind}", title) for kind, title in domain.site_kinds.items())
        for id_, panel in catalogue.pages[domain.id].panels.items():
            yield f"{domain.id}.{id_}", panel.title.text()
        for metric in domain.metrics.values():
            yield f"{domain.id}.{metric.name}", metric.title
            yield from ((f"{domain.id}.{metric.name}.{s}", title) for s, title in metric.state_titles.items())


def test_titles_are_in_both_languages(catalogue: Catalogue) -> None:
    international = {"PM2.5", "PM10"}
    for name, title in titles(catalogue):
        assert CHINESE.search(title.zh) or title.zh in international, f"{name} has no Chinese title"
        assert not CHINESE.search(title.en), f"{name} has no English title"


def test_every_metric_has_what_rules_and_boards_need(catalogue: Catalogue) -> None:
    for domain in catalogue.domains.values():
        for metric in domain.metrics.values():
            name = f"{domain.id}.{metric.name}"
            assert metric.source, f"{name} has no source"
            assert re.search(r"\((A|B|C|S|A-|B-|C-)\)", metric.source), f"{name}: source without a confidence"
            if metric.kind == "number":
                assert metric.unit, f"{name} has no unit"
                assert metric.low is not None, f"{name} has no range"
                assert metric.high is not None, f"{name} has no range"
            assert metric.revises or not metric.derived, f"{name} is computed again when late data arrives"


def test_a_standards_name_never_has_the_mark_of_a_default(catalogue: Catalogue) -> None:
    for domain in catalogue.domains.values():
        for metric in domain.metrics.values():
            for part in (metric.source or "").split(";"):
                assert ("platform default" in part) == ("(S)" in part), f"{domain.id}.{metric.name}: {metric.source}"


def test_the_regions_of_the_plans(catalogue: Catalogue) -> None:
    tree = {region.id: (region.title.zh, region.parent) for region in catalogue.regions.values()}
    assert tree == {
        "150000": ("内蒙古自治区", None),
        "150100": ("呼和浩特市", "150000"),
        "150102": ("新城区", "150100"),
        "150102-chengjisihan": ("成吉思汗街道", "150102"),
        "150102-baoheshao": ("保合少镇", "150102"),
        "150800": ("巴彦淖尔市", "150000"),
        "150802": ("临河区", "150800"),
        "150821": ("五原县", "150800"),
        "150822": ("磴口县", "150800"),
        "150823": ("乌拉特前旗", "150800"),
        "150824": ("乌拉特中旗", "150800"),
        "150825": ("乌拉特后旗", "150800"),
        "150826": ("杭锦后旗", "150800"),
    }


# A column of the recordings, the metric it becomes, and what its values are divided by.
COLUMNS = {
    "PM2.5": ("pm25", 1),
    "PM10": ("pm10", 1),
    "SO2": ("so2", 1),
    "NO2": ("no2", 1),
    "CO": ("co", 1000),
    "O3": ("o3", 1),
    "TEMP": ("temperature", 1),
    "PRES": ("air_pressure", 1),
    "DEWP": ("dew_point", 1),
    "RAIN": ("rain", 1),
    "WSPM": ("wind_speed", 1),
}


@pytest.mark.parametrize("column", COLUMNS)
def test_few_real_readings_are_doubtful(catalogue: Catalogue, column: str) -> None:
    name, divisor = COLUMNS[column]
    metric = catalogue.domains["air"].metrics[name]
    assert metric.low is not None
    assert metric.high is not None
    assert metric.interval is not None
    total = leaps = stuck = 0
    for path in sorted((PROJECT / "simulators/sample").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            cells = [row[column] for row in csv.DictReader(file)]
        readings = [(hour, float(cell) / divisor) for hour, cell in enumerate(cells) if cell != "NA"]
        total += len(readings)
        since = 0
        for index, (hour, value) in enumerate(readings):
            assert metric.low <= value <= metric.high
            before = [readings[i][1] for i in (index - 1, index - 2) if i >= 0]
            if metric.max_step and before and all(abs(value - other) > metric.max_step for other in before):
                leaps += 1
            if not before or value != before[0]:
                since = hour
            if metric.stuck_after and (hour - since) * metric.interval >= metric.stuck_after:
                stuck += 1
    assert total > 1000
    assert leaps <= 0.005 * total
    assert stuck <= 0.005 * total


def strings_as_keys(value: Any) -> Any:
    """As JSON has it: keys are text."""
    if isinstance(value, dict):
        return {str(key): strings_as_keys(entry) for key, entry in value.items()}
    return [strings_as_keys(entry) for entry in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_editors_find_the_schema_and_accept_the_file(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    reference = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert reference, "the first line names no schema"
    schema = (path.parent / reference[1]).resolve()
    assert schema.parent == FOLDER
    jsonschema.validate(strings_as_keys(yaml.safe_load(text)), json.loads(schema.read_text(encoding="utf-8")))


def keys(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from keys(part)


def test_every_key_is_documented() -> None:
    documented = (PROJECT / "docs/catalogue.md").read_text(encoding="utf-8")
    published = schemas() | pages.schemas()
    for name in ("regions", "domain", "page", "sites"):
        for key in keys(json.loads(published[f"{name}.schema.json"])):
            assert f"| `{key}` |" in documented, f"docs/catalogue.md has no row for {key} of {name}"


def test_the_documented_files_load(tmp_path: Path) -> None:
    for path in FILES:
        copy = tmp_path / path.relative_to(PROJECT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    documented = (PROJECT / "docs/catalogue.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", documented, flags=re.DOTALL)
    (site,) = [block for block in blocks if "\nsites:\n" in block]
    (domain,) = [block for block in blocks if "\nsite_kinds:\n" in block]
    (tmp_path / "sites").mkdir(exist_ok=True)
    (tmp_path / "sites/documented.yaml").write_text(site, encoding="utf-8")
    (tmp_path / "domains/lighting").mkdir()
    (tmp_path / "domains/lighting/domain.yaml").write_text(domain, encoding="utf-8")
    (page,) = [block for block in blocks if "\npanels:\n" in block]
    (tmp_path / "domains/lighting/page.yaml").write_text(page, encoding="utf-8")
    catalogue = load(tmp_path)
    assert [panel.kind for panel in catalogue.pages["lighting"].panels.values()] == ["table", "series"]
    assert catalogue.devices["150802", "lighting", "lamp-7-1"].gateway == "gw-7"
    assert catalogue.sites["cabinet-7"].attributes == {"street": "0478", "manned": False}
    assert catalogue.domains["lighting"].metrics["current"].unit == "A"


def test_pages_go_by_rules_that_there_are(catalogue: Catalogue) -> None:
    """A rule that is not in force leaves a hole in the page; one that is misspelt leaves it for ever."""
    rules = "\n".join(path.read_text(encoding="utf-8") for path in PROJECT.glob("domains/*/rules.yaml"))
    for page in catalogue.pages.values():
        vitals = [figure for panel in page.panels.values() for figure in panel.vitals or ()]
        for figure in (*page.vital.beside, *vitals):
            assert figure.keeps is None or f"- rule: {figure.keeps.rule}\n" in rules
