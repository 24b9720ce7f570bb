"""Where subjects are: region, domain, site and device of what a scheduled rule names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rules.engine.directory import Series
from rules.model import Rule


class Places:
    """Subjects by name, as far as there are series of theirs; `by_number` has the series themselves."""

    def __init__(self, series: Iterable[Series] = ()) -> None:
        self._known: dict[str, Series] = {}
        self.by_number: Mapping[int, Series] = {one.id: one for one in series}
        for one in self.by_number.values():
            for name in (one.subject("series"), one.subject("device"), one.subject("site")):
                self._known.setdefault(name, one)

    def get(self, name: str) -> Series | None:
        """A series of the subject; None: there is none."""
        return self._known.get(name)

    def of(self, rule: Rule, name: str) -> Series:
        """A subject of a rule as a series, with what is known of where it is."""
        known = self._known.get(name)
        if known is not None:
            return known
        if rule.subject == "region":
            return Series(0, "", rule.domain, name, "", attributes={"region": name})
        region, domain, device, *_ = (*name.split("/"), "", "", "")
        if rule.subject in ("series", "device", "gateway") and device:
            return Series(0, "", domain, region, device, attributes={"region": region})
        return Series(0, "", rule.domain, "", "")
