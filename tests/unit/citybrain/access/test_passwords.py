"""Which passwords are refused, and how they are kept."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from citybrain.access import passwords
from citybrain.access.model import AccessError


@pytest.mark.parametrize(
    "password",
    [
        "",
        "eleven char",
        "Password1234",
        "123456789012",
        "wang.xiaoming",
        "WANG.XIAOMING",
        "wang.xiaomingwang.xiaoming",
        "密" * 342,
        "ﬃ" * 3,  # ligatures: nine letters
    ],
)
def test_what_is_guessed_at_once_is_refused(password: str) -> None:
    if password == "ﬃ" * 3:
        assert len(password) == 3
    with pytest.raises(AccessError) as refused:
        passwords.check(password, "wang.xiaoming")
    assert password not in str(refused.value) or not password


@pytest.mark.parametrize("password", ["twelve chars", "一句话比几个符号更容易记住", "wang.xiaoming at sea", "密" * 341])
def test_a_sentence_will_do(password: str) -> None:
    passwords.check(password, "wang.xiaoming")


def test_those_that_we_make_will_do_and_differ() -> None:
    made = {passwords.make() for _ in range(1000)}

    assert len(made) == 1000
    assert not any(set(password) & set("01lo") for password in made)
    for password in made:
        passwords.check(password, "admin")


def test_a_hash_is_of_argon2id_as_rfc_9106_has_it_for_little_memory() -> None:
    kept = passwords.hashed("twelve chars")

    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.matches(kept, "twelve chars")
    assert not passwords.matches(kept, "Twelve chars")
    assert passwords.renewed(kept, "twelve chars") is None


def test_each_way_of_typing_is_the_same_password() -> None:
    composed, apart = "caf\u00e9 at the sea", "cafe\u0301 at the sea"

    assert passwords.matches(passwords.hashed(composed), apart)


@pytest.mark.parametrize("kept", [None, "", "x", "$argon2id$broken"])
def test_without_a_hash_nothing_matches(kept: str | None) -> None:
    assert not passwords.matches(kept, "twelve chars")


def test_a_hash_of_other_parameters_is_made_anew() -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("twelve chars")

    renewed = passwords.renewed(old, "twelve chars")

    assert renewed is not None
    assert passwords.matches(renewed, "twelve chars")


def test_all_common_ones_are_long_enough_to_be_worth_listing() -> None:
    assert all(len(password) >= passwords.SHORTEST for password in passwords.COMMON)
    assert all(password == password.casefold() for password in passwords.COMMON)
