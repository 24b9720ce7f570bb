"""compose.yaml as Docker's own tool reads it: it is valid, closed where it should be, and names what there is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from citybrain.cli import app
from citybrain.settings import PROJECT, Settings
from deploy.compose import credentials
from deploy.local import tools

DEPLOY = PROJECT / "deploy"
PROGRAM = "libexec/docker/cli-plugins/docker-compose"
SETUP = "credentials"  # runs before anything else, as whoever gives the command
TASKS = {"migrate", "rules-apply", "accounts", SETUP}

Service = dict[str, Any]


Reading = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def read_compose(tmp_path_factory: pytest.TempPathFactory) -> Reading:
    """Files of deploy/ with all their defaults, as `docker compose config` gives them."""
    program = tools.usr("docker-compose", PROGRAM) / PROGRAM
    environment = {"HOME": str(tmp_path_factory.mktemp("home")), "PATH": os.environ["PATH"]}

    def read(*files: str, profile: str = "none") -> dict[str, Any]:
        named = [word for file in files for word in ("--file", str(DEPLOY / file))]
        command = [str(program), *named, "--profile", profile, "config", "--format", "json"]
        run = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=30)
        assert run.returncode == 0, run.stderr
        assert run.stderr == ""
        found: dict[str, Any] = json.loads(run.stdout)
        return found

    return read


@pytest.fixture(scope="module")
def config(read_compose: Reading) -> dict[str, Any]:
    return read_compose("compose.yaml", profile="*")


@pytest.fixture(scope="module")
def services(config: dict[str, Any]) -> dict[str, Service]:
    found: dict[str, Service] = config["services"]
    return found


@pytest.fixture(scope="module")
def ours(services: dict[str, Service]) -> dict[str, Service]:
    return {name: service for name, service in services.items() if service["image"].startswith("citybrain:")}


def test_every_image_has_a_version(services: dict[str, Service]) -> None:
    for name, service in services.items():
        assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+\.\d+(-[a-z0-9]+)?", service["image"]), name


def test_our_image_has_the_version_of_the_project(ours: dict[str, Service]) -> None:
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    assert {service["image"] for service in ours.values()} == {f"citybrain:{version}"}
    assert f'org.opencontainers.image.version="{version}"' in (DEPLOY / "Containerfile").read_text()


def test_nobody_is_root_or_can_become_more_than_he_is(services: dict[str, Service]) -> None:
    for name, service in services.items():
        assert int(service["user"].partition(":")[0]) > 0, name
        assert service["cap_drop"] == ["ALL"], name
        assert "cap_add" not in service, name
        assert not service.get("privileged"), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["read_only"] is True, name


def test_everybody_has_limits_and_logs_that_end(services: dict[str, Service]) -> None:
    for name, service in services.items():
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}, name
        assert set(service["logging"]["options"]) == {"max-size", "max-file"}, name


def test_who_works_is_restarted_and_has_a_health_check(services: dict[str, Service]) -> None:
    for name, service in services.items():
        if name in TASKS:
            assert service["restart"] == "no", name
            assert service["healthcheck"] == {"disable": True}, name
        else:
            assert service["restart"] in ("unless-stopped", "always"), name
            assert service["healthcheck"]["test"][0] == "CMD", name
            assert "stop_grace_period" in service or service["stop_signal"] == "SIGKILL", name


def test_devices_come_in_from_elsewhere_and_nobody_else(services: dict[str, Service]) -> None:
    opened = [(port["target"], port["host_ip"]) for service in services.values() for port in service.get("ports", [])]
    assert sorted(opened) == [(3000, "127.0.0.1"), (8443, "127.0.0.1"), (8883, "0.0.0.0")]
    assert all("network_mode" not in service for service in services.values())


def test_databases_and_workers_have_no_way_out(config: dict[str, Any], services: dict[str, Service]) -> None:
    assert config["networks"]["inner"]["internal"] is True
    free = {name for name, service in services.items() if set(service["networks"]) != {"inner"}}
    assert free == {"mosquitto", "proxy", "grafana", "api", "rules"}
    # Whoever shares the devices' network could reach the broker's other ports.
    assert [name for name, service in services.items() if "devices" in service["networks"]] == ["mosquitto"]


def test_every_secret_is_a_file_that_the_command_makes(config: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    credentials.make(folder, ["broker.example.org"], datetime.now(UTC))
    made = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    wanted = {
        str(Path(secret["file"]).relative_to(DEPLOY / "compose/secrets")) for secret in config["secrets"].values()
    }
    assert made - wanted == {"tls/ca.crt", "tls/ca.key"}
    assert wanted <= made


def test_every_secret_is_somebodys(config: dict[str, Any], services: dict[str, Service]) -> None:
    given = {secret["source"] for service in services.values() for secret in service.get("secrets", [])}
    assert given == set(config["secrets"])


def test_nothing_secret_stands_in_the_file(services: dict[str, Service]) -> None:
    for name, service in services.items():
        for variable, value in (service.get("environment") or {}).items():
            secret = re.search("PASSWORD|SECRET|TOKEN", variable)
            assert not secret or value.startswith("/run/secrets/"), f"{name}: {variable}"
            assert not re.search(r"://[^/]*:[^/]*@", value), f"{name}: {variable}"


def test_grafana_has_what_its_provisioning_asks_for(services: dict[str, Service]) -> None:
    files = (DEPLOY / "grafana/provisioning").rglob("*.yaml")
    asked = set(re.findall(r"\$(GF_\w+)", "".join(file.read_text() for file in files)))
    given = {name.removesuffix("__FILE") for name in services["grafana"]["environment"]}
    assert asked
    assert asked <= given
    assert asked == {name for name in given if name.startswith("GF_CITYBRAIN_")}


def test_every_setting_is_one(ours: dict[str, Service]) -> None:
    known = {f"CITYBRAIN_{name.upper()}" for name in Settings.model_fields}
    for service in ours.values():
        settings = {name for name in service["environment"] if name.startswith("CITYBRAIN_")}
        files = {Path(secret["target"]).name.upper() for secret in service.get("secrets", [])}
        assert settings | {name for name in files if name.startswith("CITYBRAIN_")} <= known


def test_every_command_is_one(ours: dict[str, Service]) -> None:
    for name, service in ours.items():
        words = service["command"]
        if service["entrypoint"]:
            module = re.search(r"deploy\.compose\.(\w+)", " ".join(service["entrypoint"]))
            if module:
                assert (DEPLOY / "compose" / f"{module[1]}.py").is_file(), name
                continue
            shell = re.match(r"citybrain ([a-z ]+) &&", service["entrypoint"][-1])
            assert shell, name
            words = shell[1].split()
        command: Any = typer.main.get_command(app)
        while words and words[0] in getattr(command, "commands", {}):
            command, words = command.commands[words[0]], words[1:]
        assert not hasattr(command, "commands"), f"{name}: {service['command']} is no command"
        options = {option for one in command.params for option in one.opts}
        assert {word for word in words if word.startswith("--")} <= options, name


def test_what_is_mounted_is_there(services: dict[str, Service]) -> None:
    for name, service in services.items():
        for volume in service.get("volumes", []):
            if volume["type"] == "bind":
                assert Path(volume["source"]).exists(), f"{name}: {volume['source']}"
                assert volume.get("read_only") or name == SETUP, name


def test_prometheus_scrapes_who_is_there(services: dict[str, Service]) -> None:
    told = [
        target
        for file in (DEPLOY / "prometheus/compose").glob("*.yml")
        for group in yaml.safe_load(file.read_text()) or ()
        for target in group["targets"]
    ]
    hosts = {target.partition(":")[0] for target in told}
    assert hosts - {"127.0.0.1"} <= set(services)
    workers = {name for name, one in services.items() if "CITYBRAIN_METRICS_PORT" in (one.get("environment") or {})}
    assert {f"{name}:9201" for name in workers} <= set(told)
    assert "api:8000" in told


def test_every_variable_of_the_machine_is_documented() -> None:
    used = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", (DEPLOY / "compose.yaml").read_text()))
    documented = dict(
        re.findall(r"^\| `([A-Z_]+)` \| `?([^|`]*)`? \|", (PROJECT / "docs/containers.md").read_text(), re.MULTILINE)
    )
    assert documented == used | {"CATALOGUE": "the project", "GRAFANA_WEBHOOK": "nobody"}


def test_collectors_of_regions_take_the_place_of_those_of_the_city(read_compose: Reading) -> None:
    services = read_compose("compose.yaml", "compose/by-region.yaml")["services"]
    collectors = {
        name: one["command"] for name, one in services.items() if (one.get("command") or [""])[0] == "collect"
    }
    assert {tuple(command) for command in collectors.values()} == {
        ("collect", "--region", "150802"),
        ("collect", "--region", "150821"),
    }
    assert len(collectors) == 4
    assert all(services[name]["secrets"] for name in collectors)
