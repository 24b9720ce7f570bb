"""systemd's own judgement of the units: they are right, and what they may do is little."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from citybrain.settings import PROJECT, Settings

UNITS = PROJECT / "deploy" / "systemd"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
TIMERS = sorted(path.name for path in UNITS.glob("*.timer"))
EXPOSURE = 25  # tenths: systemd calls up to 4.9 "OK", from 5.0 on "MEDIUM"

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="the package systemd is not there")


def instance(name: str) -> str:
    """A unit that can be judged: one of a template's."""
    return name.replace("@.", "@full." if "backup" in name else "@150802.")


def read(name: str) -> configparser.RawConfigParser:
    unit = configparser.RawConfigParser(strict=False, delimiters=["="])
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNITS / name)
    return unit


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a machine where everything is installed that the units name."""
    root = tmp_path_factory.mktemp("machine")
    units = root / "etc/systemd/system"
    shutil.copytree(UNITS, units)
    for name in SERVICES:
        program = root / read(name)["Service"]["ExecStart"].split()[0].lstrip("/")
        program.parent.mkdir(parents=True, exist_ok=True)
        program.touch(mode=0o755)
    for target in ("basic", "multi-user", "network-online", "shutdown", "sysinit", "timers"):
        (units / f"{target}.target").write_text(f"[Unit]\nDescription={target}\n")
    return root


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}
    )


@needs_systemd
@pytest.mark.parametrize(
    "name", [*map(instance, SERVICES), *TIMERS, "citybrain-collect@all.service", "citybrain.target"]
)
def test_systemd_understands_every_line(machine: Path, name: str) -> None:
    done = analyze("verify", "--man=no", f"--root={machine}", name)
    assert (done.stderr, done.returncode) == ("", 0)


@needs_systemd
@pytest.mark.parametrize("name", [instance(name) for name in SERVICES])
def test_every_service_may_do_little(machine: Path, name: str) -> None:
    done = analyze("security", "--no-pager", "--offline=true", f"--threshold={EXPOSURE}", f"--root={machine}", name)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "name",
    ["citybrain-collect@.service", "citybrain-derive.service", "citybrain-rules.service", "citybrain-api.service"],
)
def test_a_process_is_started_again_for_ever(name: str) -> None:
    unit = read(name)
    assert unit["Service"]["Restart"] == "always"
    assert unit["Unit"]["StartLimitIntervalSec"] == "0"
    assert unit["Install"]["WantedBy"] == "citybrain.target"


@pytest.mark.parametrize("name", TIMERS)
def test_every_timer_starts_a_service_that_is_there(name: str) -> None:
    started = read(name)["Timer"].get("Unit", name.replace(".timer", ".service"))
    template = started.partition("@")[0] + "@.service" if "@" in started else started
    assert template in SERVICES


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_stands_in_a_unit(name: str) -> None:
    text = (UNITS / name).read_text()
    assert "_URL=" not in text
    assert "PASSWORD" not in text.upper()


def test_a_backup_that_ends_leaves_the_databases_shared_memory_alone() -> None:
    # Both run as postgres, and RemoveIPC= removes what belongs to a unit's user, whoever made it.
    assert read("citybrain-.service.d/hardening.conf")["Service"]["RemoveIPC"] == "no"


def test_every_secret_and_every_setting_is_one_of_ours() -> None:
    units = "".join((UNITS / name).read_text() for name in SERVICES)
    secrets = set(re.findall(r"^LoadCredential=citybrain_(\w+):/etc/citybrain/secrets/\1$", units, re.MULTILINE))
    assert len(secrets) == len(set(re.findall(r"^LoadCredential=(\S+)", units, re.MULTILINE)))
    names = re.findall(r"^CITYBRAIN_(\w+)=", (UNITS / "citybrain.env").read_text(), re.MULTILINE)
    assert secrets | {name.lower() for name in names} <= set(Settings.model_fields)


@pytest.mark.parametrize("document", ["install", "backup", "upgrade"])
def test_every_unit_that_a_guide_names_is_there(document: str) -> None:
    text = (PROJECT / f"docs/{document}.md").read_text()
    blocks = "".join(re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    named = set(re.findall(r"(?<![\w/.-])(citybrain-[a-z-]+)(?:(@)[\w*]+)?(\.timer)?(?=['\s]|$)", blocks))
    assert named
    assert {f"{name}{at}{timer or '.service'}" for name, at, timer in named} <= {*SERVICES, *TIMERS}
