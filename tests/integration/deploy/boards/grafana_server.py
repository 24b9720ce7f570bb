"""A Grafana for tests: over real HTTP, the part of its HTTP API that a push uses, as its documentation says it answers.

No Grafana can be had from the package registries. So each request is held against `CONTRACT`, which is written from the
published documentation of Grafana 12, "HTTP API reference"; each line names the page that says it. A request that is
not in it, or lacks a field or a header, is a breach, and the tests look that there is none.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

TOKEN = "glsa_dGhlIHRva2Vu_5f3a"
Document = dict[str, Any]
Answer = tuple[int, Any]

ADMIN = {
    f"{kind}:{action}": ["*"]
    for kind in ("folders", "dashboards", "datasources")
    for action in ("read", "create", "write", "delete")
} | {"datasources:query": ["*"], "alert.provisioning:read": [""], "alert.provisioning:write": [""]}


class Request(NamedTuple):
    """What a request of the contract has."""

    method: str
    path: str
    """A pattern of all of the path below /api."""
    page: str
    """Of the documentation: developers/http_api/..."""
    permission: str = ""
    """The action that the page says it takes."""
    fields: dict[str, type | tuple[type, ...]] = {}  # noqa: RUF012  never changed
    """Of the body, by name, those that are required, and their types."""
    headers: dict[str, str] = {}  # noqa: RUF012  never changed
    parameters: frozenset[str] = frozenset()
    """Of the query: those that there are."""


UID = r"([A-Za-z0-9_-]{1,40})"  # "The uid can have a maximum length of 40 characters"
_POINT = {"uid": str, "name": str, "type": str, "settings": dict}
_SOURCE = {"uid": str, "name": str, "type": str, "access": str}
_LOOSE = {"X-Disable-Provenance": "true"}

CONTRACT = (
    Request("GET", "/health", "other#health-api"),
    Request("GET", "/access-control/user/permissions", "serviceaccount; Service accounts, list a token's permissions"),
    Request(
        "GET",
        "/search",
        "folder_dashboard_search#search-folders-and-dashboards",
        parameters=frozenset({"query", "tag", "type", "dashboardUIDs", "folderUIDs", "starred", "limit", "page"}),
    ),
    Request("GET", f"/folders/{UID}", "folder#get-folder-by-uid", "folders:read"),
    Request("GET", f"/folders/{UID}/counts", "OpenAPI: getFolderDescendantCounts", "folders:read"),
    Request("POST", "/folders", "folder#create-folder", "folders:create", {"title": str}),
    Request("PUT", f"/folders/{UID}", "folder#update-folder", "folders:write", {"title": str, "overwrite": bool}),
    Request(
        "DELETE",
        f"/folders/{UID}",
        "folder#delete-folder",
        "folders:delete",
        parameters=frozenset({"forceDeleteRules"}),
    ),
    Request("GET", f"/dashboards/uid/{UID}", "dashboard#get-dashboard-by-uid", "dashboards:read"),
    Request(
        "GET",
        f"/dashboards/uid/{UID}/versions",
        "dashboard_versions#get-all-dashboard-versions-by-dashboard-uid",
        "dashboards:write",
        parameters=frozenset({"limit", "start"}),
    ),
    Request(
        "POST",
        "/dashboards/db",
        "dashboard#create--update-dashboard",
        "dashboards:write",
        {"dashboard": dict, "folderUid": str, "message": str, "overwrite": bool},
    ),
    Request("DELETE", f"/dashboards/uid/{UID}", "dashboard#delete-dashboard-by-uid", "dashboards:delete"),
    Request("GET", "/datasources", "data_source#get-all-data-sources", "datasources:read"),
    Request("GET", f"/datasources/uid/{UID}", "data_source#get-a-single-data-source-by-uid", "datasources:read"),
    Request("GET", f"/datasources/uid/{UID}/health", "data_source#check-data-source-health", "datasources:query"),
    Request("POST", "/datasources", "data_source#create-a-data-source", "datasources:create", _SOURCE),
    Request(
        "PUT",
        f"/datasources/uid/{UID}",
        "data_source#update-an-existing-data-source",
        "datasources:write",
        _SOURCE,
    ),
    Request(
        "DELETE",
        f"/datasources/uid/{UID}",
        "data_source#delete-an-existing-data-source-by-uid",
        "datasources:delete",
    ),
    Request(
        "GET",
        "/v1/provisioning/contact-points",
        "alerting_provisioning#route-get-contactpoints",
        "alert.provisioning:read",
        parameters=frozenset({"name"}),
    ),
    # "To enable editing of provisioned resources in the Grafana UI, add the X-Disable-Provenance header".
    Request(
        "POST",
        "/v1/provisioning/contact-points",
        "alerting_provisioning#route-post-contactpoints",
        "alert.provisioning:write",
        _POINT,
        _LOOSE,
    ),
    Request(
        "PUT",
        f"/v1/provisioning/contact-points/{UID}",
        "alerting_provisioning#route-put-contactpoint",
        "alert.provisioning:write",
        _POINT,
        _LOOSE,
    ),
    Request(
        "DELETE",
        f"/v1/provisioning/contact-points/{UID}",
        "alerting_provisioning#route-delete-contactpoints",
        "alert.provisioning:write",
    ),
)


class Fault(NamedTuple):
    """What is answered to a request instead of the truth."""

    method: str
    path: str
    """A pattern, found anywhere in the path."""
    status: int
    body: Any
    """JSON, or HTML as text."""
    headers: dict[str, str] = {}  # noqa: RUF012  never changed


@dataclass
class GrafanaServer:
    """Its state, which tests look at and change."""

    url: str = ""
    version: str = "12.2.1"
    permissions: dict[str, list[str]] = field(default_factory=lambda: dict(ADMIN))
    folders: dict[str, Document] = field(default_factory=dict)
    boards: dict[str, Document] = field(default_factory=dict)
    """`dashboard`, `meta` and `versions`, by uid."""
    sources: dict[str, Document] = field(default_factory=dict)
    """With their `secureJsonData`."""
    points: dict[str, Document] = field(default_factory=dict)
    alert_rules: dict[str, int] = field(default_factory=dict)
    """How many alert rules a folder holds."""
    faults: list[Fault] = field(default_factory=list)
    """Each is answered once."""
    requests: list[tuple[str, str]] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)

    @property
    def writes(self) -> list[tuple[str, str]]:
        """What was sent to change something."""
        return [one for one in self.requests if one[0] != "GET"]

    def edit(self, uid: str, by: str = "anna", **changes: Any) -> None:
        """Change a board by hand, as its page does, which writes its own defaults into the model."""
        board = self.boards[uid]
        added = {"editable": True, "fiscalYearStartMonth": 0, "graphTooltip": 0, "liveNow": False, "weekStart": ""}
        model = {**added, **board["dashboard"], **changes}
        for variable in model.get("templating", {}).get("list", []):
            variable["current"] = {"text": "chosen", "value": "chosen"}
        self._save(model, board["meta"]["folderUid"], by, "")

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any, token: str) -> Answer:
        """What is answered to a request that the contract has."""
        if path == "/health":
            return 200, {"commit": "abc", "database": "ok", "version": self.version}
        if token != f"Bearer {TOKEN}":
            return 401, {"message": "Invalid API key", "messageId": "api-key.invalid", "statusCode": 401, "traceID": ""}
        needed = next(one.permission for one in CONTRACT if one.method == method and re.fullmatch(one.path, path))
        if needed and needed not in self.permissions:
            missing = f"You'll need additional permissions to perform this action. Permissions needed: {needed}"
            return 403, {"accessErrorId": "ACE1", "message": missing, "title": "Access denied"}
        kind, *rest = path.strip("/").split("/")
        if kind == "access-control":
            return 200, self.permissions
        if kind == "search":
            return self._search(query)
        if kind == "folders":
            return self._folders(method, rest, body)
        if kind == "dashboards":
            return self._dashboards(method, rest, body)
        if kind == "datasources":
            return self._datasources(method, rest, body)
        return self._contact_points(method, rest[2:], body)

    def _search(self, query: dict[str, list[str]]) -> Answer:
        if query["type"] == ["dash-folder"]:
            hits = [{"uid": uid, "title": one["title"], "type": "dash-folder"} for uid, one in self.folders.items()]
        else:
            tags = set(query.get("tag", []))
            hits = [
                {"uid": uid, "title": one["dashboard"]["title"], "type": "dash-db"}
                for uid, one in self.boards.items()
                if tags <= set(one["dashboard"].get("tags", []))
            ]
        limit, page = int(query["limit"][0]), int(query["page"][0])
        return 200, hits[limit * (page - 1) : limit * page]

    def _folders(self, method: str, rest: list[str], body: Any) -> Answer:
        if method == "POST":
            uid = body["uid"]
            if uid in self.folders:
                return 409, {"message": "a folder/dashboard with the same uid already exists"}
            self.folders[uid] = {"id": len(self.folders) + 1, "uid": uid, "title": body["title"], "version": 1}
            return 200, self.folders[uid]
        uid = rest[0]
        if uid not in self.folders:
            return 404, {"message": "folder not found", "status": "not-found"}
        within = [one for one, board in self.boards.items() if board["meta"]["folderUid"] == uid]
        if rest[1:] == ["counts"]:
            return 200, {"dashboard": len(within), "folder": 0, "alertrule": self.alert_rules.get(uid, 0)}
        if method == "PUT":
            if not body["overwrite"]:
                return 412, {"message": "the folder has been changed by someone else", "status": "version-mismatch"}
            self.folders[uid] |= {"title": body["title"], "version": self.folders[uid]["version"] + 1}
        if method == "DELETE":
            for one in within:
                del self.boards[one]
            return 200, {"message": "Folder deleted", "id": self.folders.pop(uid)["id"]}
        return 200, self.folders[uid]

    def _dashboards(self, method: str, rest: list[str], body: Any) -> Answer:
        if method == "POST":
            model = body["dashboard"]
            there = self.boards.get(model["uid"])
            if there and there["meta"].get("provisioned"):
                return 400, {"message": "Cannot save provisioned dashboard"}
            if there and not body["overwrite"]:
                return 412, {"message": "The dashboard has been changed by someone else", "status": "version-mismatch"}
            if body["folderUid"] not in self.folders:
                return 400, {"message": "folder not found", "status": "not-found"}
            saved = self._save(model, body["folderUid"], "sa-1-citybrain", body["message"])
            return 200, {"id": saved["id"], "uid": saved["uid"], "status": "success", "version": saved["version"]}
        uid = rest[1]
        if uid not in self.boards:
            return 404, {"message": "Dashboard not found", "status": "not-found"}
        board = self.boards[uid]
        if rest[2:] == ["versions"]:
            return 200, {"continueToken": "", "versions": list(reversed(board["versions"]))}
        if method == "DELETE":
            del self.boards[uid]
            return 200, {"title": board["dashboard"]["title"], "message": "Dashboard deleted", "id": 1}
        return 200, {"dashboard": board["dashboard"], "meta": board["meta"]}

    def _save(self, model: Document, folder: str, by: str, message: str) -> Document:
        uid = model["uid"]
        versions = self.boards.get(uid, {}).get("versions", [])
        number = len(versions) + 1
        saved = {**deepcopy(model), "id": model.get("id") or len(self.boards) + 1, "version": number}
        self.boards[uid] = {
            "dashboard": saved,
            "meta": {"folderUid": folder, "canSave": True, "provisioned": False, "version": number, "updatedBy": by},
            "versions": [*versions, {"version": number, "createdBy": by, "message": message}],
        }
        return saved

    def _datasources(self, method: str, rest: list[str], body: Any) -> Answer:
        if method == "POST":
            if any(body["name"] == one["name"] or body["uid"] == one["uid"] for one in self.sources.values()):
                return 409, {"message": "data source with the same name already exists"}
            self.sources[body["uid"]] = {"id": len(self.sources) + 1, "orgId": 1, "readOnly": False, **body}
            return 200, {"message": "Datasource added", "name": body["name"]}
        if not rest:
            return 200, [self._told(one, secrets=False) for one in self.sources.values()]
        uid = rest[1]
        if uid not in self.sources:
            return 404, {"message": "Data source not found"}
        there = self.sources[uid]
        if rest[2:] == ["health"]:
            return 200, {"message": "Database Connection OK", "status": "OK"}
        if method != "GET" and there["readOnly"]:
            return 403, {"message": "Cannot update read-only data source"}
        if method == "PUT":
            secrets = there.get("secureJsonData", {}) | body.get("secureJsonData", {})
            self.sources[uid] = {"id": there["id"], "orgId": 1, "readOnly": False, **body, "secureJsonData": secrets}
            return 200, {"message": "Datasource updated", "name": body["name"]}
        if method == "DELETE":
            del self.sources[uid]
            return 200, {"message": "Data source deleted", "id": there["id"]}
        return 200, self._told(there, secrets=True)

    @staticmethod
    def _told(source: Document, *, secrets: bool) -> Document:
        """A data source as it is told: with the names of its secrets, or without."""
        told = {"typeLogoUrl": "public/logo.svg", "basicAuth": False, "user": "", "jsonData": {}, **source}
        kept = told.pop("secureJsonData", {})
        return told | ({"secureJsonFields": dict.fromkeys(kept, True)} if secrets else {})

    def _contact_points(self, method: str, rest: list[str], body: Any) -> Answer:
        if method == "GET":
            return 200, list(self.points.values())
        if method == "POST":
            self.points[body["uid"]] = {"disableResolveMessage": False, **body}
            return 202, self.points[body["uid"]]
        uid = rest[0]
        if method == "DELETE":
            self.points.pop(uid, None)
            return 202, {"message": "contactpoint deleted"}
        if self.points.get(uid, {}).get("provenance"):
            return 409, {"message": "cannot change provenance from 'api' to ''"}
        self.points[uid] = {"disableResolveMessage": False, **body, "uid": uid}
        return 202, {"message": "contactpoint updated"}

    def breach(self, method: str, path: str, query: dict[str, list[str]], body: Any, headers: Any) -> str:
        """How a request differs from the contract; empty: not at all."""
        for one in CONTRACT:
            if one.method == method and re.fullmatch(one.path, path):
                break
        else:
            return f"{method} {path} is not in the contract"
        if unknown := query.keys() - one.parameters:
            return f"{method} {path} has the parameters {unknown}"
        for name, kind in one.fields.items():
            if not isinstance(body, dict) or not isinstance(body.get(name), kind):
                return f"{method} {path} lacks {name}"
        for name, value in one.headers.items():
            if headers.get(name) != value:
                return f"{method} {path} lacks the header {name}"
        if body is not None and headers.get_content_type() != "application/json":
            return f"{method} {path} sends no JSON"
        return ""


@contextmanager
def grafana_server(prefix: str = "") -> Iterator[GrafanaServer]:
    """A Grafana that listens on a port of its own, under a path if one is given."""
    state = GrafanaServer()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body are two writes, and the second would wait for the client

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            address = urlsplit(self.path)
            path, query = address.path.removeprefix(f"{prefix}/api"), parse_qs(address.query)
            with lock:
                state.requests.append((self.command, path))
                if found := state.breach(self.command, path, query, body, self.headers):
                    state.breaches.append(found)
                fault = next((f for f in state.faults if f.method == self.command and re.search(f.path, path)), None)
                if fault:
                    state.faults.remove(fault)
                    self.send(fault.status, fault.body, fault.headers)
                elif found:
                    self.send(404, {"message": "Not found"})
                else:
                    token = self.headers.get("Authorization", "")
                    self.send(*state.answer(self.command, path, query, body, token))

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  names that the base class calls

        def send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
            html = isinstance(body, str)
            content = (body if html else json.dumps(body)).encode()
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Type", "text/html" if html else "application/json; charset=UTF-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}{prefix}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
