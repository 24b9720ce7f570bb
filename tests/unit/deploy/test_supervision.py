import signal
import sys
from pathlib import Path

import pytest
from supervisor.options import ServerOptions

from deploy.local.supervision import Program, Supervisor


def test_supervisor_reads_our_configuration_as_we_mean_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "run").mkdir()
    odd = tmp_path / "50 % odd" / "server"
    programs = [
        Program("server", [str(odd), "--url", "x?host=%2Ftmp"], signal.SIGINT, is_server=True),
        Program("worker", ["/bin/worker"]),
        Program("task", ["/bin/task"], is_task=True),
    ]
    supervisor = Supervisor(tmp_path)
    supervisor.write(programs)

    monkeypatch.setattr(sys, "argv", ["supervisord"])
    options = ServerOptions()
    options.realize(["--configuration", str(supervisor.configuration)])
    servers, platform = sorted(options.process_group_configs, key=lambda group: group.priority)

    (server,) = servers.process_configs
    assert server.command == f"'{odd}' --url 'x?host=%2Ftmp'"
    assert (server.stopsignal, server.autostart) == (signal.SIGINT, True)
    worker, task = sorted(platform.process_configs, key=lambda process: process.name, reverse=True)
    assert (worker.stopsignal, worker.autostart, worker.autorestart.__name__) == (
        signal.SIGTERM,
        False,
        "RestartUnconditionally",
    )
    assert task.autorestart.__name__ == "RestartWhenExitUnexpected"


def test_without_a_supervisor_nothing_runs_and_stopping_is_no_error(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path)
    assert not supervisor.running()
    assert supervisor.states() == {}
    supervisor.stop()
