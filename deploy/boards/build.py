"""All boards of a city, from its catalogue and the limits of its rules."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from citybrain.catalogue.model import Catalogue
from deploy.boards import alerts, city, domain, frame, plans, platform, sources
from deploy.boards.model import Board, Bundle
from deploy.boards.provisioning import files
from deploy.boards.words import LANGUAGES, Words, words
from rules.levels import RuleInForce, levels
from rules.model import Rule


def bundle(catalogue: Catalogue, rules: Iterable[Rule], zone: str, day: date) -> Bundle:
    """All that one Grafana gets.

    Args:
        catalogue: Its domains, each with a page, give a board each.
        rules: Their limits are drawn.
        zone: The city's zone, in which times are shown.
        day: Of the city; limits that count on it are drawn.
    """
    in_force = [RuleInForce(one.name, one.title.zh, one.title.en, dict(one.definition)) for one in rules]
    spoken = [words(language) for language in LANGUAGES]
    return Bundle(
        folders=tuple(frame.folder(one) for one in spoken),
        sources=sources.sources(),
        boards=tuple(board for one in spoken for board in _boards(catalogue, in_force, zone, day, one)),
        contact_points=sources.contact_points(spoken[0]("contact")),
    )


def _boards(catalogue: Catalogue, rules: list[RuleInForce], zone: str, day: date, words: Words) -> Iterable[Board]:
    yield city.board(catalogue, words, zone)
    for id, one in catalogue.domains.items():
        own = levels((rule for rule in rules if rule.rule.partition(".")[0] == id), day)
        yield domain.board(one, catalogue.pages[id], own, words, zone)
    yield alerts.board(words, zone)
    yield plans.board(words, zone)
    yield platform.board(catalogue, words, zone)


def stale(folder: Path, bundle: Bundle) -> list[Path]:
    """The files of `folder` that are not as they would be built: changed, missing, or no longer built."""
    wanted = files(bundle)
    there = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    changed = [path for path in wanted if path in there and (folder / path).read_text("utf-8") != wanted[path]]
    return sorted([*changed, *(there ^ wanted.keys())])


def write(folder: Path, bundle: Bundle) -> list[Path]:
    """Make the files of `folder` what is built; those that had to change."""
    wanted = files(bundle)
    changed = stale(folder, bundle) if folder.exists() else sorted(wanted)
    for path in changed:
        if path not in wanted:
            (folder / path).unlink()
            continue
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(wanted[path], encoding="utf-8")
    return changed
