"""The private authority and what it signs."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from citybrain.devices import certificates
from citybrain.devices.certificates import CertificateError

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def load(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_a_server_is_verified_by_name_and_address(tmp_path: Path) -> None:
    files = certificates.make(tmp_path, ["broker.example.org", "10.0.0.5", "::1"], NOW)
    policy = PolicyBuilder().store(Store([load(tmp_path / "ca.crt")])).time(NOW)
    for subject in (x509.DNSName("broker.example.org"), x509.IPAddress(ipaddress.ip_address("10.0.0.5"))):
        assert policy.build_server_verifier(subject).verify(load(files.certificate), [])
    with pytest.raises(x509.verification.VerificationError):
        policy.build_server_verifier(x509.DNSName("other.example.org")).verify(load(files.certificate), [])


def test_keys_are_their_owners_only(tmp_path: Path) -> None:
    files = certificates.make(tmp_path / "tls", ["localhost"], NOW)
    assert {p.name: oct(p.stat().st_mode & 0o777) for p in (tmp_path / "tls").iterdir()} == {
        "ca.crt": "0o644",
        "ca.key": "0o600",
        "server.crt": "0o644",
        "server.key": "0o600",
    }
    assert files.key.parent.stat().st_mode & 0o777 == 0o700


def test_made_anew_the_authority_stays(tmp_path: Path) -> None:
    certificates.make(tmp_path, ["a.example.org"], NOW)
    before, first = (tmp_path / "ca.crt").read_bytes(), load(tmp_path / "server.crt")
    certificates.make(tmp_path, ["a.example.org"], NOW + timedelta(days=300))
    again = load(tmp_path / "server.crt")
    assert (tmp_path / "ca.crt").read_bytes() == before
    assert again.not_valid_after_utc - first.not_valid_after_utc == timedelta(days=300)
    assert again.not_valid_after_utc - again.not_valid_before_utc < timedelta(days=398)


def test_an_authority_that_ends_before_its_certificates_is_not_used(tmp_path: Path) -> None:
    certificates.make(tmp_path, ["localhost"], NOW)
    with pytest.raises(CertificateError, match="too soon"):
        certificates.make(tmp_path, ["localhost"], NOW + timedelta(days=3652 - 396))


@pytest.mark.parametrize("host", ["", "a b", "*", "http://x", "-..-", "x" * 300, "a/b", "a\0b"])
def test_what_is_no_host_is_refused(tmp_path: Path, host: str) -> None:
    with pytest.raises(CertificateError):
        certificates.make(tmp_path, [host], NOW)


def test_a_broken_authority_is_told_in_a_sentence(tmp_path: Path) -> None:
    certificates.make(tmp_path, ["localhost"], NOW)
    (tmp_path / "ca.key").write_text("nonsense")
    with pytest.raises(CertificateError, match="can't be used"):
        certificates.make(tmp_path, ["localhost"], NOW)
