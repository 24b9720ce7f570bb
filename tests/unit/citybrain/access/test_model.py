"""What a scope sees, and what statements are told of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.access.model import ROLES, Principal, Role, Scope, Share

REGIONS, DOMAINS = ("150800", "150802", "150821"), ("air", "water")
some_regions = st.none() | st.frozensets(st.sampled_from(REGIONS), min_size=1)
some_domains = st.none() | st.frozensets(st.sampled_from(DOMAINS), min_size=1)
scopes = st.builds(Scope, some_regions, some_domains)

ANYBODY = Principal("person", 1, "li", "李", "viewer", None, Scope(), datetime(2026, 1, 1, tzinfo=UTC))


@given(scopes, scopes)
def test_a_scope_covers_another_just_when_it_sees_all_that_the_other_sees(outer: Scope, inner: Scope) -> None:
    # A region and a domain that nobody named stand for all the others.
    places = [(region, domain) for region in (*REGIONS, None) for domain in (*DOMAINS, "heating")]
    seen = all(outer.sees(*place) for place in places if inner.sees(*place))

    assert outer.covers(inner) == seen


def test_what_has_no_region_is_seen_by_those_who_see_all() -> None:
    assert Scope(domains=frozenset({"water"})).sees(None, "water")
    assert not Scope(regions=frozenset(REGIONS)).sees(None, "water")


def test_a_share_is_one_metric_and_nothing_else() -> None:
    scope = Scope(frozenset({"150802"}), frozenset({"air"}), frozenset({Share("water", "flow", frozenset({"150821"}))}))

    assert scope.sees_series("150821", "water", "flow")
    assert not scope.sees_series("150821", "water", "pressure")
    assert not scope.sees_series("150802", "water", "flow")
    assert not scope.sees("150821", "water")
    assert scope.sees_series("150802", "air", "pm25")


def test_statements_are_told_of_shares_in_parallel_arrays() -> None:
    shares = {Share("water", "flow", None), Share("air", "pm25", frozenset({"b", "a"}))}

    parameters = Scope(shares=frozenset(shares)).parameters()

    assert parameters["regions"] is None
    rows = list(
        zip(parameters["shared_domains"], parameters["shared_metrics"], parameters["shared_regions"], strict=True)
    )
    assert rows == [("air", "pm25", "a"), ("air", "pm25", "b"), ("water", "flow", "*")]


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_do_what_those_before_it_may(role: Role) -> None:
    principal = replace(ANYBODY, role=role)

    assert [other for other in ROLES if principal.may(other)] == list(ROLES[: ROLES.index(role) + 1])


def test_a_token_is_never_taken_for_a_person() -> None:
    assert replace(ANYBODY, kind="token").label == "token:li"
    assert ANYBODY.label == "li"
