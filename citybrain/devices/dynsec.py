"""Mosquitto's dynamic-security plugin: commands in lists, over MQTT.

The protocol is JSON on two topics; each answer carries back the `correlationData` of its command, so that several
may ask at once.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any
from uuid import uuid4

import paho.mqtt.client as paho
from paho.mqtt.reasoncodes import ReasonCode

from citybrain.devices.rights import Command
from citybrain.errors import Correctable
from citybrain.mqtt import connected_client

COMMANDS = "$CONTROL/dynamic-security/v1"
RESPONSES = f"{COMMANDS}/response"
LIST = 1000  # commands sent at once: the broker does nothing else for the quarter of a second that they take
PAGE = 1000  # clients or roles in an answer: with all at once it could be larger than the broker lets through
PATIENCE_S = 30.0  # seconds that the broker may take to answer a list

# What a command says that finds things as it should leave them.
DONE = {"Client already exists", "Role already exists", "ACL with this topic already exists"}


class BrokerError(Correctable):
    """The broker did not do it; nothing is lost, and the same may be asked again."""


class BrokerRefused(BrokerError):
    """The broker does not let us change its credentials, or could not do as told."""


class BrokerAway(BrokerError):
    """The broker can't be reached, or does not answer."""


class Broker:
    """A broker whose credentials we may change."""

    def __init__(self, client: paho.Client) -> None:
        self._client = client
        self._answers: queue.SimpleQueue[list[dict[str, Any]]] = queue.SimpleQueue()
        client.on_message = self._heard

    def do(self, commands: Sequence[Command], *, unless: Collection[str] = ()) -> None:
        """Send commands in lists; that something is there already is no error, nor are the errors in `unless`.

        Raises:
            BrokerRefused: one of them failed; those before it are done, and all may be sent again.
            BrokerAway: no answer came; some may be done, and all may be sent again.
        """
        rest = iter(commands)
        while some := list(islice(rest, LIST)):
            for command, answer in zip(some, self._ask(some), strict=True):
                error = answer.get("error")
                if error and error not in DONE and error not in unless:
                    what = command.get("username") or command.get("rolename")
                    raise BrokerRefused(
                        f"The broker could not do {command['command']} of {what}: {error}.",
                        f"消息代理无法对 {what} 执行 {command['command']}：{error}。",
                    )

    def clients(self) -> dict[str, dict[str, Any]]:
        """All clients by user name: `roles`, and `disabled` where they are."""
        return {client["username"]: client for client in self._list("listClients", "clients")}

    def roles(self) -> dict[str, list[dict[str, Any]]]:
        """The rights of all roles by name."""
        return {role["rolename"]: role["acls"] for role in self._list("listRoles", "roles")}

    def _list(self, command: str, what: str) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            (answer,) = self._ask([{"command": command, "verbose": True, "count": PAGE, "offset": offset}])
            if "error" in answer:
                raise BrokerRefused(f"The broker could not do {command}: {answer['error']}.")
            found = answer["data"][what]
            yield from found
            offset += len(found)
            if len(found) < PAGE:
                return

    def _ask(self, commands: Sequence[Command]) -> list[dict[str, Any]]:
        mark = uuid4().hex
        marked = [{**command, "correlationData": mark} for command in commands]
        sent = self._client.publish(COMMANDS, json.dumps({"commands": marked}), qos=1)
        try:
            sent.wait_for_publish(PATIENCE_S)
            while (answers := self._answers.get(timeout=PATIENCE_S))[0].get("correlationData") != mark:
                pass  # of somebody else's commands
        except (queue.Empty, RuntimeError, ValueError) as error:
            raise _away(str(error) or "no answer in time") from error
        return answers

    def _heard(self, client: paho.Client, userdata: object, message: paho.MQTTMessage) -> None:
        answers = json.loads(message.payload).get("responses")
        if answers:
            self._answers.put(answers)


@contextmanager
def broker(url: str) -> Iterator[Broker]:
    """The broker at `url`, which says who we are.

    Raises:
        BrokerAway: it can't be reached.
        BrokerRefused: it does not let us change credentials.
    """
    try:
        client = connected_client(url)
    except (OSError, ValueError) as error:
        raise _away(str(error)) from error
    try:
        found = Broker(client)
        _subscribe(client)
        yield found
    finally:
        client.disconnect()
        client.loop_stop()


def _subscribe(client: paho.Client) -> None:
    """Hear the answers."""
    answered = threading.Event()
    refused: list[ReasonCode] = []

    def subscribed(
        _: paho.Client, userdata: object, packet: int, reasons: list[ReasonCode], properties: object
    ) -> None:
        refused.extend(reason for reason in reasons if reason.is_failure)
        answered.set()

    client.on_subscribe = subscribed
    client.subscribe(RESPONSES, qos=1)
    if not answered.wait(PATIENCE_S):
        raise _away("it does not answer")
    if refused:
        raise BrokerRefused(
            "The broker does not let us change credentials: name somebody who may in CITYBRAIN_MQTT_ADMIN_URL.",
            "消息代理不允许更改凭据：请在 CITYBRAIN_MQTT_ADMIN_URL 中指定有权限的用户。",
        )


def _away(reason: str) -> BrokerAway:
    return BrokerAway(
        f"The broker can't be reached ({reason}): nothing is lost, run it again when it is back.",
        f"无法连接消息代理（{reason}）：请在其恢复后重试。",
    )
