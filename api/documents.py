"""The documents that the public API answers with."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from api.health import Check
from citybrain.store.boards import Worst


class Words(BaseModel):
    """A text in both languages."""

    zh: str
    en: str


class Account(BaseModel):
    """The ledger of what was received since `since`: received = stored + duplicate + quarantined."""

    since: datetime
    received: int
    stored: int
    duplicate: int
    quarantined: int
    unbalanced: int = Field(description="Device hours that don't add up; 0 when nothing was lost.")


class DeviceCounts(BaseModel):
    """Devices of a domain: online and offline as they said last, unknown where they never said."""

    total: int
    unverified: int
    online: int
    offline: int
    unknown: int


class VitalSign(BaseModel):
    """The worst latest value of a domain's vital metric, where it is, and the worst of each of 24 hours."""

    metric: str
    title: Words
    unit: str | None
    worst: Worst
    value: float
    time: datetime
    stale: bool
    place: Words
    trend: list[float | None] = Field(description="24 hours, oldest first, the present one last; null: no data.")


class DomainStatus(BaseModel):
    """A domain; without devices it is not connected yet."""

    id: str
    title: Words
    devices: DeviceCounts
    places: int = Field(description="Sites and devices without a site; `sites` has the first of them.")
    newest: datetime | None = Field(description="Time of the newest measured reading.")
    vital: VitalSign | None


class Metric(BaseModel):
    """What a value means; `states` has the words for coded states, by name."""

    title: Words
    kind: str
    unit: str | None
    interval_s: float | None = Field(description="Seconds between two readings; after two without one it is stale.")
    derived: bool
    states: dict[str, Words]


class Value(BaseModel):
    """The newest reading of a series."""

    device: str
    value: float
    states: list[str] = Field(description="Names of the states or flags that the value stands for.")
    time: datetime
    good: bool
    quality: list[str] = Field(description="What is known of its quality, such as `late` or `out_of_range`.")


class SiteStatus(BaseModel):
    """A site, or a device that belongs to none, with its latest values by metric."""

    id: str | None
    title: Words
    kind: Words | None
    domain: str
    region: str
    region_title: Words
    verified: bool
    values: dict[str, Value]
    trend: list[float | None] | None = Field(
        description="The domain's vital metric here: 24 hourly means, the present hour last; null: no data."
    )


class Quarantined(BaseModel):
    """How much waits in quarantine for one reason."""

    reason: str
    entries: int
    newest: datetime


class CollectorStatus(BaseModel):
    """Who collects what; `heard_s` is the age of its last heartbeat in seconds."""

    unit: str
    since: datetime
    heard_s: float
    connected: bool
    queued: int


class Status(BaseModel):
    """The platform and the city at `now`, by the database's clock."""

    now: datetime
    time_zone: str = Field(description="The city's zone, which times are shown in.")
    ready: bool
    checks: dict[str, Check]
    ledger: Account
    domains: list[DomainStatus]
    metrics: dict[str, dict[str, Metric]] = Field(description="By domain and name, those that have values.")
    sites: list[SiteStatus]
    quarantine: list[Quarantined]
    collectors: list[CollectorStatus]

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "now": "2026-11-21T02:00:00Z",
                "time_zone": "Asia/Shanghai",
                "ready": True,
                "checks": {"database": {"ok": True, "detail": "The database answers."}},
                "ledger": {
                    "since": "2026-11-20T02:00:00Z",
                    "received": 864,
                    "stored": 850,
                    "duplicate": 12,
                    "quarantined": 2,
                    "unbalanced": 0,
                },
                "domains": [
                    {
                        "id": "air",
                        "title": {"zh": "大气环境", "en": "Air"},
                        "devices": {"total": 1, "unverified": 0, "online": 1, "offline": 0, "unknown": 0},
                        "places": 1,
                        "newest": "2026-11-21T01:00:00Z",
                        "vital": {
                            "metric": "aqi",
                            "title": {"zh": "空气质量指数", "en": "Air quality index"},
                            "unit": "AQI",
                            "worst": "high",
                            "value": 87,
                            "time": "2026-11-21T01:00:00Z",
                            "stale": False,
                            "place": {"zh": "临河站", "en": "Linhe station"},
                            "trend": [*[None] * 22, 80, 87],
                        },
                    }
                ],
                "metrics": {
                    "air": {
                        "aqi": {
                            "title": {"zh": "空气质量指数", "en": "Air quality index"},
                            "kind": "number",
                            "unit": "AQI",
                            "interval_s": 3600,
                            "derived": True,
                            "states": {},
                        }
                    }
                },
                "sites": [
                    {
                        "id": "air-linhe",
                        "title": {"zh": "临河站", "en": "Linhe station"},
                        "kind": {"zh": "空气质量监测站", "en": "Air quality station"},
                        "domain": "air",
                        "region": "150802",
                        "region_title": {"zh": "临河区", "en": "Linhe District"},
                        "verified": True,
                        "values": {
                            "aqi": {
                                "device": "air-linhe",
                                "value": 87,
                                "states": [],
                                "time": "2026-11-21T01:00:00Z",
                                "good": True,
                                "quality": [],
                            }
                        },
                        "trend": [*[None] * 22, 80, 87],
                    }
                ],
                "quarantine": [{"reason": "unknown_metric", "entries": 2, "newest": "2026-11-21T01:59:30Z"}],
                "collectors": [
                    {
                        "unit": "city",
                        "since": "2026-11-20T00:00:00Z",
                        "heard_s": 0.4,
                        "connected": True,
                        "queued": 0,
                    }
                ],
            }
        }
    )
