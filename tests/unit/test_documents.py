"""The documents say what the code does, in both languages, and lead somewhere."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer

from citybrain.cli import app
from citybrain.quality import DOUBTFUL, Flag
from citybrain.settings import PROJECT, Settings
from ingest import topics
from ingest.decoders import decode
from ingest.reasons import Reason
from rules.testing.report import test_command as run_tests

# Hosts of package registries and mirrors: what is fetched comes from where the machine says.
REGISTRIES = re.compile(r"\b(pypi\.org|pythonhosted\.org|registry\.npmjs|npmjs\.org|deb\.debian|mirrors?\.\w+\.)")


def listed() -> list[Path]:
    """Every file of the project that git knows or would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    run = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    if run.returncode != 0:
        pytest.skip("not a working tree of git, which knows the files of the project")
    return [path for name in run.stdout.split("\0") if name and (path := PROJECT / name).is_file()]


def text(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def rows(document: str) -> dict[str, list[str]]:
    """The rows of all tables by the word of code in their first cell: the other cells."""
    found = re.findall(r"^\| `([^`]+)` \|(.*)\|$", document, re.MULTILINE)
    return {name: [cell.strip() for cell in cells.split(" | ")] for name, cells in found}


def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every command below one, by the words that one types."""
    below = getattr(command, "commands", None)
    if below is None:
        yield name, command
    else:
        for word, other in below.items():
            yield from commands(other, f"{name} {word}")


COMMANDS = dict(commands(typer.main.get_command(app), "citybrain"))


def parameters(command: Any) -> set[str]:
    """The options and arguments of a command, as one writes them."""
    options = {
        word for one in command.params if one.param_type_name == "option" for word in one.opts + one.secondary_opts
    }
    return options | {one.name.upper() for one in command.params if one.param_type_name == "argument"}


def test_every_setting_is_documented_with_its_default() -> None:
    documented = {
        name: cells for name, cells in rows(text("docs/settings.md")).items() if name.startswith("CITYBRAIN_")
    }
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else field.default
        default = default.relative_to(PROJECT) if isinstance(default, Path) else default
        shown = documented.pop(f"CITYBRAIN_{name.upper()}")[0].strip("| `")
        assert shown == str(default), f"docs/settings.md gives another default of {name}"
    assert not documented, "settings that are gone"


def test_the_other_documents_name_settings_that_are_there() -> None:
    known = {f"CITYBRAIN_{name.upper()}" for name in Settings.model_fields}
    for path in listed():
        if path.suffix == ".md":
            named = set(re.findall(r"\bCITYBRAIN_[A-Z_]+[A-Z]", path.read_text(encoding="utf-8")))
            assert named <= known, f"{path.name} names settings that are not there"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented_with_its_options(name: str) -> None:
    heading = f"\n### `{name}`\n"
    _, found, rest = text("docs/commands.md").partition(heading)
    assert found, f"docs/commands.md has no section for {name}"
    section = re.split(r"^##", rest, maxsplit=1, flags=re.MULTILINE)[0]
    first_cells = re.findall(r"^\| (`[^|]+`) \|", section, re.MULTILINE)
    documented = {word for cell in first_cells for word in re.findall(r"`([^`]+)`", cell)}
    assert documented == parameters(COMMANDS[name])


def test_no_document_names_a_command_that_is_not_there() -> None:
    sections = set(re.findall(r"^### `(citybrain[^`]*)`$", text("docs/commands.md"), re.MULTILINE))
    assert sections == set(COMMANDS)
    for path in listed():
        # The changelog also names what is to come.
        if path.suffix != ".md" or path.name == "CHANGELOG.md":
            continue
        for typed in re.findall(
            r"(?:^|bin/|`)(citybrain (?!is\b)[a-z][^`\n#|]*)", path.read_text("utf-8"), re.MULTILINE
        ):
            words = typed.split()
            assert any(words[: len(name.split())] == name.split() for name in COMMANDS), f"{path.name}: {typed}"


def test_every_reason_and_flag_is_documented() -> None:
    operations = text("docs/operations.md")
    assert {reason.value for reason in Reason} <= rows(operations).keys()
    flags = re.findall(r"^\| (\d+) \| `(\w+)` \|.*\| (yes|no) \|$", operations, re.MULTILINE)
    assert flags == [(str(f.value), str(f.name).lower(), "yes" if f in DOUBTFUL else "no") for f in Flag]


def test_documented_payloads_are_readings() -> None:
    schema = json.loads(text("citybrain/catalogue/schemas/reading.schema.json"))
    for name in ("README.md", "README.zh-CN.md", "docs/mqtt.md"):
        document = text(name)
        published = re.findall(r"mosquitto_pub [^\n]*-t (\S+)[\s\\]+-m '([^']+)'", document)
        assert published
        for topic, payload in published:
            assert topics.parse(topic), topic
            jsonschema.validate(json.loads(payload), schema)
            assert decode(payload.encode())
        for block in re.findall(r"```json\n(.*?)```", document, re.DOTALL):
            assert decode(block.encode())
            if '"bn"' not in block:
                jsonschema.validate(json.loads(block), schema)


def test_the_readmes_rule_has_no_mistake_and_passes_its_test(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    english, chinese = (
        re.findall(r"```yaml\n(.*?)```", text(f"README{kind}.md"), re.DOTALL) for kind in ("", ".zh-CN")
    )
    assert english == chinese
    for folder in ("regions", "domains", "sites", "plans"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    file = tmp_path / "domains" / "air" / "rules" / "dust.yaml"
    file.parent.mkdir()
    file.write_text(english[0], encoding="utf-8")

    run_tests(tmp_path, str(file), Settings().zone)

    assert "1 test, 0 failed; not covered: 0" in capsys.readouterr().out


def test_every_link_leads_somewhere() -> None:
    for path in (path for path in listed() if path.suffix == ".md"):
        for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
            if "://" in target:
                continue
            file, _, anchor = target.partition("#")
            there = (path.parent / file) if file else path
            assert there.exists(), f"{path.name} links to {target}"
            if anchor:
                assert anchor in headings(there), f"{path.name} links to {target}, which has no such heading"


def headings(path: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    found = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def test_both_readmes_say_the_same() -> None:
    """The same commands in the same order, and the same links."""
    english, chinese = text("README.md"), text("README.zh-CN.md")

    def typed(document: str) -> list[str]:
        blocks = re.findall(r"```(?:sh|sql)\n(.*?)```", document, re.DOTALL)
        return [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]

    def code(document: str) -> set[str]:
        return {word for word in re.findall(r"`([^`\n]+)`", document) if "<" not in word}

    def links(document: str) -> set[str]:
        return set(re.findall(r"\]\(([^)]+)\)", document)) - {"README.md", "README.zh-CN.md"}

    assert typed(english) == typed(chinese)
    assert code(english) == code(chinese)
    assert links(english) == links(chinese)


def test_no_file_names_a_registry() -> None:
    for path in listed():
        try:
            content = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if path != Path(__file__).resolve():
            found = REGISTRIES.search(content)
            assert not found, f"{path.relative_to(PROJECT)} names {found[0]}"
