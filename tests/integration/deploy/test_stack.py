"""`up` and `down` with the real servers, and with stand-ins for our own processes."""

import os
import shutil
import signal
import socket
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from citybrain.settings import PROJECT, Settings, settings
from deploy.local import LocalError, addresses, processes, runtime, stack
from deploy.local.supervision import Supervisor

STUB = Path(__file__).with_name("stub_command.py")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    """A runtime with nothing but the fetched programs, moved there from elsewhere."""

    def quiet(what: str, share: float = 0.0) -> None:
        """Tell nobody."""

    place = runtime.prepare(settings().runtime_dir, quiet)
    runtime.postgresql(place, quiet)
    runtime.mosquitto(place, quiet, quiet)
    with tempfile.TemporaryDirectory(prefix="cb-", dir="/var/tmp", ignore_cleanup_errors=True) as name:
        root = Path(name)
        root.chmod(0o755)
        shutil.copytree(place.root / "prefix", root / "prefix", symlinks=True, copy_function=_link_or_copy)
        yield root


@pytest.fixture
def platform(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings of a platform that has no data yet."""
    command = tmp_path / "citybrain"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} {STUB} "$@"\n')
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(stack, "CITYBRAIN", str(command))
    monkeypatch.setattr(stack, "DEMO", (str(command), "simulate"))
    chosen = Settings(runtime_dir=root, http_port=free_port(), mqtt_port=free_port(), database_url="", mqtt_url="")
    monkeypatch.setenv("CITYBRAIN_HTTP_PORT", str(chosen.http_port))
    try:
        yield chosen
    finally:
        stack.down(chosen)
        for left in root.iterdir():
            if left.is_dir() and left.name != "prefix":
                shutil.rmtree(left)
            elif left.is_file():
                left.unlink()


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def starts(chosen: Settings) -> int:
    with psycopg.connect(addresses.database_url(chosen)) as connection:
        row = connection.execute("select count(*) from start").fetchone()
    assert row is not None
    return int(row[0])


def leftovers(chosen: Settings) -> list[int]:
    mark = f"unix://{chosen.runtime_dir}/run/supervisor.sock"
    return processes.with_environment("SUPERVISOR_SERVER_URL", mark)


def test_up_down_and_up_again_keeps_the_data_and_leaves_no_process(
    platform: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.up(platform, detach=True, demo=True)
    assert "sign in as admin / a password" in capsys.readouterr().out
    assert not [log for log in (platform.runtime_dir / "log").iterdir() if b"a password" in log.read_bytes()]
    assert set(stack.status(platform).values()) == {"RUNNING"}
    assert set(stack.status(platform)) == {"postgres", "mosquitto", "collector", "derive", "rules", "api", "demo"}
    log = (platform.runtime_dir / "log" / "collector.log").read_text()
    assert addresses.collector_url(platform) in log

    stack.down(platform)
    assert stack.status(platform) == {}
    assert leftovers(platform) == []
    assert "stopped in order" in (platform.runtime_dir / "log" / "collector.log").read_text()

    began = time.monotonic()
    stack.up(platform, detach=True, demo=False)
    assert time.monotonic() - began < 15  # seconds: what the README promises
    assert "demo" not in stack.status(platform)
    assert starts(platform) == 2


def test_up_when_up_leaves_it_alone(platform: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    stack.up(platform, detach=True, demo=False)
    stack.up(platform, detach=True, demo=False)
    assert "already up" in capsys.readouterr().out
    assert starts(platform) == 1


def test_rules_with_mistakes_are_said_and_stop_nothing(
    platform: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUB_MISTAKE", "domains/water/rules.yaml:3:5: unknown key rasie")
    stack.up(platform, detach=True, demo=False)
    shown = capsys.readouterr().out
    assert "not in force" in shown
    assert "unknown key rasie" in shown
    assert stack.status(platform)["rules"] == "RUNNING"


def test_after_a_killed_supervisor_up_clears_and_starts(platform: Settings) -> None:
    stack.up(platform, detach=True, demo=False)
    (supervisor,) = [
        pid
        for pid in processes.of_program(Path(sys.executable).resolve(), PROJECT)
        if str(platform.runtime_dir) in Path(f"/proc/{pid}/cmdline").read_text()
        and "supervisord" in Path(f"/proc/{pid}/cmdline").read_text()
    ]
    os.kill(supervisor, signal.SIGKILL)
    assert leftovers(platform)
    stack.up(platform, detach=True, demo=False)
    assert starts(platform) == 2
    stack.down(platform)
    assert leftovers(platform) == []


def test_a_process_that_keeps_ending_is_shown_with_its_reason_and_all_is_stopped(
    platform: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUB_BROKEN", "api")
    with pytest.raises(LocalError, match=r"api keeps ending(?s:.*)the reason stands here"):
        stack.up(platform, detach=True, demo=False)
    assert not Supervisor(platform.runtime_dir).running()
    assert leftovers(platform) == []


@pytest.mark.parametrize("name", ["http_port", "mqtt_port"])
def test_a_port_in_use_is_named_with_its_setting(platform: Settings, name: str) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", getattr(platform, name)))
        holder.listen()
        with pytest.raises(LocalError, match=f"Port {getattr(platform, name)} .*CITYBRAIN_{name.upper()}"):
            stack.up(platform, detach=True, demo=False)
    assert stack.status(platform) == {}


def test_servers_that_the_settings_name_are_used_and_not_started(platform: Settings) -> None:
    stack.up(platform, detach=True, demo=False)
    url = addresses.database_url(platform)
    with tempfile.TemporaryDirectory(prefix="cb-", dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        other = platform.model_copy(
            update={
                "runtime_dir": Path(name),
                "database_url": url,
                "mqtt_url": addresses.mqtt_url(platform),
                "http_port": free_port(),
            }
        )
        os.environ["CITYBRAIN_HTTP_PORT"] = str(other.http_port)  # put back by the fixture's monkeypatch
        try:
            stack.up(other, detach=True, demo=False)
            assert set(stack.status(other)) == {"collector", "derive", "rules", "api"}
            assert not (Path(name) / "prefix").exists()
            assert starts(platform) == 2
        finally:
            stack.down(other)
    assert stack.status(platform)["postgres"] == "RUNNING"
