from hypothesis import given
from hypothesis import strategies as st

from rules.backtest.alerts import Alert
from rules.backtest.compare import compare
from rules.transition import Transition

MINUTE = 60_000_000


def alert(subject: str, raised: int, cleared: int | None, severity: int = 3) -> Alert:
    """An alert by minutes."""
    first = Transition("water.x", 1, subject, "series", "raised", raised * MINUTE, severity)
    if cleared is None:
        return Alert((first,))
    return Alert((first, Transition("water.x", 1, subject, "series", "cleared", cleared * MINUTE, severity, severity)))


def test_each_alert_is_the_same_changed_or_in_one_only() -> None:
    here = [alert("a", 0, 10), alert("b", 0, 10), alert("c", 0, 10), alert("d", 0, None)]
    there = [alert("a", 0, 10), alert("b", 2, 10), alert("c", 10, 12), alert("d", 0, None, severity=2)]
    found = compare(here, there)
    assert found.same == (here[0],)
    assert found.changed == (((here[1],), (there[1],)), ((here[3],), (there[3],)))
    assert (found.only_here, found.only_there) == ((here[2],), (there[2],))


def test_one_long_alert_belongs_with_the_short_ones_inside_it() -> None:
    here, there = [alert("a", 0, 60)], [alert("a", 5, 10), alert("a", 20, 30), alert("a", 70, 80)]
    found = compare(here, there)
    assert found.changed == (((here[0],), (there[0], there[1])),)
    assert found.only_there == (there[2],)


spans = st.lists(st.integers(0, 100), unique=True, max_size=12).map(sorted)


def alerts(times: list[int]) -> list[Alert]:
    return [alert("a", low, high) for low, high in zip(times[::2], times[1::2], strict=False)]


@given(spans, spans)
def test_no_alert_is_lost_and_sides_mirror(ours: list[int], theirs: list[int]) -> None:
    here, there = alerts(ours), alerts(theirs)
    found, mirrored = compare(here, there), compare(there, here)
    counted = len(found.same) + len(found.only_here) + sum(len(a) for a, _ in found.changed)
    assert counted == len(here)
    assert len(found.same) + len(found.only_there) + sum(len(b) for _, b in found.changed) == len(there)
    assert (found.only_here, found.only_there) == (mirrored.only_there, mirrored.only_here)
    assert [(b, a) for a, b in found.changed] == list(mirrored.changed)
