"""Unpack Debian packages into a private directory; nothing of the system is read but its apt sources.

Needs the standard library only: it runs before any virtual environment exists.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local import LocalError, Report

STABLE = "trixie"
TESTING = "testing"
DEBIAN_SUITES = (
    *("oldoldstable", "oldstable", "stable", "testing", "unstable", "sid"),
    *("bullseye", "bookworm", "trixie", "forky", "duke"),
)
ELSEWHERE = "Set CITYBRAIN_DATABASE_URL and CITYBRAIN_MQTT_URL to servers of your own: docs/operations.md."


@dataclass(frozen=True)
class Source:
    """Where the machine takes its Debian packages from, and how it knows that they are genuine."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str = ""
    trusted: str = ""

    @property
    def is_archive(self) -> bool:
        """Whether this is Debian's main archive (not its security updates, nor somebody else's packages)."""
        return self.suite in DEBIAN_SUITES and "main" in self.components and not self.uri.startswith("cdrom:")

    def stanza(self, suite: str, architecture: str) -> str:
        """An apt source (deb822) for another suite of the same archive, its package index only."""
        fields = {
            "Types": "deb",
            # apt reads `file:` packages where they are; these are to lie with the others.
            "URIs": re.sub("^file:", "copy:", self.uri),
            "Suites": suite,
            "Components": "main",
            "Architectures": architecture,
            "Targets": "Packages",
            "Signed-By": self.signed_by,
            "Trusted": self.trusted,
        }
        return "".join(f"{name}: {value}\n" for name, value in fields.items() if value)


def one_line_sources(text: str) -> Iterator[Source]:
    """The sources of a `sources.list`: `deb [option=value ...] uri suite component ...`, one a line."""
    for line in text.splitlines():
        found = re.match(r"\s*deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<rest>[^#]+)", line)
        words = found["rest"].split() if found else []
        if not found or len(words) < 2:
            continue
        options = dict(option.partition("=")[::2] for option in (found["options"] or "").split())
        yield Source(words[0], words[1], tuple(words[2:]), options.get("signed-by", ""), options.get("trusted", ""))


def deb822_sources(text: str) -> Iterator[Source]:
    """The sources of a `.sources` file: stanzas of `Field: value`, where a line with an indent goes on."""
    kept = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", kept):
        fields = {
            name.lower(): value.strip()
            for name, value in re.findall(r"^([\w-]+):((?:.*)(?:\n[ \t].*)*)", stanza, re.MULTILINE)
        }
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() == "no":
            continue
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield Source(
                    uri,
                    suite,
                    tuple(fields.get("components", "").split()),
                    fields.get("signed-by", ""),
                    fields.get("trusted", ""),
                )


def machine_source() -> Source:
    """The Debian archive that this machine itself uses.

    Raises:
        LocalError: there is no apt here, or its sources name no Debian archive.
    """
    for program in ("apt-get", "apt-config", "dpkg", "dpkg-deb"):
        if shutil.which(program) is None:
            raise LocalError(f"{program} is not on this machine, so the private servers can't be fetched. {ELSEWHERE}")
    answer = _output("apt-config", "shell", "LIST", "Dir::Etc::sourcelist/f", "PARTS", "Dir::Etc::sourceparts/d")
    places = dict(word.partition("=")[::2] for word in shlex.split(answer))
    parts = Path(places.get("PARTS", "/etc/apt/sources.list.d"))
    files = [Path(places.get("LIST", "/etc/apt/sources.list")), *sorted(parts.glob("*"))]
    for file in files:
        parse = {".list": one_line_sources, ".sources": deb822_sources}.get(file.suffix)
        if parse is None or not file.is_file():
            continue
        try:
            text = file.read_text(errors="replace")
        except PermissionError:
            continue
        for source in parse(text):
            if source.is_archive:
                return source
    raise LocalError(
        f"No source in {files[0]} or {parts} names a Debian archive (a suite such as trixie, with main), "
        f"so the private servers can't be fetched. {ELSEWHERE}"
    )


def unpack(packages: Sequence[str], suite: str, prefix: Path, work: Path, report: Report) -> None:
    """Fetch packages of a suite with all that they depend on, and unpack them below `prefix`.

    apt works on lists, a cache and an empty package database of its own, below `work`, with the machine's
    other settings (proxies, credentials). It verifies what it fetches and goes on where a run was
    interrupted. `work` is removed at the end.

    Raises:
        LocalError: no apt, no network, no room, no such package.
    """
    apt = _isolated_apt(suite, work)
    report(f"reading the package list of Debian {suite}", 0.0)
    _run_apt([*apt, "-o", "APT::Update::Error-Mode=any", "update"], report)
    _run_apt([*apt, "autoclean"], report)
    _run_apt([*apt, "install", "--yes", "--no-install-recommends", "--download-only", *packages], report)
    archives = sorted((work / "archives").glob("*.deb"))
    # A prefix without its stamp is the half of an interrupted run; packages unpack over nothing only.
    shutil.rmtree(prefix, ignore_errors=True)
    prefix.mkdir()
    for number, archive in enumerate(archives):
        report("unpacking Debian packages", number / len(archives))
        _unpack_one(archive, prefix)
    _clear_set_id(prefix)
    shutil.rmtree(work)


def _isolated_apt(suite: str, work: Path) -> list[str]:
    """Write apt's own small world below `work`; returns the command that uses it."""
    for directory in ("lists/partial", "archives/partial"):
        (work / directory).mkdir(parents=True, exist_ok=True)
    source = machine_source()
    sources = work / "archive.sources"
    sources.touch(mode=0o600)  # an archive's address may carry a password
    sources.write_text(source.stanza(suite, _output("dpkg", "--print-architecture").strip()))
    (work / "status").touch()
    configuration = work / "apt.conf"
    configuration.write_text(
        f"""
Dir::State "{work}";
Dir::State::lists "{work}/lists";
Dir::State::status "{work}/status";
Dir::Cache "{work}";
Dir::Cache::archives "{work}/archives";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
Dir::Etc::sourcelist "{sources}";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Default-Release "";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
"""
    )
    # Given by -c this file is read after the machine's own configuration, so that it has the last word.
    return ["apt-get", "-c", str(configuration), "--quiet"]


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _run_apt(command: list[str], report: Report) -> None:
    """Run apt-get, pass its progress on, and turn its failure into a sentence."""
    read_end, write_end = os.pipe()
    with subprocess.Popen(
        [*command, "-o", f"APT::Status-Fd={write_end}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        pass_fds=(write_end,),
    ) as process:
        os.close(write_end)
        with os.fdopen(read_end) as progress:
            for line in progress:
                # dlstatus:number:percent:text
                kind, _, rest = line.partition(":")
                fields = rest.split(":", 2)
                if kind == "dlstatus" and len(fields) == 3:
                    report("downloading Debian packages", float(fields[1]) / 100)
        errors = process.stderr.read() if process.stderr else ""
    if process.returncode != 0:
        raise LocalError(_explanation(errors))


def _explanation(errors: str) -> str:
    """What apt's messages mean, and what to do."""
    causes = {
        r"NO_PUBKEY|not signed|Missing key": "The archive's signature can't be checked: "
        "install a newer debian-archive-keyring.",
        r"expired|not valid yet": "The archive's index and this machine's clock disagree: check the clock.",
        r"No space left|enough free space": "The disk is full: make room and run again, it goes on there.",
        r"Unable to locate package|no installation candidate|unmet dependencies": "The machine's Debian "
        f"archive lacks a package. {ELSEWHERE}",
        r"resol|connect|timed out|unreachable|Failed to fetch": "The machine's Debian archive can't be "
        f"reached: check the network and apt's proxy, and run again, it goes on there. {ELSEWHERE}",
    }
    advice = next((text for pattern, text in causes.items() if re.search(pattern, errors)), ELSEWHERE)
    said = "\n".join(f"  {line}" for line in errors.strip().splitlines()[-4:])
    return f"apt-get could not fetch the private servers. {advice}\nIt said:\n{said}"


def _unpack_one(archive: Path, prefix: Path) -> None:
    done = subprocess.run(
        ["dpkg-deb", "--extract", str(archive), str(prefix)], capture_output=True, text=True, umask=0o022
    )
    if done.returncode != 0:
        archive.unlink()
        raise LocalError(
            f"{archive.name} could not be unpacked below {prefix}: {done.stderr.strip()} "
            "It is removed; check the room on the disk and run again."
        )


def _clear_set_id(prefix: Path) -> None:
    """Take the set-user-ID and set-group-ID bits away: nothing here runs with another's rights."""
    for path in prefix.rglob("*"):
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode) and mode & (stat.S_ISUID | stat.S_ISGID):
            path.chmod(stat.S_IMODE(mode) & 0o777)
