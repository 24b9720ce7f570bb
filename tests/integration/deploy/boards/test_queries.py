"""Every question of every board is answered, by a real database, as the role of Grafana's user, in the form that its
panel needs: for all regions and sites, for one, and over a month.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from citybrain.settings import PROJECT
from deploy.boards.model import Bundle
from tests.integration.deploy.boards.datasource import Chosen, expanded, interpolated
from tests.integration.deploy.boards.questions import Question, questions

EVERYTHING = Chosen(everything="'*'")
COCKPIT = Chosen(["http://127.0.0.1:8000"], multi=False)
LINHE = "150802"  # where the odd sites lie; of each domain one that has much to show
SITES = {"water": "zone-1", "heating": "station-1", "air": "air-sim-1", "sentinel": "gas-1"}

NUMBERS = (int, float, Decimal)


class Answer(NamedTuple):
    """Names and rows."""

    columns: list[str]
    rows: list[tuple[Any, ...]]

    def column(self, name: str) -> list[Any]:
        return [row[self.columns.index(name)] for row in self.rows]


def every(language: str) -> list[Any]:
    found = [one for one in questions() if one.board.endswith(f"-{language}")]
    return [pytest.param(one, id=f"{one.board}:{number}-{one.kind}") for number, one in enumerate(found)]


def ask(city: psycopg.Connection[Any], question: Question, span: timedelta, **chosen: Chosen) -> Answer:
    end = datetime.now(UTC)
    known = {"region": EVERYTHING, "domain": EVERYTHING, "site": EVERYTHING, "cockpit": COCKPIT, **chosen}
    known.setdefault("indicator", Chosen(indicators(city)))
    interval = "1m" if span <= timedelta(days=1) else "1h"
    text = expanded(interpolated(question.statement, known, interval), end - span, end)
    cursor = city.execute(text.encode())
    assert cursor.description is not None
    return Answer([column.name for column in cursor.description], cursor.fetchall())


def indicators(city: psycopg.Connection[Any]) -> list[str]:
    return [row[0] for row in city.execute("select distinct indicator from board_plan order by 1 limit 2").fetchall()]


def check(question: Question, answer: Answer) -> None:
    """What the panel, the variable or the annotation needs of its answer."""
    columns = answer.columns
    assert len(set(columns)) == len(columns)
    if question.kind == "variable":
        assert columns == ["__text", "__value"]
        texts = answer.column("__text")
        assert len(set(texts)) == len(texts), "Grafana leaves out what has the same text"
    elif question.kind == "annotation":
        assert columns == ["time", "timeend", "text", "tags"]
        assert all(isinstance(time, datetime) for time in answer.column("time"))
        assert all(isinstance(text, str) for name in ("text", "tags") for text in answer.column(name))
    elif question.form == "time_series":
        _check_series(answer)
    elif question.kind == "geomap":
        for name, least, most in (("longitude", 73, 135), ("latitude", 18, 54)):  # China
            assert all(least <= degrees <= most for degrees in answer.column(name))
    elif question.kind == "stat":
        assert len(answer.rows) == 1
        assert all(value is None or isinstance(value, NUMBERS) for value in answer.rows[0])
    elif question.kind == "barchart":
        first, *others = answer.rows[0] if answer.rows else ("",)
        assert isinstance(first, str)
        assert all(isinstance(value, NUMBERS) for value in others)
    elif question.kind == "xychart":
        assert all(isinstance(value, NUMBERS) for row in answer.rows for value in row[:3])
    else:
        assert question.kind == "table"


def _check_series(answer: Answer) -> None:
    """Times that rise; then numbers, each a series, or a name and a number: a series for each name."""
    times = answer.column("time")
    assert all(isinstance(time, datetime) for time in times)
    assert times == sorted(times)
    if "metric" in answer.columns:
        assert answer.columns == ["time", "metric", "value"]
        keys = [row[:2] for row in answer.rows]
        assert len(set(keys)) == len(keys), "two values of a series at one time"
    numbers = [value for row in answer.rows for value in row[2 if "metric" in answer.columns else 1 :]]
    assert all(value is None or isinstance(value, NUMBERS) for value in numbers)


@pytest.mark.parametrize("question", every("zh"))
def test_there_is_an_answer_for_the_whole_city(city: psycopg.Connection[Any], question: Question) -> None:
    answer = ask(city, question, timedelta(days=1))
    check(question, answer)
    assert answer.rows, "the city has something to say here"
    if question.kind == "stat":
        assert any(value is not None for value in answer.rows[0])


@pytest.mark.parametrize("question", every("zh"))
def test_there_is_one_for_a_region_and_a_site(city: psycopg.Connection[Any], question: Question) -> None:
    site = SITES[question.domain or "water"]
    chosen = {"region": Chosen([LINHE]), "domain": Chosen(["water", "heating"]), "site": Chosen([site])}
    for span in (timedelta(hours=1), timedelta(days=30)):
        answer = ask(city, question, span, **chosen)
        check(question, answer)
        if "region" in answer.columns and question.name not in ("告警洪峰（近 30 天）",):
            assert set(answer.column("region")) <= {"临河区"}
        if "site" in answer.columns and "${site" in question.statement:
            assert set(answer.column("site")) <= {site}
    if question.kind == "variable":
        assert answer.rows


@pytest.mark.parametrize("question", every("en"))
def test_the_english_boards_are_answered_alike(city: psycopg.Connection[Any], question: Question) -> None:
    check(question, ask(city, question, timedelta(days=7)))


def test_a_region_means_all_below_it(city: psycopg.Connection[Any]) -> None:
    question = next(one for one in questions() if one.board == "citybrain-alerts-en" and one.name == "site")
    city_of_bayannur, county = (
        len(ask(city, question, timedelta(days=1), region=Chosen([region])).rows) for region in ("150800", LINHE)
    )
    assert city_of_bayannur > county > 0


def test_a_chosen_site_shows_its_readings_and_over_a_month_its_hours(city: psycopg.Connection[Any]) -> None:
    question = next(
        one
        for one in questions()
        if one.board == "citybrain-domain-water-en" and one.name == "Flow and pressure of 24 hours"
    )
    day = ask(city, question, timedelta(hours=24), site=Chosen(["zone-1"]))
    month = ask(city, question, timedelta(days=30), site=Chosen(["zone-1"]))
    everywhere = ask(city, question, timedelta(hours=24))
    assert {"Inflow of a zone · inlet-1", "Pressure · inlet-1"} <= set(day.column("metric"))
    seconds = {(a - b).total_seconds() for a, b in zip(day.column("time")[2:], day.column("time"), strict=False)}
    assert seconds == {60.0}
    assert all(time.minute == 0 for time in month.column("time"))
    assert set(everywhere.column("metric")) == {"Inflow of a zone", "Pressure"}


def test_names_with_quotes_harm_nothing(city: psycopg.Connection[Any]) -> None:
    for question in questions():
        if "${site" in question.statement:
            answer = ask(city, question, timedelta(days=1), site=Chosen(["x') or ('1' in ('1", "O'Brien"]))
            if "site" in answer.columns:
                assert not answer.rows


def test_grafanas_user_sees_no_table(city: psycopg.Connection[Any]) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        city.execute("select * from alert")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        city.execute("delete from board_site")


def test_what_is_checked_in_is_asked_here(built: Bundle) -> None:
    names = {path.stem for path in (PROJECT / "deploy/grafana/boards").glob("*/*.json")}
    assert names == {Path(one.uid).name for one in built.boards}
