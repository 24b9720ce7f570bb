"""A running Grafana, by way of `grafana-client`: what it has, and what is changed in it. Each failure is a sentence.

The requests are those of Grafana's HTTP API (its documentation, "HTTP API reference": folder, dashboard, data source,
alerting provisioning, folder and dashboard search, service account).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode, urlsplit

import requests
from grafana_client.api import GrafanaApi
from grafana_client.client import GrafanaException
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from deploy.boards.failures import Absent, GrafanaError, Passing, failure, no_json
from deploy.boards.model import Bundle, Document

PREFIX = "citybrain-"
"""What every uid of ours begins with."""
TAG = "citybrain"
"""What every board of ours is tagged."""
OLDEST = (12, 0)
"""The oldest Grafana that is pushed to. Requests follow its documentation; its boards have schema 41, of which 42, that
the foundation SDK writes and that is the last of its kind, differs by one small migration."""
MESSAGE = "citybrain boards push"
"""What Grafana's version history says of a board that we saved."""

_TIMEOUT = 15.0  # seconds for one request
_ATTEMPTS = 3  # of one request, when the failure may pass
_PAGE = 5000  # results of one search, the most that Grafana gives

Kind = Literal["folder", "source", "board", "contact point"]


class Found(NamedTuple):
    """What a Grafana has of the things of a bundle, and of ours that are in no bundle any more; each by uid."""

    folders: dict[str, Document]
    sources: dict[str, Document]
    """Those that are not ours, too: names are unique among all."""
    boards: dict[str, Document]
    """As `GET /api/dashboards/uid/:uid` gives them: `dashboard` and `meta`."""
    contact_points: dict[str, Document]


class Grafana:
    """One Grafana and one token; methods that read give None where there is nothing."""

    def __init__(self, url: str, token: str, pause: float = 0.5) -> None:
        """Prepare to speak to a Grafana.

        Args:
            url: where it is; without a slash at the end.
            token: of a service account.
            pause: seconds before the first repetition of a request.
        """
        self.url = url
        parts = urlsplit(url)
        self._api = GrafanaApi(
            token,
            protocol=parts.scheme,
            host=parts.netloc,
            url_path_prefix=f"{parts.path}/".lstrip("/"),
            timeout=_TIMEOUT,
        )
        # A redirect that is followed turns a POST into a GET, and may lead the token elsewhere.
        self._api.client.s.max_redirects = 0
        self._pause = pause

    def version(self) -> tuple[int, ...]:
        """Its version, from the health that it tells everybody."""
        health = self._ask("tell its health", self._api.client.GET, "/health")
        text = str(health.get("version", "")) if isinstance(health, dict) else ""
        numbers = text.split("-")[0].split("+")[0].split(".")
        if not all(number.isdigit() for number in numbers):
            raise GrafanaError(
                f"{self.url}/api/health gives no version of Grafana. Set CITYBRAIN_GRAFANA_URL to the address of a "
                "Grafana, with the path that it is under; if it is one, turn off hide_version in its configuration."
            )
        return tuple(int(number) for number in numbers)

    def permissions(self) -> frozenset[str] | None:
        """What the token may do, as Grafana's names of actions; None: this Grafana does not say."""
        there = self._read("tell what the token may do", "/access-control/user/permissions")
        return None if there is None else frozenset(there)

    def found(self, bundle: Bundle, *, contact_points: bool) -> Found:
        """What is there under the bundle's uids, and under others of ours.

        Args:
            bundle: what is to be there.
            contact_points: whether to look at contact points, which takes a permission of its own.
        """
        folders = {one.uid for one in bundle.folders} | self._ours(type="dash-folder")
        boards = {one.uid for one in bundle.boards} | self._ours(type="dash-db", tag=TAG)
        sources = self._ask("list data sources", self._api.datasource.list_datasources)
        points: list[Document] = []
        if contact_points:
            points = self._ask("list contact points", self._api.alertingprovisioning.get_contactpoints)
        return Found(
            folders=self._each("folder", "/folders", folders),
            # The list leaves out which secrets are set.
            sources={one["uid"]: one for one in sources}
            | self._each(
                "data source", "/datasources/uid", {one["uid"] for one in sources if one["uid"].startswith(PREFIX)}
            ),
            boards=self._each("board", "/dashboards/uid", boards),
            contact_points={one["uid"]: one for one in points},
        )

    def saved_by(self, uid: str) -> str:
        """Who saved a board last, and as which version, if that was not us; else empty."""
        answer = self._read(f"list the versions of board {uid}", f"/dashboards/uid/{uid}/versions?limit=1") or []
        # Older releases give the list alone, newer ones have it in an object, for its next page.
        versions = answer.get("versions", []) if isinstance(answer, dict) else answer
        if not versions or str(versions[0].get("message", "")).startswith(MESSAGE):
            return ""
        return f"{versions[0].get('createdBy') or 'somebody'}, version {versions[0].get('version')}"

    def holds(self, uid: str) -> dict[str, int]:
        """How many things of which kind are in a folder and below it."""
        return self._read(f"count what is in folder {uid}", f"/folders/{uid}/counts") or {}

    def create_folder(self, uid: str, title: str) -> None:
        """Make a folder."""
        self._ask(f"make folder {uid}", self._api.folder.create_folder, title, uid)

    def rename_folder(self, uid: str, title: str) -> None:
        """Give a folder another title."""
        self._ask(f"rename folder {uid}", self._api.folder.update_folder, uid, title, overwrite=True)

    def save_board(self, document: Document, folder: str, *, overwrite: bool) -> None:
        """Save a board in a folder.

        Args:
            document: its JSON model.
            folder: uid of the folder.
            overwrite: whether there is one of that uid, which this replaces.
        """
        body = {
            "dashboard": {**document, "id": None},
            "folderUid": folder,
            "message": MESSAGE,
            "overwrite": overwrite,
        }
        self._ask(f"save board {document['uid']}", self._api.dashboard.update_dashboard, body)

    def create_source(self, document: Document) -> None:
        """Make a data source."""
        self._ask(f"make data source {document['uid']}", self._api.datasource.create_datasource, document)

    def replace_source(self, document: Document) -> None:
        """Replace a data source."""
        replace = self._api.datasource.update_datasource_by_uid
        self._ask(f"change data source {document['uid']}", replace, document["uid"], document)

    def tried(self, uid: str) -> str:
        """What Grafana says when it tries a data source, if it does not reach it; else empty."""
        try:
            answer = self._ask(f"try data source {uid}", self._api.datasource.health, uid)
        except GrafanaError as error:
            return str(error)
        return "" if answer.get("status") == "OK" else str(answer.get("message"))

    def create_contact_point(self, document: Document) -> None:
        """Make a contact point, without provenance: so it can be edited in Grafana's pages."""
        make = self._api.alertingprovisioning.create_contactpoint
        self._ask(f"make contact point {document['uid']}", make, document, disable_provenance=True)

    def replace_contact_point(self, document: Document) -> None:
        """Replace a contact point, likewise without provenance."""
        self._ask(
            f"change contact point {document['uid']}",
            self._api.client.PUT,  # the client's own method knows of no provenance
            f"/v1/provisioning/contact-points/{document['uid']}",
            json=document,
            headers={"X-Disable-Provenance": "true"},
        )

    def delete(self, kind: Kind, uid: str) -> None:
        """Delete something; what is gone already is gone. A folder goes with its boards, but not with alert rules."""
        delete: Callable[[str], Any] = {
            "folder": self._api.folder.delete_folder,
            "source": self._api.datasource.delete_datasource_by_uid,
            "board": self._api.dashboard.delete_dashboard,
            "contact point": self._api.alertingprovisioning.delete_contactpoint,
        }[kind]
        with suppress(Absent):
            self._ask(f"delete {kind} {uid}", delete, uid)

    def _ours(self, **filters: str) -> set[str]:
        """Uids of ours that Grafana's search finds."""
        found: set[str] = set()
        for page in count(1):
            wanted = urlencode({"limit": _PAGE, "page": page, **filters})
            hits = self._ask("search boards", self._api.client.GET, f"/search?{wanted}")
            found |= {hit["uid"] for hit in hits if hit["uid"].startswith(PREFIX)}
            if len(hits) < _PAGE:
                break
        return found

    def _each(self, kind: str, path: str, uids: set[str]) -> dict[str, Document]:
        read = {uid: self._read(f"read {kind} {uid}", f"{path}/{uid}") for uid in sorted(uids)}
        return {uid: document for uid, document in read.items() if document is not None}

    def _read(self, doing: str, path: str) -> Any:
        """What is at a path; None: nothing."""
        try:
            return self._ask(doing, self._api.client.GET, path)
        except Absent:
            return None

    def _ask(self, doing: str, request: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Send a request, again where its failure may pass.

        Raises:
            GrafanaError: it failed.
        """
        for attempt in Retrying(
            retry=retry_if_exception_type(Passing),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_exponential(self._pause),
            reraise=True,
        ):
            with attempt:
                try:
                    answer = request(*arguments, **options)
                except (GrafanaException, requests.RequestException) as error:
                    raise failure(self.url, doing, error) from None
                if isinstance(answer, str) and answer:
                    raise no_json(self.url)
        return answer
