"""The data sources, the queries that panels send to them, and who is told of Grafana's own alerts."""

from __future__ import annotations

from typing import Any, Literal

from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.runtime import UnknownDataquery
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from deploy.boards.model import ContactPoint, Source

POSTGRES = DataSourceRef(type_val="grafana-postgresql-datasource", uid="citybrain-postgres")
PROMETHEUS = DataSourceRef(type_val="prometheus", uid="citybrain-prometheus")

Format = Literal["table", "time_series"]


class Sql(Builder[Dataquery]):
    """A query of the database. The SDK has no builder for this data source, only a bag that keeps what is in it."""

    def __init__(self, statement: str, form: Format = "table", ref: str = "A") -> None:
        self._document: dict[str, Any] = {
            "refId": ref,
            "datasource": POSTGRES.to_json(),
            "editorMode": "code",
            "format": form,
            "rawQuery": True,
            "rawSql": statement,
        }

    def build(self) -> Dataquery:
        """The query."""
        return UnknownDataquery(self._document)


def metric(expression: str, legend: str = "", ref: str = "A") -> prometheus.Dataquery:
    """A query of Prometheus over the board's span."""
    query = prometheus.Dataquery().expr(expression).format(PromQueryFormat.TIME_SERIES).range().ref_id(ref)
    query.datasource(PROMETHEUS)
    return query.legend_format(legend)


def sources() -> tuple[Source, ...]:
    """Where boards read: the database as `citybrain_board`, and Prometheus. Addresses are Grafana's business."""
    return (
        Source(
            str(POSTGRES.uid),
            {
                "uid": POSTGRES.uid,
                "name": "citybrain",
                "type": POSTGRES.type_val,
                "access": "proxy",
                "jsonData": {
                    "timescaledb": True,
                    "postgresVersion": 1700,
                    "timeInterval": "1m",  # most series have a reading a minute
                    # Boards of a dozen panels ask at once, and each connection is a process of the server.
                    "maxOpenConns": 20,
                    "maxIdleConns": 10,
                    "connMaxLifetime": 14400,
                },
            },
        ),
        Source(
            str(PROMETHEUS.uid),
            {
                "uid": PROMETHEUS.uid,
                "name": "citybrain-prometheus",
                "type": PROMETHEUS.type_val,
                "access": "proxy",
                "jsonData": {"httpMethod": "POST", "timeInterval": "15s"},
            },
        ),
    )


def contact_points(title: str) -> tuple[ContactPoint, ...]:
    """Who is told of Grafana's own alerts, by a webhook whose address is Grafana's business."""
    uid = "citybrain-duty"
    document = {
        "uid": uid,
        "name": title,
        "type": "webhook",
        "settings": {"httpMethod": "POST"},
        "disableResolveMessage": False,
    }
    return (ContactPoint(uid, document),)
