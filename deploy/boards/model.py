"""What is built for a Grafana: folders, data sources, boards and contact points, each known by its uid."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

Language = Literal["zh", "en"]
Document = dict[str, Any]
"""A JSON object as Grafana's HTTP API takes it."""


class Folder(NamedTuple):
    """A folder of boards; one for each language."""

    uid: str
    title: str


class Board(NamedTuple):
    """A board, `document` being its JSON model; its uid is `citybrain-<name>-<language>`."""

    uid: str
    folder: str
    """The uid of its folder."""
    language: Language
    document: Document


class Source(NamedTuple):
    """A data source; `document` is what `POST /api/datasources` takes, without secrets."""

    uid: str
    document: Document


class ContactPoint(NamedTuple):
    """Who is told of Grafana's own alerts; `document` is what `POST /api/v1/provisioning/contact-points` takes."""

    uid: str
    document: Document


class Bundle(NamedTuple):
    """All that one Grafana gets."""

    folders: tuple[Folder, ...]
    sources: tuple[Source, ...]
    boards: tuple[Board, ...]
    contact_points: tuple[ContactPoint, ...]
