import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import LocalError, bootstrap


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two locks and an environment that was made for it."""
    monkeypatch.setattr(bootstrap, "PROJECT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "PYTHON", tmp_path / ".venv/bin/python")
    (tmp_path / "requirements.lock").write_text("")
    (tmp_path / "requirements-dev.lock").write_text("# more\n")
    return tmp_path


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pip that finds nothing to do, for what is not about pip: its start takes a second."""
    monkeypatch.setattr(bootstrap, "_run_pip", lambda wheel: ["true"])


def test_an_empty_lock_makes_an_environment_whose_command_runs_the_project(project: Path) -> None:
    (project / "citybrain").mkdir()
    (project / "citybrain" / "cli.py").write_text("import sys\ndef main():\n    print('ran', *sys.argv[1:])\n")
    bootstrap.bootstrap(dev=False)
    done = subprocess.run([str(project / ".venv/bin/citybrain"), "a b"], capture_output=True, text=True, check=True)
    assert done.stdout == "ran a b\n"


@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize(("installed", "wanted"), [(False, False), (True, True), (True, False)])
def test_a_finished_environment_is_left_alone(
    project: Path, installed: bool, wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    bootstrap.bootstrap(dev=installed)
    monkeypatch.setattr(bootstrap, "_say", lambda text: pytest.fail(f"it did something: {text}"))
    bootstrap.bootstrap(dev=wanted)


@pytest.mark.usefixtures("idle")
def test_a_changed_lock_and_the_developers_lock_are_installed(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bootstrap.bootstrap(dev=False)
    (project / "requirements.lock").write_text("# changed\n")
    bootstrap.bootstrap(dev=False)
    bootstrap.bootstrap(dev=True)
    said = capsys.readouterr().out
    assert said.count("Making the virtual environment") == 1
    assert said.count("requirements.lock") == 2
    assert said.count("requirements-dev.lock") == 1


@pytest.mark.usefixtures("idle")
def test_an_environment_that_was_copied_here_is_made_anew(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bootstrap.bootstrap(dev=False)
    (project / ".venv" / "made-here").write_text(f"/elsewhere/.venv {sys.version}")
    bootstrap.bootstrap(dev=False)
    assert capsys.readouterr().out.count("Making the virtual environment") == 2


def test_a_lock_that_cannot_be_installed_is_not_marked_as_done(project: Path) -> None:
    (project / "requirements.lock").write_text("citybrain-no-such-package @ file:///nowhere.whl --hash=sha256:00\n")
    with pytest.raises(LocalError, match=r"could not install requirements\.lock"):
        bootstrap.bootstrap(dev=False)
    assert not (project / ".venv" / "lock.sha256").exists()
