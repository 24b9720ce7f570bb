from __future__ import annotations

import pytest

from api.live.selection import KINDS, Audience, Place, Selection
from citybrain.access.model import Scope, Share

EVERYTHING = Selection(frozenset(KINDS))
PUMP = Place("150802", "water", "pressure", "pump-1")
NOWHERE = Place(None, "water", None, None)


@pytest.mark.parametrize(
    ("selection", "wanted"),
    [
        (EVERYTHING, True),
        (Selection(frozenset(KINDS), regions=frozenset({"150802"}), metrics=frozenset({"pressure", "flow"})), True),
        (Selection(frozenset(KINDS), regions=frozenset()), False),
        (Selection(frozenset(KINDS), regions=frozenset({"150821"})), False),
        (Selection(frozenset(KINDS), domains=frozenset({"air"})), False),
        (Selection(frozenset(KINDS), metrics=frozenset({"flow"})), False),
        (Selection(frozenset(KINDS), sites=frozenset({"pump-2"})), False),
    ],
)
def test_each_filter_that_is_given_must_fit(selection: Selection, wanted: bool) -> None:
    assert selection.wants(PUMP) is wanted


def test_what_has_no_region_or_metric_fits_no_filter_of_them() -> None:
    assert EVERYTHING.wants(NOWHERE)
    assert not Selection(frozenset(KINDS), regions=frozenset({"150802"})).wants(NOWHERE)
    assert not Selection(frozenset(KINDS), metrics=frozenset({"pressure"})).wants(NOWHERE)


def test_only_who_sees_all_regions_hears_of_what_has_none() -> None:
    assert Audience(EVERYTHING, Scope()).hears_alert(NOWHERE)
    assert not Audience(EVERYTHING, Scope(regions=frozenset({"150802"}))).hears_alert(NOWHERE)


def test_a_share_is_about_values_and_not_about_alerts() -> None:
    scope = Scope(regions=frozenset({"150821"}), shares=frozenset({Share("water", "pressure", frozenset({"150802"}))}))
    audience = Audience(EVERYTHING, scope)

    assert audience.hears_value(PUMP)
    assert not audience.hears_value(PUMP._replace(metric="flow"))
    assert not audience.hears_alert(PUMP)


def test_who_did_not_ask_for_alerts_hears_of_none() -> None:
    assert not Audience(Selection(frozenset({"health"})), Scope()).hears_alert(PUMP)
