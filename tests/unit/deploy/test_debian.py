import subprocess
from pathlib import Path

import pytest

from deploy.local import LocalError, debian

ONE_LINE = """
# deb http://commented.example/debian bookworm main
deb cdrom:[Debian GNU/Linux 12]/ bookworm main
deb-src http://mirror.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/debian.gpg] http://mirror.example/debian bookworm main contrib # ours
deb http://mirror.example/debian-security bookworm-security main
deb http://other.example/apt ./
"""

DEB822 = """
# by the installer
Types: deb deb-src
URIs: https://one.example/debian https://two.example/debian
Suites: trixie
 trixie-updates
Components: main contrib
# between two fields
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Types: deb
URIs: https://off.example/debian
Suites: trixie
Components: main
Enabled: no
"""


def test_one_line_sources_give_options_suites_and_components() -> None:
    archives = [source for source in debian.one_line_sources(ONE_LINE) if source.is_archive]
    assert archives == [
        debian.Source("http://mirror.example/debian", "bookworm", ("main", "contrib"), "/usr/share/keyrings/debian.gpg")
    ]


def test_deb822_sources_give_every_pair_of_address_and_suite_but_disabled_ones() -> None:
    sources = list(debian.deb822_sources(DEB822))
    assert [(source.uri, source.suite) for source in sources] == [
        ("https://one.example/debian", "trixie"),
        ("https://one.example/debian", "trixie-updates"),
        ("https://two.example/debian", "trixie"),
        ("https://two.example/debian", "trixie-updates"),
    ]
    assert [source.is_archive for source in sources] == [True, False, True, False]


def test_a_key_inside_the_source_survives_into_the_isolated_one() -> None:
    source = next(debian.deb822_sources(DEB822))
    (again,) = debian.deb822_sources(source.stanza("testing", "amd64"))
    assert again == debian.Source(source.uri, "testing", ("main",), source.signed_by)
    assert "-----BEGIN PGP" in again.signed_by


def test_a_debian_like_system_is_not_debian() -> None:
    (source,) = debian.one_line_sources("deb http://mirror.example/ubuntu noble main")
    assert not source.is_archive


def apt_of(directory: Path, monkeypatch: pytest.MonkeyPatch, sources: str) -> None:
    """Let apt find only these sources."""
    (directory / "sources.list").write_text(sources)
    (directory / "parts").mkdir()
    configuration = directory / "apt.conf"
    configuration.write_text(
        f'Dir::Etc::sourcelist "{directory}/sources.list"; Dir::Etc::sourceparts "{directory}/parts";'
    )
    monkeypatch.setenv("APT_CONFIG", str(configuration))


def test_the_machines_own_sources_are_found_where_apt_is_told_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt_of(tmp_path, monkeypatch, ONE_LINE)
    assert debian.machine_source().uri == "http://mirror.example/debian"


def test_sources_without_debian_are_named_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apt_of(tmp_path, monkeypatch, "deb http://mirror.example/ubuntu noble main\n")
    with pytest.raises(LocalError, match=r"sources\.list.*names a Debian archive.*CITYBRAIN_DATABASE_URL"):
        debian.machine_source()


def test_a_machine_without_apt_is_told_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LocalError, match=r"apt-get is not on this machine.*CITYBRAIN_DATABASE_URL"):
        debian.machine_source()


def test_an_archive_out_of_reach_is_said_so_and_nothing_is_left_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt_of(tmp_path, monkeypatch, "deb http://127.0.0.1:1/debian trixie main\n")
    prefix = tmp_path / "prefix"
    with pytest.raises(LocalError, match="check the network"):
        debian.unpack(["mosquitto"], "trixie", prefix, tmp_path / "work", lambda what, share: None)
    assert not prefix.exists()


def package(directory: Path, name: str) -> Path:
    """A real Debian package of one program with the set-user-ID bit."""
    tree = directory / name
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(
        f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n"
    )
    program = tree / "usr" / "bin" / name
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o4755)
    archive = directory / f"{name}.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", str(tree), str(archive)], check=True)
    return archive


def test_packages_of_a_local_archive_are_unpacked_without_the_set_id_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "archive"
    index = archive / "dists" / "trixie" / "main" / "binary-amd64"
    index.mkdir(parents=True)
    built = package(archive, "thing")
    architecture = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True).stdout.strip()
    index = index.rename(index.with_name(f"binary-{architecture}"))
    digest = subprocess.run(["sha256sum", str(built)], capture_output=True, text=True).stdout.split()[0]
    packages = (
        "Package: thing\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\n"
        f"Filename: {built.name}\nSize: {built.stat().st_size}\nSHA256: {digest}\nDescription: x\n"
    )
    (index / "Packages").write_text(packages)
    listed = subprocess.run(["sha256sum", str(index / "Packages")], capture_output=True, text=True).stdout.split()[0]
    (archive / "dists" / "trixie" / "Release").write_text(
        f"Suite: trixie\nCodename: trixie\nComponents: main\nArchitectures: {architecture} all\n"
        f"SHA256:\n {listed} {len(packages)} main/binary-{architecture}/Packages\n"
    )
    apt_of(tmp_path, monkeypatch, f"deb [trusted=yes] file:{archive} trixie main\n")
    prefix, work = tmp_path / "prefix", tmp_path / "work"
    said: list[str] = []

    debian.unpack(["thing"], "trixie", prefix, work, lambda what, share: said.append(what))

    assert (prefix / "usr/bin/thing").stat().st_mode & 0o7777 == 0o755
    assert not work.exists()
    assert "unpacking Debian packages" in said
