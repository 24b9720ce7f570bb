"""A private certificate authority, for a pilot: its certificate for devices, and one for our servers."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from citybrain.errors import Correctable
from citybrain.settings import Settings

AUTHORITY_LIFE = timedelta(days=3652)  # ten years
SERVER_LIFE = timedelta(days=397)  # less than 398: CA/Browser Forum, Baseline Requirements 6.3.2, as of 2020
AHEAD = timedelta(hours=1)  # certificates begin so long ago, for devices whose clock is slow
CURVE = ec.SECP256R1()


class CertificateError(Correctable):
    """No certificate can be made or used; the text says why."""


@dataclass(frozen=True, slots=True)
class Files:
    """What a server shows (PEM, with its chain) and its private key."""

    certificate: Path
    key: Path


def folder(settings: Settings) -> Path:
    """Where our own authority and its certificates are."""
    return settings.runtime_dir / "tls"


def served(settings: Settings) -> Files:
    """What our servers show: the files that the settings name, or those of our own authority."""
    own = folder(settings)
    return Files(settings.tls_certificate or own / "server.crt", settings.tls_key or own / "server.key")


def make(directory: Path, hosts: Sequence[str], now: datetime) -> Files:
    """Make a certificate of a server that is reached as `hosts`, names or addresses.

    The authority in `directory` (`ca.crt`, `ca.key`) is kept where there is one, so that devices that trust it go on
    doing so.

    Raises:
        CertificateError: a host can't be one, or the authority can't be used.
    """
    names = [_name(host) for host in hosts]
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority, authority_key = _authority(directory, now)
    if authority.not_valid_after_utc < now + SERVER_LIFE:
        raise CertificateError(
            f"The authority in {directory} ends on {authority.not_valid_after_utc:%Y-%m-%d}, too soon: move the folder "
            "away for a new one, and have devices trust it."
        )
    key = ec.generate_private_key(CURVE)
    certificate = (
        _builder(hosts[0], authority.subject, key, now, SERVER_LIFE)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    files = Files(directory / "server.crt", directory / "server.key")
    _write(files.key, _pem(key), secret=True)
    _write(files.certificate, certificate.public_bytes(serialization.Encoding.PEM))
    return files


def _authority(directory: Path, now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    certificate, key = directory / "ca.crt", directory / "ca.key"
    if certificate.exists() or key.exists():
        try:
            held = serialization.load_pem_private_key(key.read_bytes(), None)
            known = x509.load_pem_x509_certificate(certificate.read_bytes())
        except (OSError, ValueError, TypeError) as error:
            raise CertificateError(f"The authority in {directory} can't be used: {error}.") from error
        if not isinstance(held, ec.EllipticCurvePrivateKey) or known.public_key() != held.public_key():
            raise CertificateError(f"{key} is not the key of {certificate}.")
        return known, held
    made = ec.generate_private_key(CURVE)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"citybrain private authority {now:%Y-%m-%d}")])
    signed = (
        _builder(None, name, made, now, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(made, hashes.SHA256())
    )
    _write(key, _pem(made), secret=True)
    _write(certificate, signed.public_bytes(serialization.Encoding.PEM))
    return signed, made


def _builder(
    host: str | None, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    """A certificate of `host`, or None: of the issuer itself."""
    # A common name has 64 characters at most (RFC 5280, ub-common-name-length); names are in the alternative names.
    subject = issuer if host is None else x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - AHEAD)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        ascii_name = host.encode("idna").decode()
    except UnicodeError:
        ascii_name = ""
    labels = ascii_name.split(".")
    if not all(label and label.replace("-", "a").isalnum() and len(label) <= 63 for label in labels):
        raise CertificateError(f"{host!r} is not the name or address of a host.")
    return x509.DNSName(ascii_name)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes, *, secret: bool = False) -> None:
    """Write a file whole or not at all; a secret one is its owner's only."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644), "wb") as file:
        file.write(content)
    fresh.replace(path)
