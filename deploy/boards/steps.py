"""What a push does: a step for each thing that is built or was, and what stands against it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Literal, NamedTuple

from deploy.boards import difference
from deploy.boards.grafana import PREFIX, TAG, Found, Kind
from deploy.boards.model import Board, Bundle, ContactPoint, Document, Folder, Source

Action = Literal["create", "update", "leave", "delete"]

# What a token must be allowed for a step; one of them is enough.
# Source: Grafana's documentation, "RBAC permissions, actions, and scopes".
_NEEDED: dict[tuple[Kind, Action], tuple[str, ...]] = {
    ("folder", "create"): ("folders:create",),
    ("folder", "update"): ("folders:write",),
    ("folder", "delete"): ("folders:delete",),
    ("source", "create"): ("datasources:create",),
    ("source", "update"): ("datasources:write",),
    ("source", "delete"): ("datasources:delete",),
    ("board", "create"): ("dashboards:create",),
    ("board", "update"): ("dashboards:write",),
    ("board", "delete"): ("dashboards:delete",),
    ("contact point", "create"): ("alert.provisioning:write", "alert.notifications.provisioning:write"),
    ("contact point", "update"): ("alert.provisioning:write", "alert.notifications.provisioning:write"),
    ("contact point", "delete"): ("alert.provisioning:write", "alert.notifications.provisioning:write"),
}


class Step(NamedTuple):
    """What is done with one thing, and why."""

    action: Action
    kind: Kind
    uid: str
    title: str
    document: Document
    """What is saved; empty where nothing is."""
    folder: str = ""
    """Of a board: the uid of its folder."""
    differences: tuple[str, ...] = ()
    """How what is there differs from what is built."""
    note: str = ""


def steps(bundle: Bundle, found: Found, *, secrets: bool) -> list[Step]:
    """The steps that make a Grafana have a bundle, in the order in which they can be done.

    Args:
        bundle: what is to be there, with its addresses.
        found: what is there.
        secrets: whether secrets are sent again that are there already, since Grafana does not tell which.
    """
    return [
        *(_folder(one, found.folders.get(one.uid)) for one in bundle.folders),
        *(_source(one, found.sources.get(one.uid), secrets) for one in bundle.sources),
        *(_board(one, found.boards.get(one.uid)) for one in bundle.boards),
        *(_contact_point(one, found.contact_points.get(one.uid), secrets) for one in bundle.contact_points),
    ]


def leftovers(built: Bundle, found: Found, contents: Mapping[str, int]) -> list[Step]:
    """The steps that remove what is ours and no longer built, in the order in which they can be done.

    Args:
        built: all that is built, in every language.
        found: what is there.
        contents: how many things each folder holds that is no longer built.
    """
    boards = [
        _gone(
            "board", uid, there["dashboard"]["title"], _provisioned(there["meta"]), there["meta"].get("folderUid", "")
        )
        for uid, there in _ours(found.boards, {one.uid for one in built.boards})
        if TAG in there["dashboard"].get("tags", [])
    ]
    folders = []
    for uid, there in _ours(found.folders, {one.uid for one in built.folders}):
        others = contents[uid] - sum(step.action == "delete" and step.folder == uid for step in boards)
        kept = f"it holds {others} that {'is' if others == 1 else 'are'} not ours, or still built" if others else ""
        folders.append(_gone("folder", uid, there["title"], kept))
    points = [
        _gone("contact point", uid, there["name"], _locked(there))
        for uid, there in _ours(found.contact_points, {one.uid for one in built.contact_points})
    ]
    sources = [
        _gone("source", uid, there["name"], _read_only(there))
        for uid, there in _ours(found.sources, {one.uid for one in built.sources})
    ]
    return [*boards, *folders, *points, *sources]


def obstacles(planned: list[Step], found: Found, permissions: Set[str] | None) -> Iterator[str]:
    """What stands against a plan: a sentence each, that says what to do.

    Args:
        planned: the steps.
        found: what is there.
        permissions: what the token may do; None: not known.
    """
    for step in planned:
        if step.action == "leave":
            continue
        match step.kind:
            case "board":
                yield from _of_board(step, found.boards.get(step.uid))
            case "folder":
                manager = found.folders.get(step.uid, {}).get("managedBy")
                if manager:
                    yield f"Only {manager} may change folder {step.uid}, which it manages: have it named there."
            case "source":
                yield from _name_taken(step, found.sources)
            case "contact point":
                # Integrations of one name are one contact point: ours may be added to, but adds to nobody else's.
                if step.action == "create":
                    yield from _name_taken(step, found.contact_points)
                if found.contact_points.get(step.uid, {}).get("provenance"):
                    yield (
                        f"Contact point {step.uid} is locked: {_locked(found.contact_points[step.uid])}. Delete it the "
                        "way it was made, or unset CITYBRAIN_GRAFANA_CONTACT_URL."
                    )
    if permissions is not None:
        needed = {_NEEDED[step.kind, step.action]: None for step in planned if step.action != "leave"}
        missing = [" or ".join(one) for one in needed if permissions.isdisjoint(one)]
        if missing:
            yield (
                f"The token lacks these permissions: {', '.join(missing)}. Give them to its service account; the role "
                "Editor has those for folders and boards, the role Admin has all."
            )


def _folder(folder: Folder, there: Document | None) -> Step:
    if there is None:
        return Step("create", "folder", folder.uid, folder.title, {})
    drift = tuple(difference.differences(folder.title, there.get("title"), "title"))
    return Step("update" if drift else "leave", "folder", folder.uid, folder.title, {}, differences=drift)


def _source(source: Source, there: Document | None, secrets: bool) -> Step:
    step = Step("create", "source", source.uid, source.document["name"], {**source.document, "uid": source.uid})
    if there is None:
        return step
    if there.get("readOnly"):
        return step._replace(action="leave", note=_read_only(there))
    drift = tuple(difference.differences(*difference.source(step.document, there)))
    again = secrets and "secureJsonData" in source.document
    note = "its secrets are sent again" if again else ""
    return step._replace(action="update" if drift or again else "leave", differences=drift, note=note)


def _board(board: Board, there: Document | None) -> Step:
    title = board.document.get("title", "")
    step = Step("create", "board", board.uid, title, {**board.document, "uid": board.uid}, board.folder)
    if there is None:
        return step
    drift = (
        *difference.differences(board.folder, there["meta"].get("folderUid") or "none", "folder"),
        *difference.differences(difference.board(step.document), difference.board(there["dashboard"])),
    )
    return step._replace(action="update" if drift else "leave", differences=drift)


def _contact_point(point: ContactPoint, there: Document | None, secrets: bool) -> Step:
    step = Step("create", "contact point", point.uid, point.document["name"], {**point.document, "uid": point.uid})
    if there is None:
        return step
    if there.get("provenance") == "file":
        return step._replace(action="leave", note=_locked(there))
    # An address of a webhook may hold a key, so it is not told how the settings differ.
    paths = {line.split(":")[0] for line in difference.differences(*difference.contact_point(step.document, there))}
    drift = tuple(f"{path}: differs" for path in sorted(paths))
    again = secrets and difference.REDACTED in there.get("settings", {}).values()
    note = "its secrets are sent again" if again else ""
    return step._replace(action="update" if drift or again else "leave", differences=drift, note=note)


def _gone(kind: Kind, uid: str, title: str, kept: str, folder: str = "") -> Step:
    """The step that removes something, or leaves it where there is a reason to."""
    return Step("leave" if kept else "delete", kind, uid, title, {}, folder, note=kept)


def _of_board(step: Step, there: Document | None) -> Iterator[str]:
    if there is None:
        return
    if TAG not in there["dashboard"].get("tags", []):
        yield (
            f"Board {step.uid} is somebody else's: “{there['dashboard'].get('title')}” is not tagged {TAG}. Give it "
            f"another uid or delete it, or tag it {TAG} if it may be replaced."
        )
    elif there["meta"].get("provisioned"):
        yield (
            f"Board {step.uid} can't be saved: {_provisioned(there['meta'])}. Write the files there instead, with "
            "`citybrain boards build`, or take them out of Grafana's provisioning first."
        )
    elif there["meta"].get("canSave") is False:
        yield f"The token may not save board {step.uid}: let its service account edit the folder that it is in."


def _name_taken(step: Step, there: Mapping[str, Document]) -> Iterator[str]:
    for uid, one in there.items():
        if uid != step.uid and one.get("name") == step.title and step.action != "delete":
            yield f"The name of {step.kind} {step.uid}, “{step.title}”, is taken by {uid}: rename or delete that one."


def _ours(there: Mapping[str, Document], built: Set[str]) -> list[tuple[str, Document]]:
    return [(uid, one) for uid, one in sorted(there.items()) if uid.startswith(PREFIX) and uid not in built]


def _provisioned(meta: Document) -> str:
    file = meta.get("provisionedExternalId") or "a file"
    return f"Grafana has it from {file} (provisioned)" if meta.get("provisioned") else ""


def _read_only(source: Document) -> str:
    return "Grafana has it from a file (provisioned)" if source.get("readOnly") else ""


def _locked(point: Document) -> str:
    return f"Grafana has it from {point['provenance']} (provisioned)" if point.get("provenance") else ""
