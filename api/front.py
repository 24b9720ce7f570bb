"""The cockpit's files: one shell for every page, and what it loads, below an address that changes with any of them."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import posixpath
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Mount, Route, Router
from starlette.types import Scope

COCKPIT = Path(__file__).parent / "cockpit"
FOR_EVER = "public, max-age=31536000, immutable"
VERSION = "VERSION"  # in the shell, where the version belongs
PRELOADS = "<!-- PRELOADS -->"  # in the shell, where its modules are named
SHELL, FIRST = "index.html", "app.js"
OVERVIEW = "pages/overview.js"  # what is opened most, and must be there first

_IMPORT = re.compile(r"""^(?:import|export)\b[^"';]*?from "(\.[^"]+)";|^import "(\.[^"]+)";""", re.MULTILINE)


class File(NamedTuple):
    """A file as it is sent: its bytes, and compressed where that is worth it."""

    plain: bytes
    packed: bytes | None
    kind: str
    tag: str


class Cockpit(Mount):
    """The cockpit at `/`: any path that is no file is one of its pages, which the shell itself finds.

    Files stand at `/assets/VERSION/...`, where VERSION is a digest of all of them, so that browsers keep them for good
    and never mix two releases.
    """

    def __init__(self, folder: Path = COCKPIT) -> None:
        self._folder = folder
        self.version = _digest(folder)
        shell = (folder / SHELL).read_text(encoding="utf-8")
        self._shells = {path: self._with_preloads(shell, first) for path, first in _FIRSTS.items()}
        routes = [
            Route("/assets/{version}/{path:path}", self._file, methods=["GET"]),
            Route("/{path:path}", self._page, methods=["GET"]),
        ]
        super().__init__("/", Router(routes), name="cockpit")

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """No path of the API."""
        return (Match.NONE, {}) if scope["path"].startswith("/api/") else super().matches(scope)

    async def _page(self, request: Request) -> Response:
        path = request.path_params["path"]
        if "." in path.partition("/")[0]:  # favicon.ico and the like; ids with dots come later
            raise HTTPException(404)
        return Response(self._shells.get(path, self._shells[None]), media_type="text/html")

    async def _file(self, request: Request) -> Response:
        """A file; kept for good if the version in its address is ours: a page of another must not keep what it gets."""
        path = (self._folder / request.path_params["path"]).resolve()
        if not path.is_relative_to(self._folder.resolve()) or not path.is_file():
            raise HTTPException(404)
        # A changed file is read anew, so that whoever works on the cockpit need not restart its server.
        file = _read(path, path.stat().st_mtime_ns)
        headers = {"ETag": file.tag, "Vary": "Accept-Encoding"}
        if request.path_params["version"] == self.version:
            headers["Cache-Control"] = FOR_EVER
        if request.headers.get("if-none-match") == file.tag:
            return Response(status_code=304, headers=headers)
        if file.packed and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(file.packed, headers={**headers, "Content-Encoding": "gzip"}, media_type=file.kind)
        return Response(file.plain, headers=headers, media_type=file.kind)

    def _with_preloads(self, shell: str, first: tuple[str, ...]) -> str:
        """The shell, which names all modules: a browser else learns of each when it has read who imports it."""
        links = (
            f'<link rel="modulepreload" href="/assets/{VERSION}/{path}">' for path in modules(self._folder, *first)
        )
        return shell.replace(PRELOADS, "\n".join(links)).replace(VERSION, self.version)


_FIRSTS: dict[str | None, tuple[str, ...]] = {"": (FIRST, OVERVIEW), None: (FIRST,)}


def modules(folder: Path, *first: str) -> list[str]:
    """The modules that are imported to begin with, by these or by one that they import; paths below `folder`."""
    found = dict.fromkeys(first)
    waiting = list(first)
    while waiting:
        path = waiting.pop()
        for name in _imports(folder / path):
            imported = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
            if imported not in found:
                found[imported] = None
                waiting.append(imported)
    return list(found)


def _imports(path: Path) -> Iterator[str]:
    for match in _IMPORT.finditer(path.read_text(encoding="utf-8")):
        yield match[1] or match[2]


@lru_cache(maxsize=1024)
def _read(path: Path, _changed_ns: int) -> File:
    plain = path.read_bytes()
    packed = gzip.compress(plain, 9, mtime=0)
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    tag = f'"{hashlib.blake2b(plain, digest_size=8).hexdigest()}"'
    return File(plain, packed if len(packed) < 0.9 * len(plain) else None, kind, tag)


def _digest(folder: Path) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
