"""Bring a running Grafana to what is built: look, check everything that can be checked, then write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Literal

from citybrain.errors import Correctable
from citybrain.settings import Settings
from deploy.boards.addresses import addressed
from deploy.boards.failures import GrafanaError
from deploy.boards.grafana import OLDEST, PREFIX, Found, Grafana
from deploy.boards.model import Bundle
from deploy.boards.steps import Step, leftovers, obstacles, steps

Languages = Literal["zh", "en", "both"]

_DONE = {"create": "created", "update": "updated", "leave": "unchanged", "delete": "pruned"}
_TO_DO = {"create": "missing", "update": "differs", "leave": "unchanged", "delete": "no longer built"}


class Unpushable(Correctable):
    """Something stands against the push; nothing was changed."""


class Interrupted(Correctable):
    """A write failed after others had been made; the text says which."""


def plan(
    grafana: Grafana, built: Bundle, chosen: Settings, *, languages: Languages, prune: bool, secrets: bool
) -> tuple[list[Step], Found]:
    """What a push would do; nothing is changed.

    Args:
        grafana: where it is pushed to.
        built: all that is built.
        chosen: the settings, for addresses.
        languages: of which languages the boards are pushed.
        prune: whether what is ours and no longer built goes.
        secrets: whether secrets are sent that may be there already.

    Raises:
        Correctable: Grafana can't be asked, is too old, or a setting is missing.
    """
    version = grafana.version()
    if version < OLDEST:
        raise Unpushable(
            f"Grafana at {grafana.url} is version {_dotted(version)}; the boards need {_dotted(OLDEST)} or later. "
            "Upgrade it first. Nothing was changed."
        )
    wanted = _spoken(built, languages)
    found = grafana.found(wanted, contact_points=prune or bool(chosen.grafana_contact_url and built.contact_points))
    provisioned = {uid for uid, one in found.sources.items() if one.get("readOnly")}
    planned = steps(addressed(wanted, chosen, provisioned), found, secrets=secrets)
    if prune:
        gone = found.folders.keys() - {one.uid for one in built.folders}
        contents = {uid: sum(grafana.holds(uid).values()) for uid in gone if uid.startswith(PREFIX)}
        planned += leftovers(built, found, contents)
    return planned, found


def check(grafana: Grafana, planned: list[Step], found: Found) -> None:
    """See that every step of a plan can be done.

    Raises:
        Unpushable: some can't.
    """
    against = list(obstacles(planned, found, grafana.permissions()))
    if against:
        raise Unpushable("\n".join([*against, "Nothing was changed."]))


def apply(grafana: Grafana, planned: list[Step]) -> Iterator[str]:
    """Do the steps of a plan, and say of each what was done.

    Raises:
        Interrupted: Grafana refused one; those before it are done.
    """
    done = 0
    for step in planned:
        try:
            by_hand = _edited(grafana, step)
            _do(grafana, step)
        except GrafanaError as error:
            rest = sum(one.action != "leave" for one in planned) - done
            raise Interrupted(
                f"{error}\nThe push ended there: {done} changes were made, {rest} were not. Put it right and run "
                "the same command again: it goes on from there."
            ) from None
        done += step.action != "leave"
        yield _line(_DONE[step.action], step, f"{by_hand}, kept in its version history" if by_hand else "")


def unreached(grafana: Grafana, planned: list[Step]) -> Iterator[str]:
    """What Grafana says of the data sources that are pushed and that it does not reach."""
    for step in planned:
        if step.kind == "source" and step.action != "delete" and (said := grafana.tried(step.uid)):
            yield f"Data source {step.uid} is there, but gives nothing: {said}"


def drift(grafana: Grafana, planned: list[Step]) -> Iterator[str]:
    """What a plan would change: a line for each thing, then how it differs (what Grafana has, what is built)."""
    for step in planned:
        if step.action == "leave" and not step.note:
            continue
        yield _line(_TO_DO[step.action], step, _edited(grafana, step))
        yield from (f"    {line}" for line in step.differences)


def total(planned: list[Step]) -> str:
    """How many things of a plan are new, changed, the same and gone."""
    numbers = Counter(_DONE[step.action] for step in planned)
    return ", ".join(f"{numbers[word]} {word}" for word in ("unchanged", "created", "updated", "pruned"))


def _spoken(built: Bundle, languages: Languages) -> Bundle:
    """The part of a bundle that is of some languages; sources and contact points have none."""
    boards = tuple(one for one in built.boards if languages in ("both", one.language))
    used = {one.folder for one in boards}
    return built._replace(boards=boards, folders=tuple(one for one in built.folders if one.uid in used))


def _edited(grafana: Grafana, step: Step) -> str:
    """Who edited a board in Grafana that is to be changed, if anybody did since our last push."""
    if step.kind != "board" or step.action != "update":
        return ""
    try:
        by = grafana.saved_by(step.uid)
    except GrafanaError:  # a token that may not see versions can still see, and change, the board
        return ""
    return f"edited in Grafana by {by}" if by else ""


def _do(grafana: Grafana, step: Step) -> None:
    match step.action, step.kind:
        case "leave", _:
            pass
        case "delete", kind:
            grafana.delete(kind, step.uid)
        case "create", "folder":
            grafana.create_folder(step.uid, step.title)
        case "update", "folder":
            grafana.rename_folder(step.uid, step.title)
        case _, "board":
            grafana.save_board(step.document, step.folder, overwrite=step.action == "update")
        case "create", "source":
            grafana.create_source(step.document)
        case "update", "source":
            grafana.replace_source(step.document)
        case "create", "contact point":
            grafana.create_contact_point(step.document)
        case "update", "contact point":
            grafana.replace_contact_point(step.document)


def _line(word: str, step: Step, *notes: str) -> str:
    said = "; ".join(note for note in (step.note, *notes) if note)
    return f"{word:<15} {step.kind:<13} {step.uid} {step.title}{f': {said}' if said else ''}"


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(number) for number in version)
