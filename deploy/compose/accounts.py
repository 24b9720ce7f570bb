"""Who may come in to the servers of compose.yaml: `python -m deploy.compose.accounts`, with each start of it.

Our processes get a login of the database and a user of the broker, Grafana a login that sees boards only, Prometheus a
token. Their passwords are files (`deploy.compose.credentials`); a changed one is in force when this has run.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import sql

from citybrain.access import audit, tokens
from citybrain.access.secrets import digest
from citybrain.devices import dynsec
from citybrain.devices.rights import Command
from citybrain.errors import Correctable
from citybrain.settings import secrets_folder, settings
from citybrain.store.connection import Connection
from citybrain.store.sql import read
from deploy.local import addresses

SQL = Path(__file__).with_suffix(".sql")
ACTOR = "compose"

PLATFORM = "platform"  # role and user of our processes at the broker
PLATFORM_RIGHTS = (
    ("publishClientSend", "city/#"),
    ("subscribePattern", "city/#"),
    ("subscribePattern", "$SYS/#"),
)


def broker_commands(password: str) -> list[Command]:
    """What lets our processes in at the broker; that they are in already is no error."""
    acls = [{"acltype": kind, "topic": topic, "priority": 0, "allow": True} for kind, topic in PLATFORM_RIGHTS]
    return [
        {"command": "createRole", "rolename": PLATFORM},
        {"command": "modifyRole", "rolename": PLATFORM, "acls": acls},
        {"command": "createClient", "username": PLATFORM},
        {
            "command": "modifyClient",
            "username": PLATFORM,
            "password": password,
            "roles": [{"rolename": PLATFORM}],
        },
    ]


def let_in(connection: Connection, login: str, password: str, roles: tuple[str, ...], *, only_read: bool) -> None:
    """Make a login of the database, or give it another password, and make it a member of roles."""
    block = read(SQL)
    name = sql.Identifier(login)
    if connection.execute(block["there"], {"login": login}).fetchone() is None:
        connection.execute(sql.SQL(block["make"]).format(login=name))
    verifier = connection.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256")
    connection.execute(sql.SQL(block["let_in"]).format(login=name, verifier=sql.Literal(verifier.decode())))
    members = sql.SQL(", ").join(map(sql.Identifier, roles))
    connection.execute(sql.SQL(block["belong"]).format(login=name, roles=members))
    if only_read:
        connection.execute(sql.SQL(block["only_read"]).format(login=name))


def keep_token(connection: Connection, name: str, secret: str, now: datetime) -> None:
    """Make a token of the role viewer whose secret is given; a change of it is in the audit."""
    values = {"name": name, "hash": digest(secret), "by": ACTOR, "now": now, "expires": now + tokens.LONGEST}
    if connection.execute(read(SQL)["token"], values).fetchone():
        audit.add(connection, audit.Entry(ACTOR, "token.add", f"token {name}", {"role": "viewer"}), now)


def main() -> None:
    """Let everybody in, with the settings and secrets of this process."""
    folder, chosen = secrets_folder(), settings()

    def secret(name: str) -> str:
        return (folder / name).read_text().strip()

    with dynsec.broker(addresses.broker_admin_url(chosen)) as broker:
        broker.do(broker_commands(secret("mosquitto_password")))
    ours = ("citybrain_owner", "citybrain_writer", "citybrain_board", "citybrain_rules")
    with psycopg.connect(addresses.database_url(chosen), connect_timeout=5) as connection:
        let_in(connection, "citybrain", secret("database_password"), ours, only_read=False)
        let_in(connection, "grafana", secret("grafana_database_password"), ("citybrain_board",), only_read=True)
        keep_token(connection, "prometheus", secret("prometheus_token"), datetime.now(UTC))


if __name__ == "__main__":
    try:
        main()
    except (Correctable, OSError, psycopg.Error) as error:
        sys.exit(f"The programs beside ours can't be let in: {error}")
