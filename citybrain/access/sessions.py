"""Sessions of people: tries to sign in, which are few, and what a right one begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from psycopg.rows import class_row

from citybrain.access.model import AccessError, Missing
from citybrain.access.secrets import digest, session_secret
from citybrain.store.connection import Connection
from citybrain.store.sql import query

TRIES = 5  # wrong passwords in a row that lock a person out
LOCK = timedelta(minutes=15)

AGENT_CHARACTERS = 200  # of the browser's name that are kept


class NotAdmitted(AccessError):
    """Whoever tries is not let in; the same words for each reason, so that nobody learns who is known here."""

    def __init__(self) -> None:
        minutes = int(LOCK.total_seconds() // 60)
        super().__init__(
            f"Name or password is wrong. After {TRIES} wrong passwords in a row nobody gets in for {minutes} minutes; "
            "an administrator can set a new password.",
            f"用户名或密码不正确。连续输错 {TRIES} 次后将锁定 {minutes} 分钟；管理员可以重设密码。",
        )


class Try(NamedTuple):
    """One of the few tries that a person has; it was counted as wrong until it proves right."""

    person_id: int
    name: str
    password_hash: str
    locks: bool  # it was the last


@dataclass(frozen=True, slots=True)
class Client:
    """The browser that a session is for."""

    address: str
    agent: str


class Session(NamedTuple):
    """A session that lasts; `id` is the beginning of its digest: 8 bytes, by which a person tells them apart."""

    id: str
    created_at: datetime
    expires_at: datetime
    address: str
    agent: str
    present: bool


def attempt(connection: Connection, name: str, now: datetime) -> Try | None:
    """Take one of the tries of a person; None: nobody of that name can sign in with a password now.

    It is counted before the password is looked at, so that many tries at the same moment are no more than few.
    """
    parameters = {"name": name, "now": now, "tries": TRIES, "until": now + LOCK}
    # Not waiting for the disk: else the time that it takes would tell whether the name is known.
    connection.execute(query("access", "without_waiting"))
    with connection.cursor(row_factory=class_row(Try)) as cursor:
        return cursor.execute(query("access", "try_password"), parameters).fetchone()


def admit(connection: Connection, right: Try, renewed: str | None) -> None:
    """Forget the wrong tries of a person whose password was right; `renewed` is its hash with today's parameters.

    Raises:
        NotAdmitted: the password was changed, or the person deactivated, in the meantime.
    """
    parameters = {"id": right.person_id, "seen": right.password_hash, "renewed": renewed}
    if connection.execute(query("access", "password_was_right"), parameters).fetchone() is None:
        raise NotAdmitted


def begin(connection: Connection, person_id: int, client: Client, now: datetime, lasts: timedelta) -> str:
    """Begin a session; its secret, which is nowhere else."""
    secret = session_secret()
    connection.execute(
        query("access", "begin_session"),
        {
            "hash": digest(secret),
            "person": person_id,
            "now": now,
            "expires": now + lasts,
            "address": client.address,
            "agent": client.agent[:AGENT_CHARACTERS],
        },
    )
    return secret


def end(connection: Connection, secret: str) -> None:
    """End the session of that secret, if there is one."""
    connection.execute(query("access", "end_session"), {"hash": digest(secret)})


def end_all(connection: Connection, person_id: int, but: str | None = None) -> None:
    """End all sessions of a person, but the one of the secret `but`."""
    kept = digest(but) if but else None
    connection.execute(query("access", "end_sessions"), {"person": person_id, "but": kept})


def end_by_id(connection: Connection, person_id: int, id: str) -> None:
    """End one of a person's sessions.

    Raises:
        Missing: the person has no session of that id.
    """
    parameters = {"person": person_id, "id": bytes.fromhex(id)}
    if connection.execute(query("access", "end_session_by_id"), parameters).fetchone() is None:
        raise Missing(f"You have no session {id}: it is over already.", f"您没有会话 {id}：它已经结束。")


def of_person(
    connection: Connection,
    person_id: int,
    secret: str,
    now: datetime,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Session]:
    """Sessions of a person that last, the newest first; `present` is the one of `secret`."""
    began, id = after or (None, None)
    parameters = {
        "person": person_id,
        "hash": digest(secret),
        "now": now,
        "after_at": began,
        "after_id": id,
        "limit": limit,
    }
    with connection.cursor(row_factory=class_row(Session)) as cursor:
        return cursor.execute(query("access", "sessions_of_person"), parameters).fetchall()


class Signed(NamedTuple):
    """The person whom the city's single sign-on named."""

    person_id: int
    name: str


def signed_on(connection: Connection, issuer: str, subject: str, name: str) -> Signed | None:
    """The person that is `subject` at the single sign-on `issuer`; None: nobody here.

    Who was added for single sign-on is bound to the first subject that comes with the right name; from then on only the
    subject counts, for names can be given away (OpenID Connect Core, 5.7).
    """
    plain = name.lower() if name.isascii() else ""  # lower() makes a plain k of the sign for kelvin, too
    parameters = {"issuer": issuer, "subject": subject, "name": plain}
    with connection.cursor(row_factory=class_row(Signed)) as cursor:
        known = cursor.execute(query("access", "person_of_subject"), parameters).fetchone()
        if known is not None:
            return known
        return cursor.execute(query("access", "bind_subject"), parameters).fetchone()
