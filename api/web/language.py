"""Which of our two languages a caller wants."""

from __future__ import annotations

from typing import Literal

from starlette.requests import HTTPConnection

Language = Literal["zh", "en"]


def language(request: HTTPConnection) -> Language:
    """The one that `Accept-Language` puts first (RFC 9110, 12.5.4); English where it names neither."""
    best: tuple[float, Language] = (0.0, "en")
    for item in request.headers.get("accept-language", "").split(","):
        name, _, weight = item.partition(";")
        primary = name.strip().lower().partition("-")[0]
        if primary == "zh" and _weight(weight) > best[0]:
            best = (_weight(weight), "zh")
        elif primary == "en" and _weight(weight) > best[0]:
            best = (_weight(weight), "en")
    return best[1]


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
