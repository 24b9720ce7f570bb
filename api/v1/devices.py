"""Devices: what they are, how they fare, and their credentials for the broker."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import Path, Query, Response
from pydantic import BaseModel, Field

from api.access.door import Administrator, Viewer
from api.access.scopes import Titled
from api.context import Context, Using
from api.v1 import new_router
from api.views.documents import Words
from api.views.rows import rows, tuples
from api.web.bodies import Body
from api.web.changes import Changing
from api.web.filters import DomainFilter, RegionFilter, SiteFilter, below
from api.web.pages import Cursor, Limit, Page, decode, encode
from api.web.problems import Refusal, responses
from citybrain.access.model import Principal
from citybrain.devices import credentials, dynsec
from citybrain.devices.credentials import Credential, NewDevice
from citybrain.devices.rights import NAME_LENGTH, Key, username
from citybrain.store.connection import Connection
from citybrain.store.pools import Reader
from deploy.local import addresses

router = new_router("devices")

MOST_ADDED = 1000  # devices in one request; `citybrain device import` takes more
DAY = timedelta(hours=24)

CredentialState = Literal["active", "revoked", "none"]
HeardState = Literal["heard", "silent", "unheard"]
Sort = Literal["name", "since"]
Id = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH)]
RegionId = Annotated[str, Path(min_length=1, max_length=NAME_LENGTH, examples=["150802"])]
DomainId = Annotated[str, Path(min_length=1, max_length=NAME_LENGTH, examples=["water"])]
DeviceName = Annotated[str, Path(min_length=1, max_length=NAME_LENGTH, examples=["gauge-7"])]


class DeviceCredentials(BaseModel):
    """Whether a device comes in by itself, and since when. The broker keeps the password."""

    state: CredentialState
    created_at: datetime | None = Field(None, description="null: it has none.")
    rotated_at: datetime | None = Field(None, description="When it last got a new password; null: never.")
    revoked_at: datetime | None = None


class DeviceEntry(BaseModel):
    """A device; region, domain and name are its identity, as in its topics."""

    region: Titled
    domain: Titled
    name: str = Field(examples=["gauge-7"])
    site: Titled | None = Field(description="Where it stands; null: unknown.")
    gateway: str | None = Field(description="The device of that region and domain that may publish for it.")
    verified: bool = Field(description="Whether somebody listed it, in the catalogue or here.")
    first_seen: datetime
    online: bool | None = Field(description="The last word of the device or its last will; null: it never said.")
    status_at: datetime | None = Field(description="When that was.")
    state: HeardState = Field(
        description="`silent`: nothing was measured for two of its intervals, or, where it has none, it said that it "
        "went; `unheard`: listed, and never heard of."
    )
    heard_at: datetime | None = Field(description="Time of its newest measured reading; null: there is none.")
    silent_since: datetime | None = Field(description="Since when it is silent; null: it is not.")
    credentials: DeviceCredentials


class DeviceSeries(BaseModel):
    """What a device measures, and its newest reading."""

    id: int = Field(examples=[7])
    metric: Titled
    unit: str | None = Field(examples=["MPa"])
    derived: bool = Field(description="Whether it is computed from other readings.")
    time: datetime | None
    value: float | None = Field(examples=[0.31])
    good: bool | None = Field(description="false: doubtful.")


class DeviceHour(BaseModel):
    """An hour of its ledger: received = stored + duplicate + quarantined."""

    hour: datetime
    received: int
    stored: int
    duplicate: int
    quarantined: int


class DeviceDetails(DeviceEntry):
    """A device with its series and its ledger."""

    series: list[DeviceSeries]
    ledger: list[DeviceHour] = Field(description="Hours of the last day in which it was heard.")


class DeviceToAdd(Body):
    """A device that shall have credentials."""

    region: Id = Field(examples=["150802"])
    domain: Id = Field(examples=["water"])
    name: Id = Field(description="Printable, without / + # %c %u, and not = - @ in front.", examples=["gauge-7"])
    site: Id | None = Field(None, description="A site of that region and domain; null: as it was.")
    gateway: Id | None = Field(None, description="A device of that region and domain; null: as it was.")

    def new(self) -> NewDevice:
        """As the kernel takes it."""
        return NewDevice(self.region, self.domain, self.name, self.site, self.gateway)


class DevicesToAdd(Body):
    """Several devices: all of them get credentials, or with one mistake none."""

    devices: list[DeviceToAdd] = Field(min_length=1, max_length=MOST_ADDED)


class DeviceSecret(BaseModel):
    """What a device shows the broker: told only in this answer."""

    region: str = Field(examples=["150802"])
    domain: str = Field(examples=["water"])
    name: str = Field(examples=["gauge-7"])
    username: str = Field(description="Its client id, too.", examples=["150802/water/gauge-7"])
    password: str = Field(examples=["x" * credentials.PASSWORD_LENGTH])


class DeviceSecrets(BaseModel):
    """Likewise, of several, in the order of the request."""

    devices: list[DeviceSecret]


class DeviceRevoked(BaseModel):
    """A device that is let in no longer."""

    username: str = Field(examples=["150802/water/gauge-7"])


@router.get("/devices", responses=responses(400))
async def list_devices(
    context: Using,
    principal: Viewer,
    region: RegionFilter = None,
    domain: DomainFilter = None,
    site: SiteFilter = None,
    gateway: Annotated[str | None, Query(max_length=NAME_LENGTH, description="Those behind this gateway.")] = None,
    online: Annotated[bool | None, Query(description="By their last word; who never said is not online.")] = None,
    credentials: Annotated[CredentialState | None, Query(description="Those whose credentials are so.")] = None,
    verified: bool | None = None,
    state: Annotated[HeardState | None, Query(description="Those that are heard, silent or unheard.")] = None,
    text: Annotated[
        str | None, Query(max_length=NAME_LENGTH, description="Anywhere in the name, or in the site's titles.")
    ] = None,
    sort: Annotated[Sort, Query(description="`since`: who is silent for longest first.")] = "name",
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[DeviceEntry]:
    """Devices, by region, domain and name, or by how long they are silent."""
    filters = {"domain": domain, "site": site, "gateway": gateway, "online": online, "verified": verified}
    wanted = {**_ANY, **filters, **_after(cursor, sort), "credentials": credentials, "state": state, "text": text}
    async with context.readers.connection() as reader:
        found = await _entries(reader, principal, limit + 1, {**wanted, "within": await below(reader, region)})
    entries = [entry for _, entry in found[:limit]]
    return Page(items=entries, next=_cursor(*found[limit - 1], sort) if len(found) > limit else None)


@router.get("/devices/{region}/{domain}/{name}", responses=responses(404))
async def get_device(
    context: Using, principal: Viewer, region: RegionId, domain: DomainId, name: DeviceName
) -> DeviceDetails:
    """One device: its state, what it measures, and what came from it in the last day."""
    wanted = {**_ANY, "within": [region], "domain": domain, "name": name}
    async with context.readers.connection() as reader:
        found = await _entries(reader, principal, 1, wanted)
        if not found:
            raise _missing((region, domain, name))
        id, entry = found[0]
        series = await tuples(reader, "devices", "series", device=id)
        hours = await rows(reader, DeviceHour, "devices", "day", device=id, since=context.clock() - DAY)
    return DeviceDetails(
        **entry.model_dump(),
        series=[
            DeviceSeries(id=id, metric=_titled(*metric), unit=unit, derived=derived, time=time, value=value, good=good)
            for id, *metric, unit, derived, time, value, good in series
        ],
        ledger=hours,
    )


@router.post("/devices", status_code=201, response_model=DeviceSecret, responses=responses(409))
async def add_device(context: Using, principal: Administrator, changes: Changing, body: DeviceToAdd) -> Response:
    """Give a device credentials; from now on nobody publishes for it without them, or those of its gateway."""

    def work(connection: Connection) -> DeviceSecret:
        with _broker(context) as broker:
            return _secret(*_added(context, principal, connection, broker, [body.new()]))

    details = {"site": body.site, "gateway": body.gateway}
    target = f"device {username(body.new().key)}"
    return await changes.make("device.add", target, work, details=details, status=201, secret=True)


@router.post("/devices/import", status_code=201, response_model=DeviceSecrets, responses=responses(409))
async def import_devices(context: Using, principal: Administrator, changes: Changing, body: DevicesToAdd) -> Response:
    """Give several devices credentials: all of them or, with one mistake, none."""

    def work(connection: Connection) -> DeviceSecrets:
        with _broker(context) as broker:
            new = [device.new() for device in body.devices]
            return DeviceSecrets(devices=[_secret(one) for one in _added(context, principal, connection, broker, new)])

    target = f"{len(body.devices)} devices"
    return await changes.make("device.import", target, work, status=201, secret=True)


@router.post("/devices/{region}/{domain}/{name}/rotate", response_model=DeviceSecret, responses=responses(404))
async def rotate_device(
    context: Using, principal: Administrator, changes: Changing, region: RegionId, domain: DomainId, name: DeviceName
) -> Response:
    """Give a device a new password, revoked or not; a connection with the old one ends."""
    key = (region, domain, name)
    _require(principal, key)

    def work(connection: Connection) -> DeviceSecret:
        with _broker(context) as broker:
            return _secret(credentials.rotate(connection, broker, key, context.clock()))

    return await changes.make("device.rotate", f"device {username(key)}", work, secret=True)


@router.post("/devices/{region}/{domain}/{name}/revoke", response_model=DeviceRevoked, responses=responses(404))
async def revoke_device(
    context: Using, principal: Administrator, changes: Changing, region: RegionId, domain: DomainId, name: DeviceName
) -> Response:
    """Let a device in no longer, and end its connection; its readings stay, and `rotate` lets it in again."""
    key = (region, domain, name)
    _require(principal, key)

    def work(connection: Connection) -> DeviceRevoked:
        with _broker(context) as broker:
            credentials.revoke(connection, broker, key, principal.label, context.clock())
        return DeviceRevoked(username=username(key))

    return await changes.make("device.revoke", f"device {username(key)}", work)


_ANY: dict[str, Any] = dict.fromkeys(
    ("domain", "site", "gateway", "online", "verified", "within", "credentials", "state", "text", "name")
)
_FIRST: dict[str, Any] = dict.fromkeys(("after_region", "after_domain", "after_name", "after_since", "after_id"))
_NEVER = datetime.max.replace(tzinfo=UTC)  # since when who is not silent is so


def _after(cursor: str | None, sort: Sort) -> dict[str, Any]:
    """The order, and the place in it where a page begins."""
    if cursor is None:
        return {**_FIRST, "sort": sort}
    if sort == "since":
        since, id = decode(cursor, tuple[datetime, int])
        return {**_FIRST, "sort": sort, "after_since": since, "after_id": id}
    region, domain, name = decode(cursor, tuple[str, str, str])
    return {**_FIRST, "sort": sort, "after_region": region, "after_domain": domain, "after_name": name}


def _cursor(id: int, entry: DeviceEntry, sort: Sort) -> str:
    """The cursor of the page after that device."""
    if sort == "since":
        return encode([entry.silent_since or _NEVER, id])
    return encode([entry.region.id, entry.domain.id, entry.name])


async def _entries(
    reader: Reader, principal: Principal, limit: int, wanted: dict[str, Any]
) -> list[tuple[int, DeviceEntry]]:
    """Devices with their ids."""
    first = {**_FIRST, "sort": "name"}
    found = await tuples(
        reader, "devices", "list", **{**first, **wanted, **principal.scope.parameters(), "limit": limit}
    )
    return [(row[0], _entry(*row[1:])) for row in found]


def _entry(*row: Any) -> DeviceEntry:
    created, rotated, revoked, credentials, state, heard_at, since = row[15:]
    return DeviceEntry(
        region=_titled(*row[0:3]),
        domain=_titled(*row[3:6]),
        name=row[6],
        site=_titled(*row[7:10]) if row[7] else None,
        gateway=row[10],
        verified=row[11],
        first_seen=row[12],
        online=row[13],
        status_at=row[14],
        state=state,
        heard_at=heard_at,
        silent_since=since,
        credentials=DeviceCredentials(state=credentials, created_at=created, rotated_at=rotated, revoked_at=revoked),
    )


def _titled(id: str, zh: str, en: str) -> Titled:
    return Titled(id=id, title=Words(zh=zh, en=en))


def _added(
    context: Context, principal: Principal, connection: Connection, broker: dynsec.Broker, new: list[NewDevice]
) -> list[Credential]:
    labels = [f"devices.{at}" for at in range(len(new))] if len(new) > 1 else ()
    now = context.clock()
    return credentials.add(connection, broker, new, principal.label, now, scope=principal.scope, labels=labels)


def _broker(context: Context) -> AbstractContextManager[dynsec.Broker]:
    return dynsec.broker(addresses.broker_admin_url(context.settings))


def _secret(one: Credential) -> DeviceSecret:
    region, domain, name = one.key
    return DeviceSecret(region=region, domain=domain, name=name, username=one.username, password=one.password)


def _require(principal: Principal, key: Key) -> None:
    """Refuse what lies beyond the scope, as if it were not there."""
    if not principal.scope.sees(key[0], key[1]):
        raise _missing(key)


def _missing(key: Key) -> Refusal:
    return Refusal(404, f"There is no device {username(key)}.", f"没有设备 {username(key)}。")
