"""What the Containerfile says; tests/integration/deploy/compose/test_image.py runs what it copies."""

from __future__ import annotations

import re
import tomllib

from citybrain.settings import PROJECT

TEXT = (PROJECT / "deploy/Containerfile").read_text()
PROJECT_FILE = tomllib.loads((PROJECT / "pyproject.toml").read_text())
LOCK = "requirements-server.lock"


def instructions(text: str) -> list[tuple[str, str]]:
    """Instructions with what follows them, in one line each."""
    lines = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines) if word]


INSTRUCTIONS = instructions(TEXT)
LAST = INSTRUCTIONS[max(number for number, (word, _) in enumerate(INSTRUCTIONS) if word == "FROM") :]


def pins(lock: str) -> set[str]:
    """`name==version` with its condition, of each package."""
    return set(re.findall(r"^([\w.-]+==[^\\\n]+?) *\\$", (PROJECT / lock).read_text(), re.MULTILINE))


def copied() -> dict[str, str]:
    """Folders that the first stage takes from the project, by where they come to lie."""
    pairs = [rest.split() for word, rest in INSTRUCTIONS if word == "COPY" and "app/" in rest]
    return {target: source for source, target in pairs}


def test_it_copies_every_package_of_the_project() -> None:
    packages = PROJECT_FILE["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert copied() == {f"app/{name}": name for name in packages}


def test_the_context_lets_through_what_it_copies_and_no_secrets() -> None:
    ignored = (PROJECT / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    assert allowed == {*copied().values(), "requirements.lock", LOCK, "LICENSE"}
    assert "deploy/compose/secrets" in ignored[ignored.index("!deploy") :]


def test_the_last_stage_has_a_user_and_no_way_to_install() -> None:
    words = dict(LAST)
    assert words["USER"] == "10001:10001"
    assert words["ENTRYPOINT"] == '["citybrain"]'
    assert "HEALTHCHECK" in words
    assert not re.search(r"\b(pip|apt-get|apk)\b", " ".join(rest for _, rest in LAST))


def test_the_base_has_a_version_and_only_locked_wheels_come_on_top() -> None:
    (base,) = (rest for word, rest in INSTRUCTIONS if word == "ARG" and rest.startswith("PYTHON="))
    assert re.fullmatch(r"PYTHON=python:\d+\.\d+\.\d+-slim-[a-z]+", base)
    assert {rest.split()[0] for word, rest in INSTRUCTIONS if word == "FROM"} == {"${PYTHON}"}
    (install,) = (rest for word, rest in INSTRUCTIONS if word == "RUN" and "pip" in rest)
    assert "--require-hashes" in install
    assert "--only-binary :all:" in install
    assert ("ARG", f"LOCK={LOCK}") in INSTRUCTIONS


def test_its_lock_has_the_versions_that_are_tested() -> None:
    assert pins(LOCK) < pins("requirements.lock")
    assert not {pin for pin in pins(LOCK) if pin.startswith(("wntr", "pandapipes"))}
