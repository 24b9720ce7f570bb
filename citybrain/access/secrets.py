"""Secrets that we make: random, told once, kept as a digest."""

from __future__ import annotations

import hashlib
import secrets

SECRET_BYTES = 32  # of randomness, so that a plain digest can't be guessed back

TOKEN_PREFIX = "cbt_"  # noqa: S105  lets secret scanners find a token that leaked; the secret follows it


def session_secret() -> str:
    """A new secret of a session."""
    return secrets.token_urlsafe(SECRET_BYTES)


def token_secret() -> str:
    """A new secret of a token."""
    return TOKEN_PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def digest(secret: str) -> bytes:
    """What is kept of a secret: its SHA-256, 32 bytes."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
