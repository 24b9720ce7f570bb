"""What can't be read: each mistake says where, what, and what to do."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citybrain.errors import Correctable
from rules.conditions import Column, Condition, ConditionError, parse

SCOPE = {
    "value": Column("number", "MPa", spans=True, interval_us=60_000_000),
    "limit": Column("number", "MPa"),
    "low": Column("number", "kPa"),
    "n": Column("number"),
    "inflow": Column("number", "m3/h", spans=True),
    "power": Column("boolean", spans=True),
    "region": Column("text"),
    "kind": Column("text", values=frozenset(("pump_house", "tap"))),
    "door": Column("state", codes={"closed": 0, "open": 1}),
}


def mistakes(text: str) -> list[tuple[int, str]]:
    with pytest.raises(ConditionError) as caught:
        parse(text, SCOPE, {"pressure": "use value"})
    return [(mistake.offset, mistake.message) for mistake in caught.value.mistakes]


@pytest.mark.parametrize(
    ("text", "offset", "words"),
    [
        # Syntax, and what is left over.
        ("", 0, "the condition is empty"),
        ("-- nothing", 0, "the condition is empty"),
        ("value >", 6, "something is missing"),
        ("value > 3)", 9, "`)` is left over"),
        ("(value > 3", 9, "something is missing"),
        ("value > 5m", 8, "write the number without a unit"),
        ("value < 0.2mg", 8, "write the number without a unit"),
        ("greatest(value, 5m) > 1", 16, "write the number without a unit"),
        ("delta(value, 5m) > 1", 13, "write the span in quotes, '5m'"),
        ("usual(value, 7d) > 1", 13, "write the span in quotes, '7d'"),
        ("value > 5 m", 10, "`m` is left over"),
        ("value 5", 6, "`5` is left over"),
        ("value > 3 power", 10, "`power` is left over"),
        ("n IN (1,)", 7, "`,` is left over"),
        ("greatest(n, , 1) > 2", 12, "`,` is left over"),
        ("n IN ()", 0, "IN needs a list"),
        ("n IN limit", 0, "IN needs a list"),
        ("value BETWEEN SYMMETRIC 1 AND 2", 0, "has a part that can't stand"),
        ("CASE WHEN power value ELSE 1 END > 2", 0, "`THEN` is missing"),
        ("CASE power END = 1", 15, "something is missing"),
        ("ELSE", 0, "can't begin a condition"),
        ("value >\r\n 3 AND\n\tvalue > 5m", 25, "without a unit"),
        ("region = 'a' 'b'", 13, "missing between two texts"),
        ("region = 'a", 9, "a quote is opened and not closed"),
        ("value > 3; DROP TABLE reading", 9, "without a semicolon"),
        ("value == 3", 6, "written with one ="),
        ("value > 3 /* and */", 10, "two hyphens"),
        ("value > 3 {# and #}", 9, "two hyphens"),
        ("value ＞ 3", 6, "write >"),
        ("value\u200b> 3", 5, "ZERO WIDTH SPACE"),
        ("value \0 > 3", 6, "has no meaning here"),
        ("region = 'a\0'", 9, "NUL"),
        ("vаlue > 3", 1, "has no meaning here"),  # a Cyrillic letter
        ('"value" > 3', 0, "names have no quotes"),
        ("value > .5", 8, "0.5"),
        ("value > 1_000", 8, "is no number"),
        ("value > 0x1f", 8, "is no number"),
        ("value > 1e", 8, "is no number"),
        ("value > 1e999", 8, "too large"),
        ("reading.value > 3", 7, "names have no point"),
        ("value ^ 2 > 3", 6, "multiply"),
        ("region || 'a' = 'b'", 7, "can't be joined"),
        ("region ~ 'a'", 7, "has no meaning here"),
        ("value > $1", 8, "has no meaning here"),
        ("value > :now", 8, "no parameters"),
        ("n % %s > 3", 0, "can't stand in a condition"),
        ("region LIKE 'a' ESCAPE 'b'", 16, "`ESCAPE` is left over"),
        ("region AT TIME ZONE 'a' = 'b'", 0, "can't stand in a condition"),
        ("value IS DISTINCT FROM 3", 0, "can't stand in a condition"),
        ("value IS 3", 0, "after IS comes NULL, TRUE or FALSE"),
        ("(value, n) > 3", 1, "can't stand in a condition"),
        ("count(*, '5m') > 3", 0, "count goes over a span of one column"),
        # What belongs elsewhere.
        ("value > (SELECT 1)", 9, "can't hold a query"),
        ("EXISTS (SELECT 1)", 0, "can't hold a query"),
        ("avg(value) OVER () > 1", 11, "no windows of rows"),
        ("CAST(n AS int) > 1", 0, "there are no casts"),
        ("n::int > 1", 1, "there are no casts"),
        ("INTERVAL '5m' > n", 0, "write a span as a text"),
        ("pg_sleep(10) > n", 0, "unknown function pg_sleep"),
        ("value > ALL (1, 2)", 8, "unknown function all"),
        # Names.
        ("vaule > 3", 0, "unknown column `vaule`; did you mean value?"),
        ("absolut(value) > 3", 0, "unknown function absolut"),
        ("greatst(value, n) > 3", 0, "did you mean greatest?"),
        ("door = 'opne'", 7, "did you mean open?"),
        ("door IN ('open', 'ajar')", 17, "(states: closed, open)"),
        ("pressure > 3", 0, "unknown column `pressure`: use value"),
        # Values.
        ("kind = 'pump_huose'", 7, "`kind` is never 'pump_huose'; did you mean pump_house?"),
        ("'pump_huose' <> kind", 0, "did you mean pump_house?"),
        ("kind = 'x'", 7, "`kind` is never 'x'; it is one of 'pump_house', 'tap'"),
        ("kind NOT IN ('tap', 'x')", 20, "`kind` is never 'x'"),
        ("coalesce(kind, '') = 'x'", 21, "is never 'x'; it is one of '', 'pump_house', 'tap'"),
        ("CASE kind WHEN 'x' THEN 1 END = 1", 15, "is never 'x'"),
        ("kind = pump_house", 7, "a text stands in single quotes, 'pump_house'"),
        ("door = open", 7, "a text stands in single quotes, 'open'"),
        ("kind = 3", 7, "they don't go together; a text stands in single quotes"),
        # Kinds.
        ("value", 0, "`value` is a number where true or false is needed"),
        ("region", 0, "is a text where true or false is needed"),
        ("NOT value", 4, "compare it with something"),
        ("value AND power", 0, "where true or false is needed"),
        ("value = 'high'", 8, "they don't go together"),
        ("power > 3", 8, "they don't go together"),
        ("value + power > 3", 8, "`power` is true or false where a number is needed"),
        ("-region = 'a'", 1, "where a number is needed"),
        ("abs(region) > 3", 4, "where a number is needed"),
        ("lower(value) = 'a'", 6, "where a text is needed"),
        ("value LIKE '1%'", 0, "where a text is needed"),
        ("region LIKE region", 12, "the pattern must be a text in quotes"),
        ("1 < n < 3", 8, "they don't go together"),
        ("door > 'closed'", 0, "have no order"),
        ("power < TRUE", 0, "have no order"),
        ("coalesce(value, region) = 'a'", 16, "they don't go together"),
        ("CASE WHEN power THEN 1 ELSE 'a' END = 1", 28, "they don't go together"),
        ("CASE WHEN value THEN 1 END = 1", 10, "where true or false is needed"),
        ("round(value, 1) > 3", 0, "it is written round(value)"),
        ("nullif(n) = 1", 0, "it is written nullif(a, b)"),
        ("coalesce() = 1", 0, "it is written coalesce(a, b)"),
        # NULL.
        ("NULL", 0, "always NULL"),
        ("value = NULL", 0, "write value IS NULL, or IS NOT NULL"),
        ("NULL <> region", 8, "write region IS NULL, or IS NOT NULL"),
        ("value IN (1, NULL)", 0, "IS NULL"),
        ("value BETWEEN NULL AND 3", 0, "IS NULL"),
        # Units.
        ("value > low", 8, "`low` is in kPa and `value` in MPa"),
        ("value + low > 3", 8, "nothing is converted"),
        ("value - low > 3", 8, "nothing is converted"),
        ("mod(value, low) > 3", 11, "nothing is converted"),
        ("1.3 * value > low", 14, "nothing is converted"),
        ("value BETWEEN 3 AND low", 20, "nothing is converted"),
        ("value IN (3, low)", 13, "nothing is converted"),
        ("greatest(value, low) > 3", 16, "nothing is converted"),
        ("coalesce(value, low) > 3", 16, "nothing is converted"),
        ("nullif(value, low) > 3", 14, "nothing is converted"),
        ("CASE WHEN power THEN value ELSE low END > 3", 32, "nothing is converted"),
        ("rate(value, '1h') > limit", 20, "in MPa/h"),
        ("avg(value, '5m') > low", 19, "nothing is converted"),
        # Calls.
        ("avg(value) > 1", 0, "write avg(value, '5m')"),
        ("min(value, n) > 1", 11, "write the span of min in quotes: '5m'"),
        ("min(1, n) > 1", 0, "least(a, b)"),
        ("sum(abs(value), '5m') > 1", 0, "a span of one column"),
        ("avg(value, 5) > 1", 11, "in quotes"),
        ("avg(value, 'soon') > 1", 11, "no duration"),
        ("avg(value, '3 intervals') > 1", 11, "no duration"),
        ("avg(value, '') > 1", 11, "no duration"),
        ("avg(limit, '5m') > 1", 0, "of `value` and aliases of `with`, not of `limit`"),
        ("avg(power, '5m') > 1", 0, "needs numbers"),
        ("avg(valu, '5m') > 1", 4, "did you mean value?"),
        ("avg(value, '8h33m') > 1", 11, "more than 512 expected readings of `value`: shorten it to 8h32m"),
        ("usual(value, '8d') > 1", 13, "'7d'"),
        ("usual(value) > 1", 0, "write usual(value, '7d')"),
    ],
)
def test_a_mistake_says_where_and_what_to_do(text: str, offset: int, words: str) -> None:
    found = mistakes(text)
    assert [(at, words in message) for at, message in found] == [(offset, True)], found


@pytest.mark.parametrize(
    "text",
    ["kind = 'tap'", "kind IN ('tap', 'pump_house')", "kind LIKE 'x%'", "kind > 'x'", "coalesce(kind, '') = ''",
     "coalesce(kind, region) = 'x'", "lower(kind) = 'x'", "kind = region", "starts_with(kind, 'x')"],
)  # fmt: skip
def test_texts_that_a_column_can_have_or_that_are_not_known(text: str) -> None:
    assert parse(text, SCOPE).columns


def test_all_mistakes_are_said_at_once_in_their_order() -> None:
    found = mistakes("value > low AND vaule > 3 AND avg(region, '5m') > 1 OR NULL = lower(n)")
    assert [offset for offset, _ in found] == [8, 16, 30, 62, 68]


def test_a_mistake_is_said_once_however_often_its_term_is_compared() -> None:
    assert len(mistakes("vaule BETWEEN 1 AND 2")) == 1
    assert len(mistakes("vaule IN (1, 2, 3)")) == 1
    assert len(mistakes("CASE vaule WHEN 1 THEN 2 WHEN 2 THEN 3 END > 1")) == 1


def test_the_error_is_one_that_people_can_put_right() -> None:
    with pytest.raises(Correctable, match="nothing is converted; unknown column `vaule`"):
        parse("value > low AND vaule > 3", SCOPE)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000 + "value > 3" + ")" * 10_000,
        "(" * 900 + "value > 3" + ")" * 900,
        "(" * 21 + "value > 3" + ")" * 21,
        "NOT " * 1_900 + "power",
        "- " * 1_900 + "1 > 2",
        "abs(" * 400 + "1" + ")" * 400 + " > 2",
        "CASE WHEN " * 300 + "power" + " THEN 1 END" * 300,
        "+".join(["value"] * 900) + " > 3",
        "value > 3 AND " * 100_000,
        "'" * 9_999,
        "a" * 1_000_000,
        "power " + "IS TRUE " * 900,
        "\0" * 9_000,
        "(" * 9_000,
        "power = " * 900 + "power",
    ],
    ids=lambda text: f"{text[:6]!r}, {len(text)} characters",
)
def test_hostile_texts_are_refused_at_once(text: str) -> None:
    start = time.perf_counter()
    assert mistakes(text)
    assert time.perf_counter() - start < 1


def test_a_long_chain_is_no_deep_one() -> None:
    assert parse(" OR ".join(f"n = {i}" for i in range(400)), SCOPE).literals == tuple(range(400))


LINE = (
    "value limit low n power region door select from case when then else end and or not is null true false in like "
    "between ilike avg delta usual count greatest coalesce nullif distinct all any exists interval cast as over filter "
    "array date at time zone escape symmetric "
    "( ( ( ) ) ) , , . ; : :: = <> != < <= > >= + - * / % ^ | || ~ @ # $ & ! ? [ ] { } "
    "\\ ` \" ' '5m' '7d' 'open' '' 1 0.5 1e6 1e999 .5 5. 0x1 -- /* */ {# \n \t \0 ＞ é ² \u202e"
)
WORDS = LINE.split(" ")


@settings(max_examples=1_500, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=14), st.sampled_from([" ", ""]))
def test_any_text_is_a_condition_or_has_mistakes_within_it(words: list[str], between: str) -> None:
    text = between.join(words)
    found: Condition | ConditionError
    try:
        found = parse(text, SCOPE)
    except ConditionError as error:
        found = error
    if isinstance(found, Condition):
        assert found.columns <= SCOPE.keys()
    else:
        assert found.mistakes
        assert all(0 <= mistake.offset <= len(text) for mistake in found.mistakes)
