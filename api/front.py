"""The cockpit's files: one shell for every page, and what it loads, below an address that changes with any of them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Mount, Route, Router
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

COCKPIT = Path(__file__).parent / "cockpit"
FOR_EVER = "public, max-age=31536000, immutable"
PLACEHOLDER = "VERSION"  # in the shell, where the version belongs


class Cockpit(Mount):
    """The cockpit at `/`: any path that is no file is one of its pages, which the shell itself finds.

    Files stand at `/assets/VERSION/...`, where VERSION is a digest of all of them, so that browsers keep them for good
    and never mix two releases.
    """

    def __init__(self, folder: Path = COCKPIT) -> None:
        self.version = _digest(folder)
        self._shell = (folder / "index.html").read_text(encoding="utf-8").replace(PLACEHOLDER, self.version)
        files = _Files(self.version, folder)
        routes = [Mount("/assets", files), Route("/{path:path}", self._page, methods=["GET"])]
        super().__init__("/", Router(routes), name="cockpit")

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """No path of the API."""
        return (Match.NONE, {}) if scope["path"].startswith("/api/") else super().matches(scope)

    async def _page(self, request: Request) -> Response:
        if "." in request.path_params["path"].partition("/")[0]:
            raise HTTPException(
                404
            )  # favicon.ico and the like; ids of rules and devices have dots, too, but come later
        return Response(self._shell, media_type="text/html")


class _Files(StaticFiles):
    """Files below a version. Another version has the same names, but a page of it must not keep what it gets."""

    def __init__(self, version: str, folder: Path) -> None:
        super().__init__(directory=folder)
        self._version = version

    def get_path(self, scope: Scope) -> str:
        """The path below the version."""
        return super().get_path(scope).partition("/")[2]

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file; kept for good if the version in its address is ours."""
        response = await super().get_response(path, scope)
        if f"/{self._version}/" in scope["path"]:
            response.headers["Cache-Control"] = FOR_EVER
        return response


def _digest(folder: Path) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
