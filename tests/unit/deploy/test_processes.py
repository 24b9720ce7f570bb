import signal
import subprocess
import sys
import time
from pathlib import Path

from deploy.local import processes

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
)


def sleeper(directory: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["/bin/sleep", "60"], cwd=directory, env={"MARK": str(directory)})


def real(program: str) -> Path:
    return Path(program).resolve()


def test_only_the_same_program_in_the_same_directory_is_found(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with sleeper(tmp_path / "a") as first, sleeper(tmp_path / "b") as second:
        time.sleep(0.1)
        assert processes.of_program(real("/bin/sleep"), tmp_path / "a") == [first.pid]
        assert processes.of_program(real("/bin/cat"), tmp_path / "a") == []
        first.kill()
        second.kill()


def test_a_process_is_found_by_the_whole_value_of_its_variable(tmp_path: Path) -> None:
    with sleeper(tmp_path) as process:
        time.sleep(0.1)
        assert processes.with_environment("MARK", str(tmp_path)) == [process.pid]
        assert processes.with_environment("MARK", str(tmp_path)[:-1]) == []
        process.kill()


def test_a_process_that_ignores_the_request_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        processes.end([process.pid], signal.SIGTERM, patience=0.2)
        assert process.wait(5) == -signal.SIGKILL


def test_a_process_that_ends_on_request_is_not_killed(tmp_path: Path) -> None:
    with sleeper(tmp_path) as process:
        started = time.monotonic()
        processes.end([process.pid], signal.SIGTERM, patience=10)
        assert process.wait(5) == -signal.SIGTERM
        assert time.monotonic() - started < 5


def test_processes_that_are_gone_are_no_error() -> None:
    with subprocess.Popen(["/bin/true"]) as process:
        process.wait()
    processes.end([process.pid], signal.SIGTERM, patience=1)
