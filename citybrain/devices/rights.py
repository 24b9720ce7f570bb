"""What a device may do at the broker, in the words of Mosquitto's dynamic-security plugin. Pure.

A device is a client of the broker with the user name `REGION/DOMAIN/NAME`, as in its topics, and a role of that name.
It may publish one level below its own topic, and read nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

Command = dict[str, Any]
Key = tuple[str, str, str]
"""Region, domain and name of a device."""

NAME_LENGTH = 128  # characters of a device's name at most, as in its topics
# A name that a spreadsheet takes for a formula is not one that is told in a CSV file.
FORMULA = ("=", "+", "-", "@")
# The broker puts the client's id or user name in their place: such a device could publish for any other beside it.
PLACEHOLDERS = ("%c", "%u")

ANONYMOUS = "anonymous"  # group and role of clients without a name
DENY_PRIORITY = 10  # above the 1 of what the role allows, so that it is looked at first
ALERTS = "city/+/+/alert"

# What a broker begins with: nobody has credentials. Without a name one publishes for any device, and reads alerts.
EMPTY_BROKER: Mapping[str, Any] = {
    "defaultACLAccess": {
        "publishClientSend": False,
        "publishClientReceive": True,  # of what one could subscribe to
        "subscribe": False,
        "unsubscribe": True,
    },
    "clients": [],
    "groups": [{"groupname": ANONYMOUS, "roles": [{"rolename": ANONYMOUS}]}],
    "anonymousGroup": ANONYMOUS,
    "roles": [
        {
            "rolename": ANONYMOUS,
            "acls": [
                {"acltype": "publishClientSend", "topic": ALERTS, "priority": 100, "allow": False},
                {"acltype": "publishClientSend", "topic": "city/#", "priority": 1, "allow": True},
                {"acltype": "subscribePattern", "topic": ALERTS, "priority": 1, "allow": True},
            ],
        }
    ],
}


def username(key: Key) -> str:
    """What the device calls itself to the broker."""
    return "/".join(key)


def key_of(name: str) -> Key | None:
    """The device of a user name; None: it is no device's."""
    parts = name.split("/")
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 and all(parts) else None


def name_fault(name: str) -> tuple[str, str] | None:
    """Why a device that gets credentials can't have this name, in English and Chinese; None: it can."""
    if not 1 <= len(name) <= NAME_LENGTH:
        return f"a name has 1 to {NAME_LENGTH} characters", f"名称长度应为 1 至 {NAME_LENGTH} 个字符"
    if not name.isprintable() or name != name.strip():
        return "a name has printable characters, and no space around it", "名称只能包含可打印字符，首尾不能有空格"
    if any(mark in name for mark in "/+#"):
        return "a name has no /, + or #: it is a level of a topic", "名称不能包含 /、+ 或 #：它是主题的一级"
    if any(mark in name for mark in PLACEHOLDERS):
        return (
            "a name has no %c or %u: the broker reads them as another name",
            "名称不能包含 %c 或 %u：消息代理会将其替换",
        )
    if name.startswith(FORMULA):
        return "a name does not begin with = + - or @", "名称不能以 =、+、- 或 @ 开头"
    return None


def acls(keys: Collection[Key]) -> list[Command]:
    """What the role of a device allows that publishes for these: itself and, for a gateway, those behind it.

    One level below each device's topic and not `#`, which would also stand for the topic itself: that of a device
    called `alert` is where the platform tells its alerts.
    """
    return [
        {"acltype": "publishClientSend", "topic": f"city/{username(key)}/+", "priority": 0, "allow": True}
        for key in sorted(keys)
    ]


def reserve(keys: Collection[Key]) -> list[Command]:
    """Keep clients without a name from the topics of these devices; where that is so already, it is an error."""
    return [
        {
            "command": "addRoleACL",
            "rolename": ANONYMOUS,
            "acltype": "publishClientSend",
            "topic": f"city/{username(key)}/#",
            "priority": DENY_PRIORITY,
            "allow": False,
        }
        for key in sorted(keys)
    ]


def set_rights(key: Key, keys: Collection[Key]) -> list[Command]:
    """Make, or make anew, the role of a device that publishes for `keys`; that there is a role is an error."""
    name = username(key)
    return [
        {"command": "createRole", "rolename": name},
        {"command": "modifyRole", "rolename": name, "acls": acls(keys)},
    ]


def set_password(key: Key, password: str) -> list[Command]:
    """Let a device in with a new password, and nobody with an older one; that there is a client is an error."""
    name = username(key)
    return [
        {"command": "createClient", "username": name},  # without a password nobody comes in
        {"command": "modifyClient", "username": name, "password": password, "roles": [{"rolename": name}]},
        {"command": "enableClient", "username": name},
    ]


def shut_out(key: Key) -> list[Command]:
    """Let a device in no longer, and end its connection."""
    return [{"command": "disableClient", "username": username(key)}]
