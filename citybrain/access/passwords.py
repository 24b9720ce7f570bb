"""Passwords of people: what is refused, and the hash that is kept.

Hashes are Argon2id with the parameters that RFC 9106 (4, second recommended option) gives for little memory, which are
the library's own: 64 MiB, three passes, four lanes. A hash made with others is made anew when its person signs in.
"""

from __future__ import annotations

import secrets
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from citybrain.access.model import AccessError

# Length is what counts, not which kinds of characters: NIST SP 800-63B, 5.1.1.2.
SHORTEST = 12  # characters
LONGEST = 1024  # bytes in UTF-8, so that nobody has us hash a novel

# Of the commonest passwords and walks over the keyboard, those that are long enough.
COMMON = frozenset(
    {
        "000000000000",
        "111111111111",
        "123123123123",
        "123456123456",
        "123456789000",
        "123456789012",
        "1234567890123",
        "12345678901234567890",
        "1q2w3e4r5t6y",
        "1qaz2wsx3edc",
        "1qaz2wsx3edc4rfv",
        "666666666666",
        "888888888888",
        "abcd12345678",
        "abcdefghijkl",
        "adminadminadmin",
        "administrator",
        "asdfghjkl123",
        "changeme1234",
        "iloveyou1234",
        "letmeinletmein",
        "password1234",
        "password12345",
        "passwordpassword",
        "qazwsxedcrfv",
        "qwerty123456",
        "qwertyuiop12",
        "qwertyuiop123",
        "qwertyuiopasdf",
        "woaini1314520",
        "woaini5201314",
        "zxcvbnm12345",
    }
)

# Letters and digits that are not mistaken for one another when they are copied by hand.
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 5, 5  # 25 characters of 5 bits each

_hasher = PasswordHasher()


def check(password: str, name: str) -> None:
    """Refuse a password that is guessed at once.

    Args:
        password: that somebody chose.
        name: of the person whose it shall be.

    Raises:
        AccessError: it is too short, too long, the name, or among the commonest.
    """
    if len(_normal(password)) < SHORTEST:
        raise AccessError(
            f"The password is too short: take {SHORTEST} characters or more; a sentence is easy to remember.",
            f"密码太短：至少 {SHORTEST} 个字符；一句话更容易记住。",
        )
    if len(_normal(password).encode()) > LONGEST:
        raise AccessError(f"The password is too long: {LONGEST} bytes at most.", f"密码太长：最多 {LONGEST} 个字节。")
    folded = _normal(password).casefold()
    if folded in COMMON or not folded.replace(name.casefold(), ""):
        raise AccessError(
            "The password is among the first that anybody would try: take another.",
            "该密码太常见，极易被猜中：请换一个。",
        )


def make() -> str:
    """A random password, such as a machine gives to a person once."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))


def hashed(password: str) -> str:
    """What is kept of a password. Takes a tenth of a second and 64 MiB."""
    return _hasher.hash(_normal(password))


def matches(kept: str | None, password: str) -> bool:
    """Whether `kept` is the hash of `password`; takes as long where there is no hash, and is false."""
    try:
        return _hasher.verify(kept or _nobodys(), _normal(password)) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def renewed(kept: str, password: str) -> str | None:
    """The hash of a password that was right, if `kept` was made with other parameters than today's; else None."""
    return hashed(password) if _hasher.check_needs_rehash(kept) else None


@cache
def _nobodys() -> str:
    """The hash of a password that nobody knows."""
    return hashed(make())


def _normal(password: str) -> str:
    """The same for each way of typing the same characters: NIST SP 800-63B, 5.1.1.2."""
    return unicodedata.normalize("NFKC", password)
