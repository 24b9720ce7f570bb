"""The files that a Grafana reads when it starts: data sources, folders of boards, and the contact point.

Grafana puts variables of its own environment in the place of `$NAME`, so no address and no secret stands in what is
built. Their names begin with `GF_` because the start script of Grafana's image fills such a one from the file that
`<NAME>__FILE` names, which is how a container gets a secret.
"""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from deploy.boards.model import Board, Bundle, ContactPoint, Document, Folder, Source
from deploy.boards.sources import POSTGRES

BOARDS = "/var/lib/grafana/boards"  # where a Grafana finds `boards/` of what is built
_HEAD = "# Made by `citybrain boards build`; docs/grafana.md says which variables Grafana's environment needs.\n"

_DATABASE: Document = {
    "url": "$GF_CITYBRAIN_DATABASE_ADDRESS",
    "user": "$GF_CITYBRAIN_DATABASE_USER",
    "secureJsonData": {"password": "$GF_CITYBRAIN_DATABASE_PASSWORD"},
}
_DATABASE_DETAILS: Document = {"database": "$GF_CITYBRAIN_DATABASE_NAME", "sslmode": "$GF_CITYBRAIN_DATABASE_SSLMODE"}


def files(bundle: Bundle) -> dict[Path, str]:
    """The text of each file, by its path below the folder that is built."""
    provisioning = Path("provisioning")
    return {
        provisioning / "datasources" / "citybrain.yaml": _yaml(
            {"apiVersion": 1, "datasources": [_source(one) for one in bundle.sources]}
        ),
        provisioning / "dashboards" / "citybrain.yaml": _yaml(
            {"apiVersion": 1, "providers": [_provider(one) for one in bundle.folders]}
        ),
        provisioning / "alerting" / "citybrain.yaml": _yaml(
            {"apiVersion": 1, "contactPoints": [_contact_point(one) for one in bundle.contact_points]}
        ),
        **{path(board): _json(board.document) for board in bundle.boards},
    }


def path(board: Board) -> Path:
    """The file of a board: a folder a language."""
    return Path("boards") / board.language / f"{board.uid}.json"


def _source(source: Source) -> Document:
    document = {"orgId": 1, **source.document, "editable": False}
    if source.uid != POSTGRES.uid:
        return {**document, "url": "$GF_CITYBRAIN_PROMETHEUS_URL"}
    return {**document, **_DATABASE, "jsonData": {**source.document["jsonData"], **_DATABASE_DETAILS}}


def _provider(folder: Folder) -> Document:
    language = folder.uid.rpartition("-")[2]
    return {
        "name": folder.uid,
        "orgId": 1,
        "folder": folder.title,
        "folderUid": folder.uid,
        "type": "file",
        "disableDeletion": False,
        "allowUiUpdates": False,
        "options": {"path": f"{BOARDS}/{language}"},
    }


def _contact_point(point: ContactPoint) -> Document:
    receiver = {**point.document, "settings": {**point.document["settings"], "url": "$GF_CITYBRAIN_WEBHOOK"}}
    return {"orgId": 1, "name": receiver.pop("name"), "receivers": [receiver]}


def _yaml(document: Document) -> str:
    return _HEAD + yaml.safe_dump(document, allow_unicode=True, sort_keys=False)


def _json(document: Document) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
