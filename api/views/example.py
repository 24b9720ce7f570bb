"""An example of what `/api/v1/status` answers, for the description of the API."""

from __future__ import annotations

from typing import Any

STATUS: dict[str, Any] = {
    "now": "2026-11-21T02:00:00Z",
    "time_zone": "Asia/Shanghai",
    "ready": True,
    "checks": {"database": {"ok": True, "detail": "The database answers.", "detail_zh": "数据库应答正常。"}},
    "ledger": {
        "since": "2026-11-20T02:00:00Z",
        "received": 864,
        "stored": 850,
        "duplicate": 12,
        "quarantined": 2,
        "unbalanced": 0,
    },
    "alerts": {
        "counts": [{"severity": 3, "raised": 1, "unjudged": 1, "cleared": 0, "failing": 0}],
        "first": [
            {
                "id": 42,
                "rule": "water.end_pressure",
                "version": 1,
                "subject": "150802/water/gauge-7/pressure",
                "domain": "water",
                "severity": 3,
                "title": {"zh": "管网末梢压力过低", "en": "Low pressure at the end of the network"},
                "advice": {"zh": "先看本分区泵站出口压力。", "en": "Look at the outlet pressure of the zone's pumps."},
                "place": {"zh": "五一街末梢", "en": "End of Wuyi Street"},
                "region_title": {"zh": "临河区", "en": "Linhe District"},
                "raised": True,
                "raised_at": "2026-11-21T01:55:00Z",
                "cleared_at": None,
                "handling": "new",
                "crew": None,
                "crew_title": None,
                "due_step": "judge",
                "due_at": "2026-11-21T02:10:01Z",
                "overdue": False,
                "shelved_until": None,
                "maintained_until": None,
                "silent_since": None,
                "values": [{"name": "value", "title": {"zh": "压力", "en": "Pressure"}, "value": 0.18, "unit": "MPa"}],
                "limits": [
                    {
                        "name": "limit",
                        "value": 0.2,
                        "unit": "MPa",
                        "source": "platform default",
                        "clause": None,
                        "plan": None,
                        "confidence": "S",
                    }
                ],
                "comparisons": [{"left": "value", "operator": "<", "right": "limit"}],
                "failing": False,
                "attention": 3,
                "revision": 0,
                "open": True,
                "region": "150802",
                "site": "end-wuyi",
                "device": "gauge-7",
                "changed_at": "2026-11-21T01:55:01Z",
            }
        ],
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
