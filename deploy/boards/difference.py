"""How what is built differs from what a Grafana has: path by path, without what Grafana adds by itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from difflib import ndiff
from typing import Any

from deploy.boards.model import Document

REDACTED = "[REDACTED]"
"""What Grafana gives for a setting of a contact point that it keeps secret (its HTTP API, contact points)."""

# What Grafana numbers by itself, and the version of its schema, to which it brings a board when it reads one.
_NUMBERED = {"id", "version", "iteration", "gnetId", "schemaVersion"}
# What its page writes into every board that is saved there, although it means the same as nothing.
_DEFAULTS: Document = {
    "editable": True,
    "fiscalYearStartMonth": 0,
    "graphTooltip": 0,
    "liveNow": False,
    "preload": False,
    "style": "dark",
}
# What a person has chosen in a variable, and the choices that its query gave.
_CHOSEN = {"current", "options"}
_LONGEST = 120  # characters of a value that are shown


def board(document: Document) -> Document:
    """A board's JSON model without what Grafana adds, so that equal models are equal boards."""
    kept = {
        name: value
        for name, value in document.items()
        if name not in _NUMBERED and not (name in _DEFAULTS and value == _DEFAULTS[name])
    }
    variables = kept.get("templating", {}).get("list", [])
    kept["templating"] = {"list": [_without(variable, _CHOSEN) for variable in variables]}
    annotations = kept.get("annotations", {}).get("list", [])
    kept["annotations"] = {"list": [one for one in annotations if not one.get("builtIn")]}
    kept["panels"] = [
        {**_without(panel, {"pluginVersion"}), "panels": [_without(one, {"pluginVersion"}) for one in within]}
        for panel in kept.get("panels", [])
        for within in [panel.get("panels") or []]
    ]
    filled: Document = _filled(kept)
    return filled


def source(wanted: Document, there: Document) -> tuple[Document, Document]:
    """A data source as it is built and as Grafana has it, of the same fields.

    Secrets are compared by name: Grafana tells which ones it has (`secureJsonFields`), not what they are.
    """
    secrets = dict.fromkeys(wanted.get("secureJsonData", {}), True)
    kept = {name: True for name, is_set in there.get("secureJsonFields", {}).items() if is_set and name in secrets}
    stated = _without(wanted, {"secureJsonData"})
    return (
        _filled({**stated, "secrets": secrets}),
        _filled({**{name: there.get(name) for name in stated}, "secrets": kept}),
    )


def contact_point(wanted: Document, there: Document) -> tuple[Document, Document]:
    """A contact point as it is built and as Grafana has it, of the same fields; what is redacted counts as equal."""
    settings = {
        name: wanted.get("settings", {}).get(name, value) if value == REDACTED else value
        for name, value in there.get("settings", {}).items()
    }
    return _filled(wanted), _filled({**{name: there.get(name) for name in wanted}, "settings": settings})


def differences(built: Any, there: Any, path: str = "") -> Iterator[str]:
    """One line for each value that differs, beginning with its path; many lines where a value has many."""
    if isinstance(built, dict) and isinstance(there, dict):
        for field in sorted(built.keys() | there.keys()):
            yield from differences(built.get(field), there.get(field), f"{path}.{field}" if path else field)
    elif isinstance(built, list) and isinstance(there, list):
        name = _names(built, there)
        new, old = ({name(index, one): one for index, one in enumerate(many)} for many in (built, there))
        for key in [*old, *(key for key in new if key not in old)]:
            yield from differences(new.get(key), old.get(key), f"{path}[{key}]")
        shared = [key for key in new if key in old]
        if shared != [key for key in old if key in new]:
            yield f"{path}: in another order"
    elif built != there:
        yield from _change(path, there, built)


def _without(document: Document, names: set[str]) -> Document:
    return {name: value for name, value in document.items() if name not in names}


def _filled(value: Any) -> Any:
    """A value without what is empty: whether Grafana keeps an empty field or leaves it out means nothing."""
    if isinstance(value, dict):
        kept = {name: _filled(one) for name, one in value.items()}
        return {name: one for name, one in kept.items() if one not in (None, "", [], {})}
    if isinstance(value, list):
        return [_filled(one) for one in value]
    return value


def _names(*lists: list[Any]) -> Callable[[int, Any], str]:
    """What tells the items of lists apart: a field that all have, each another value; their place if there is none."""
    for field in ("title", "name", "refId", "id"):
        told = [[one.get(field) if isinstance(one, dict) else None for one in many] for many in lists]
        if all(all(values) and len({str(value) for value in values}) == len(values) for values in told):
            return lambda _, one, field=field: str(one[field])  # type: ignore[misc]
    return lambda index, _: str(index)


def _change(path: str, there: Any, built: Any) -> Iterator[str]:
    if isinstance(there, str) and isinstance(built, str) and "\n" in there + built:
        yield f"{path}:"
        yield from (f"  {line.rstrip()}" for line in ndiff(there.splitlines(), built.splitlines()) if line[0] in "+-")
    elif there is None:
        yield f"{path}: missing, {_shown(built)} is built"
    elif built is None:
        yield f"{path}: {_shown(there)} is not built"
    else:
        yield f"{path}: {_shown(there)}, {_shown(built)} is built"


def _shown(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= _LONGEST else shown[:_LONGEST] + " ..."
