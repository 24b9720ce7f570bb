from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from rules.backtest.alerts import Alert
from rules.backtest.score import Incident, TruthError, read, score
from rules.transition import Transition

MINUTE = 60_000_000


def alert(subject: str, raised: int, cleared: int | None, site: str | None = None, device: str | None = None) -> Alert:
    """An alert by minutes."""
    place = {"region": "150802", "domain": "water", "site": site, "device": device}
    first = Transition("water.x", 1, subject, "series", "raised", raised * MINUTE, 3, **place)  # type: ignore[arg-type]
    if cleared is None:
        return Alert((first,))
    return Alert((first, Transition("water.x", 1, subject, "series", "cleared", cleared * MINUTE, 3, 3)))


def incident(name: str, start: int, end: int, *subjects: str) -> Incident:
    return Incident(name, "burst", start * MINUTE, end * MINUTE, frozenset(subjects))


ALERTS = [
    alert("150802/water/p1/pressure", 12, 30, "s1", "p1"),  # a, 2 minutes after its start
    alert("150802/water/p1/pressure", 35, 40, "s1", "p1"),  # a, again
    alert("150802/water/p2/pressure", 5, 8, "s2", "p2"),  # cleared before b began
    alert("150802/water/p3/pressure", 90, None, "s3", "p3"),  # raised 10 minutes before c
    alert("150802/water/p4/pressure", 50, 60, "s4", "p4"),  # nothing happened there
]
INCIDENTS = [
    incident("a", 10, 50, "s1"),
    incident("b", 8, 20, "p2"),
    incident("c", 100, 120, "150802/water/p3", "elsewhere"),
    incident("d", 300, 400, "s1"),  # after the span
]


def test_hand_computed_figures() -> None:
    found = score(ALERTS, INCIDENTS, 0, 200 * MINUTE)
    assert (found.alerts, found.matched, found.precision) == (5, 3, 0.6)
    assert (found.incidents, found.found, found.recall) == (3, 2, pytest.approx(2 / 3))
    assert found.leads == (-10, 2)
    assert found.lead(50) == -4
    assert found.lead(90) == pytest.approx(-10 + 0.9 * 12)


def test_no_alerts_and_no_incidents_have_no_shares() -> None:
    found = score([], [], 0, MINUTE)
    assert (found.precision, found.recall, found.lead(50)) == (None, None, None)


def test_a_file_of_incidents(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(
        "incident,kind,start,end,subjects\na,burst,2026-03-01T10:00,2026-03-01T11:00+00:00,s1; 150802/water/p1\n",
        "utf-8",
    )
    (found,) = read(path, ZoneInfo("Asia/Shanghai"))
    assert found.end_us - found.start_us == 9 * 60 * MINUTE
    assert found.subjects == {"s1", "150802/water/p1"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("incident,kind,start,end\n", "has no column subjects"),
        ("incident,kind,start,end,subjects\na,b,noon,2026-03-01,s\n", ":2: start is 'noon'"),
        ("incident,kind,start,end,subjects\na,b,2026-03-02,2026-03-01,s\n", ":2: the incident ends before it starts"),
        ("incident,kind,start,end,subjects\na,b,2026-03-01,2026-03-02, ;\n", ":2: name at least one subject"),
        ("incident,kind,start,end,subjects\na,b\n", ":2: start is None"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(TruthError, match=message):
        read(path, ZoneInfo("Asia/Shanghai"))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TruthError, match="can't be read"):
        read(tmp_path / "none.csv", ZoneInfo("Asia/Shanghai"))
