"""Files that maps need: what is right is read, what is wrong is named with its file and feature."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from citybrain.catalogue import gcj02, maps
from citybrain.catalogue.errors import CatalogueError, Problem
from citybrain.catalogue.load import load
from citybrain.catalogue.model import Lines, Outlines, Text
from citybrain.settings import PROJECT
from deploy.outlines import FILE, sketch

SQUARE = [[107.0, 40.0], [108.0, 40.0], [108.0, 41.0], [107.0, 41.0], [107.0, 40.0]]


def outline(region: object = "150802", ring: object = SQUARE) -> dict[str, Any]:
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "properties": {"id": region, "name": "x"}, "geometry": geometry}


def file(*features: object, **members: object) -> dict[str, Any]:
    given = {"source": {"zh": "图", "en": "Map"}, "licence": "CC BY 4.0", "approval": None, **members}
    return {"type": "FeatureCollection", "features": list(features), **given}


def written(root: Path, name: str, content: object) -> Path:
    path = root / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return root


def read(root: Path) -> tuple[list[Outlines], list[str]]:
    problems: list[Problem] = []
    return maps.outlines(root, ["150802", "150821"], problems), [str(problem) for problem in problems]


def test_an_outline_is_read_with_where_it_is_from(tmp_path: Path) -> None:
    many = {"type": "MultiPolygon", "coordinates": [[SQUARE], [[[x, y, 1030.5] for x, y in SQUARE]]]}
    features = outline(), {**outline("150821"), "geometry": many}
    written(tmp_path, "regions/a.geojson", file(*features, approval="GS(2024)0650号"))

    found, problems = read(tmp_path)

    assert problems == []
    assert found == [
        Outlines(
            Text("图", "Map"), "CC BY 4.0", "GS(2024)0650号", {"150802": [[SQUARE]], "150821": [[SQUARE], [SQUARE]]}
        )
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{\n  oops", "a.geojson:2:3: not valid JSON"),
        ("[]", "expected `object`, got `array`"),
        ({"type": "Feature"}, "invalid value 'Feature'"),
        (file(outline("15080")), "features.0.properties.id: unknown region 15080; did you mean 150802?"),
        (file(outline(150802)), "features.0.properties.id: expected `str`, got `int`"),
        (file(outline(), outline()), "features.1.properties.id: the region's outline is in regions/a.geojson already"),
        (file(outline(ring=SQUARE[:-1])), "features.0.geometry: expected rings of 4 places or more"),
        (file(outline(ring=[SQUARE[0]])), "features.0.geometry: expected lines of two places or more"),
        (file(outline(ring=[[y, x] for x, y in SQUARE])), "features.0.geometry: expected longitudes"),
        (file(outline(ring=[["a", 1]])), "features.0.geometry.coordinates.0.0.0: expected `float`, got `str`"),
        (file(approval=7), "approval: expected `str | null`, got `int`"),
        (file(licence=""), "licence: expected `str` of length >= 1"),
        (file(source="x"), "source: expected `object`, got `str`"),
        (file(datum="bd09"), "datum: invalid enum value 'bd09'"),
        ({key: value for key, value in file().items() if key != "approval"}, "missing required field `approval`"),
        ('{"a":' * 100_000, "a.geojson:1:1: "),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, content: object, message: str) -> None:
    _, problems = read(written(tmp_path, "regions/a.geojson", content))

    assert len(problems) == 1
    assert problems[0].startswith("regions/a.geojson:")
    assert message in problems[0]


def test_what_is_not_utf_8_or_too_large_is_named(tmp_path: Path) -> None:
    (tmp_path / "regions").mkdir()
    (tmp_path / "regions" / "a.geojson").write_bytes(b'{"\xff"')
    with (tmp_path / "regions" / "b.geojson").open("wb") as large:
        large.truncate(maps.LARGEST + 1)

    _, problems = read(tmp_path)

    assert "a.geojson:1:1: the file is not UTF-8" in problems[0]
    assert "b.geojson:1:1: the file has more than" in problems[1]


def test_the_catalogue_is_checked_with_its_maps(tmp_path: Path) -> None:
    for folder in ("regions", "domains"):
        (tmp_path / folder).symlink_to(PROJECT / folder)
    properties = {"domain": "watr", "region": "150802", "kind": "pipe"}
    line = {"type": "LineString", "coordinates": SQUARE[:2]}
    feature = {"type": "Feature", "properties": properties, "geometry": line}
    written(tmp_path, "networks/a.geojson", {"type": "FeatureCollection", "features": [feature]})

    with pytest.raises(
        CatalogueError, match=r"networks/a.geojson:1:1: features.0.properties.domain: unknown domain watr"
    ):
        load(tmp_path)


def test_lines_of_a_kind_are_put_together(tmp_path: Path) -> None:
    def feature(kind: str, geometry: dict[str, Any]) -> dict[str, Any]:
        properties = {"domain": "water", "region": "150802", "kind": kind}
        return {"type": "Feature", "properties": properties, "geometry": geometry}

    one = {"type": "LineString", "coordinates": SQUARE[:2]}
    more = {"type": "MultiLineString", "coordinates": [SQUARE[1:3], SQUARE[2:4]]}
    features = [feature("pipe", one), feature("main", one), feature("pipe", more)]
    written(tmp_path, "networks/a.geojson", {"type": "FeatureCollection", "features": features})

    problems: list[Problem] = []
    found = maps.networks(tmp_path / "networks", ["150802"], ["water"], problems)

    assert problems == []
    assert found == [
        Lines("water", "150802", "pipe", [SQUARE[:2], SQUARE[1:3], SQUARE[2:4]]),
        Lines("water", "150802", "main", [SQUARE[:2]]),
    ]


def test_what_is_in_gcj_02_is_read_as_wgs_84(tmp_path: Path) -> None:
    shifted = gcj02.from_wgs84(np.array(SQUARE)).tolist()
    written(tmp_path, "regions/a.geojson", file(outline(ring=shifted), datum="gcj02"))

    (found,), _ = read(tmp_path)

    assert np.allclose(found.shapes["150802"][0][0], SQUARE, atol=1e-5)


def test_gcj_02_is_what_others_make_of_it() -> None:
    # As coordtransform and eviltransform compute them.
    places = np.array([[107.417, 40.757], [116.404, 39.915]])
    expected = np.array([[107.42260636740586, 40.758457826476615], [116.41024449916938, 39.91640428150164]])

    assert np.allclose(gcj02.from_wgs84(places), expected, atol=1e-9)


def test_gcj_02_leads_back_within_a_millimetre() -> None:
    places = np.random.default_rng(7).uniform((75, 18), (134, 53), (1000, 2))

    assert np.abs(gcj02.to_wgs84(gcj02.from_wgs84(places)) - places).max() < 1e-8


def test_elsewhere_gcj_02_is_wgs_84() -> None:
    paris = np.array([[2.35, 48.85]])

    assert np.array_equal(gcj02.from_wgs84(paris), paris)


def test_the_sketch_that_ships_is_the_one_that_its_script_draws() -> None:
    assert json.loads(FILE.read_text(encoding="utf-8")) == sketch()


def test_every_county_of_the_sketch_holds_its_towns_sites() -> None:
    shapes = {region: polygons for file in load(PROJECT).outlines for region, polygons in file.shapes.items()}

    assert shapes.keys() >= {"150800", "150802", "150821", "150822", "150823", "150824", "150825", "150826", "150102"}
    for region, place in {"150802": (107.41, 40.755), "150102": (111.705, 40.86)}.items():
        ring = np.array(shapes[region][0][0])
        ahead, behind = ring[1:] - ring[:-1], np.array(place) - ring[:-1]
        assert (ahead[:, 0] * behind[:, 1] - ahead[:, 1] * behind[:, 0] > 0).all(), "inside, for the ring is convex"
