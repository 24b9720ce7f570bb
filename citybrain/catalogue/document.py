"""A YAML file as a tree of texts that knows where each of its keys stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.reader import Reader

from citybrain.catalogue.errors import Problem

Steps = tuple[str | int, ...]  # the way from the top of a file to a value: keys, and positions in lists
Place = tuple[int, int]  # line and column, from 1

# libyaml's parser is 25 times as fast, but PyYAML may have been built without it. Only events are taken from
# either: the C composer overflows the stack on deeply nested input.
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

_KINDS: dict[type, str] = {dict: "a mapping", list: "a list"}

MAX_DEPTH = 16  # levels; the deepest key of the catalogue is at 6


class Quoted(str):
    """A text that stood in quotes or in a block: meant as text even where it looks like a number."""


@dataclass
class Document:
    """One file. Every scalar of `tree` is text; what it means is decided by the key it belongs to.

    `tree` is a mapping, or a list where one was expected. A file that is no YAML has an empty one, `readable` is
    false, and `problems` says why. `lines` are those of the file.
    """

    file: str
    tree: Any = field(default_factory=dict)
    places: dict[Steps, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    readable: bool = True
    lines: list[str] = field(default_factory=list)

    def report(self, steps: Steps, message: str, place: Place | None = None) -> None:
        """Add a problem with the value at `steps`."""
        line, column = place or self.place(steps)
        self.problems.append(Problem(self.file, line, column, ".".join(map(str, steps)), message))

    def place(self, steps: Steps) -> Place:
        """Where the value at `steps` stands; a missing one has the place of what is around it."""
        while steps and steps not in self.places:
            steps = steps[:-1]
        return self.places.get(steps, (1, 1))

    def inside(self, steps: Steps, text: str, offset: int) -> Place | None:
        """The place of the character `offset` of the text at `steps`, if the file has its line as it is.

        It has the lines of a block (`|`), and of a text on the line of its key that is plain or in quotes without
        escapes. None elsewhere.
        """
        if steps not in self.places:
            return None
        line, column = self.places[steps]
        before = text[:offset].split("\n")
        if "\n" in text:
            line, start = line + len(before), 0  # The key's line has only the mark of the block.
        else:
            start = column - 1 + (len(steps[-1]) if isinstance(steps[-1], str) else 0)
        source = self.lines[line - 1] if line <= len(self.lines) else ""
        found = source.find(text.split("\n")[len(before) - 1], start)
        return (line, found + 1 + len(before[-1])) if found >= 0 else None

    def entries(self, section: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The named entries of a section, as far as the file has them; one that is no mapping comes empty."""
        found = self.tree.get(section)
        if isinstance(found, dict):
            yield from ((name, entry if isinstance(entry, dict) else {}) for name, entry in found.items())


def read(path: Path, file: str, expected: type[dict[str, Any]] | type[list[Any]] = dict) -> Document:
    """Read a file that holds a mapping or a list; `file` is its name in messages.

    What is wrong with it is in the document's `problems`.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        return _unreadable(Document(file, tree=expected()), (1, 1), f"the file can't be read: {error.strerror}")
    return parse(data, file, expected)


def parse(data: bytes, file: str, expected: type[dict[str, Any]] | type[list[Any]] = dict) -> Document:
    """The document of a file's bytes, whatever they are; `file` is its name in messages."""
    document = Document(file, tree=expected())
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8", "replace")
        bad = error.object[error.start]
        return _unreadable(document, _place(before), f"byte 0x{bad:02x} is not UTF-8; save the file as UTF-8")
    if control := Reader.NON_PRINTABLE.search(text):
        place = _place(text[: control.start()])
        return _unreadable(document, place, f"character U+{ord(control.group()):04X} is not allowed in YAML")
    document.lines = text.split("\n")
    try:
        tree = _tree(document, text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        context = f" ({error.context})" if error.context else ""
        return _unreadable(document, place, f"not valid YAML: {error.problem}{context}")
    except _UnsupportedError as error:
        return _unreadable(document, error.place, str(error))
    if tree is None:
        return _unreadable(document, (1, 1), f"the file is empty; expected {_KINDS[expected]}")
    if not isinstance(tree, expected):
        found = _KINDS.get(type(tree), f"the text {tree!r}")
        return _unreadable(document, (1, 1), f"expected {_KINDS[expected]}, found {found}")
    document.tree = tree
    return document


def _unreadable(document: Document, place: Place, message: str) -> Document:
    document.report((), message, place)
    document.readable = False
    return document


def _place(before: str) -> Place:
    """The place just after the text `before`."""
    return before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1


class _UnsupportedError(Exception):
    """YAML that is valid but that no catalogue needs."""

    def __init__(self, event: yaml.Event, message: str) -> None:
        super().__init__(message)
        self.place = _start(event)


def _start(event: yaml.Event) -> Place:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _tree(document: Document, text: str) -> Any:
    """The tree of a file, None where it has none; fills `document.places` and reports keys given twice."""
    events = iter(yaml.parse(text, Loader=_LOADER))
    tree = None
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent) and tree is not None:
            raise _UnsupportedError(event, "a second document begins here; expected one a file")
        if isinstance(event, yaml.NodeEvent):
            tree = _value(document, events, event, ())
    # A file of comments or blank lines is one empty scalar to some parsers and no document to others.
    return None if tree == "" and not isinstance(tree, Quoted) else tree


def _value(document: Document, events: Iterator[yaml.Event], event: yaml.Event, steps: Steps) -> Any:
    """The value that begins with `event`, reading on as far as it goes."""
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        raise _UnsupportedError(event, "anchors and aliases (& and *) are not used here; write the value out")
    if len(steps) > MAX_DEPTH:
        raise _UnsupportedError(event, f"nested more than {MAX_DEPTH} levels deep")
    if isinstance(event, yaml.ScalarEvent):
        return Quoted(event.value) if event.style else event.value
    if isinstance(event, yaml.SequenceStartEvent):
        items: list[Any] = []
        for item in events:
            if isinstance(item, yaml.SequenceEndEvent):
                break
            here = (*steps, len(items))
            document.places[here] = _start(item)
            items.append(_value(document, events, item, here))
        return items
    mapping: dict[str, Any] = {}
    for key in events:
        if isinstance(key, yaml.MappingEndEvent):
            break
        if not isinstance(key, yaml.ScalarEvent):
            raise _UnsupportedError(key, "expected a plain text as key")
        here = (*steps, str(key.value))
        if key.value in mapping:
            line, _ = document.places[here]
            document.report(here, f"the key is given twice; the first is on line {line}", _start(key))
            _value(Document(document.file), events, next(events), here)  # Skips it.
        else:
            document.places[here] = _start(key)
            mapping[key.value] = _value(document, events, next(events), here)
    return mapping
