"""Make the project's virtual environment from its lock file: `python3 -m deploy.local.bootstrap [--dev]`.

Runs on a bare system Python with its standard library only. Where that has no pip (Debian's has none), pip
comes from Debian's own package, unpacked privately. A second run with the same lock does nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

from deploy.local import LocalError, debian

PROJECT = Path(__file__).resolve().parents[2]
VENV = PROJECT / ".venv"
PYTHON = VENV / "bin/python"
ROOM = 1_000  # MB: the environment with the developer's tools, and what pip downloads for it
OLDEST_PYTHON = (3, 11)
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")  # where Debian's pip and OpenSSL look

# A script's first line may name its interpreter in no more than 127 bytes; through sh, any path will do.
COMMAND = """#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
import sys
from citybrain.cli import main
sys.exit(main())
"""

PIP_WITH_CERTIFICATES = """
import sys
sys.path.insert(0, {wheel!r})
import pip._vendor.certifi.core
pip._vendor.certifi.core.DEBIAN_CA_CERTS_PATH = {bundle!r}
from pip._internal.cli.main import main
sys.exit(main())
"""


def bootstrap(dev: bool) -> None:
    """Make `.venv` hold what the lock file names, and the project itself, editable.

    Raises:
        LocalError: a tool, the network or room on the disk is missing.
    """
    if sys.version_info < OLDEST_PYTHON:
        raise LocalError(f"Python {sys.version.split()[0]} is too old: run this with Python 3.11 or later.")
    lock = PROJECT / ("requirements-dev.lock" if dev else "requirements.lock")
    # What a developer's environment holds includes what the platform needs.
    enough = {_hash(PROJECT / "requirements-dev.lock"), _hash(lock)}
    stamp = VENV / "lock.sha256"
    if _made_here() and stamp.exists() and stamp.read_text() in enough:
        return
    free = shutil.disk_usage(PROJECT).free // 1_000_000
    if free < ROOM:
        raise LocalError(f"The virtual environment needs {ROOM} MB, the disk of {PROJECT} has {free} MB free.")
    if not _made_here():
        _say(f"Making the virtual environment {VENV}")
        venv.create(VENV, clear=True, symlinks=True)
        _place().write_text(_here())
    stamp.unlink(missing_ok=True)
    _install(lock, _pip())
    _install_project()
    stamp.write_text(_hash(lock))


def _hash(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def _here() -> str:
    """What an environment is bound to: its own path and its interpreter."""
    return f"{VENV} {sys.version}"


def _place() -> Path:
    return VENV / "made-here"


def _made_here() -> bool:
    """Whether the environment was made for this path and interpreter: one that was copied doesn't work."""
    return PYTHON.exists() and _place().exists() and _place().read_text() == _here()


def _pip() -> Path:
    """A wheel of pip: Python's own, the system's, or one unpacked from Debian's package."""
    fetched = VENV / "pip"
    folders = (
        Path(sysconfig.get_path("stdlib")) / "ensurepip/_bundled",
        Path("/usr/share/python-wheels"),
        fetched / "usr/share/python-wheels",
    )
    wheels = [wheel for folder in folders for wheel in folder.glob("pip-*.whl")]
    if wheels:
        return wheels[0]
    _say("Fetching pip from Debian, because this Python has none")
    debian.unpack(["python3-pip-whl"], debian.STABLE, fetched, VENV / "pip.work", lambda what, share: None)
    return next(folders[-1].glob("pip-*.whl"))


def _install(lock: Path, pip: Path) -> None:
    """Install exactly the files whose hashes the lock names; no compiler runs."""
    names = re.findall(r"^([\w.-]+)==", lock.read_text(), re.MULTILINE)
    _say(f"Installing about {len(set(names))} packages of {lock.name}")
    with subprocess.Popen(
        [
            *(*_run_pip(pip), "install", "--require-hashes", "--only-binary", ":all:"),
            *(
                "--no-input",
                "--disable-pip-version-check",
                "--progress-bar",
                "off",
                "--requirement",
                str(lock),
            ),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        said = []
        collected = 0
        for line in process.stdout or ():
            said.append(line)
            if line.startswith("Collecting "):
                collected += 1
                if collected % 10 == 0:
                    _say(f"  {collected} downloaded, now {line.split()[1].partition('=')[0]}")
            elif line.startswith("Installing "):
                _say(f"  unpacking {collected}")
    if process.returncode != 0:
        raise LocalError(
            f"pip could not install {lock.name}: check the network, and run again. It said:\n"
            + "".join(f"  {line}" for line in said[-6:])
        )


def _run_pip(wheel: Path) -> list[str]:
    """What runs pip from its wheel.

    Debian's pip trusts the system's list of authorities. A bare system has none: it gets the list of the
    package that pip's package depends on, which nobody has installed there either.
    """
    unpacked = sorted((VENV / "pip/usr/share/ca-certificates").glob("*/*.crt"))
    if CERTIFICATES.exists() or not unpacked:
        return [str(PYTHON), str(wheel / "pip")]
    bundle = VENV / "pip/certificates.pem"
    bundle.write_bytes(b"\n".join(certificate.read_bytes() for certificate in unpacked))
    return [str(PYTHON), "-c", PIP_WITH_CERTIFICATES.format(wheel=str(wheel), bundle=str(bundle))]


def _install_project() -> None:
    """Make the project importable from where it lies, and its command runnable."""
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(VENV)}))
    (packages / "citybrain.pth").write_text(f"{PROJECT}\n")
    command = VENV / "bin/citybrain"
    command.write_text(COMMAND.format(python=PYTHON))
    command.chmod(0o755)


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the project's virtual environment from its lock file.")
    parser.add_argument("--dev", action="store_true", help="with the tools of a developer")
    try:
        bootstrap(parser.parse_args().dev)
    except LocalError as error:
        sys.exit(str(error))
