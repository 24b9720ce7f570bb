from __future__ import annotations

from citybrain.settings import PROJECT
from simulators.reference import reference


def test_the_reference_is_what_the_code_says() -> None:
    """`python -m simulators.reference > docs/simulators-reference.md` makes it anew."""
    assert (PROJECT / "docs" / "simulators-reference.md").read_text(encoding="utf-8") == reference()
