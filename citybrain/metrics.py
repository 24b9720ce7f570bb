"""What the processes measure of themselves, for Prometheus; docs/metrics.md explains each."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram, start_http_server

from citybrain.settings import Settings

MESSAGES = Counter("citybrain_messages", "MQTT messages received.")
READINGS = Counter("citybrain_readings", "Readings received, by what became of them.", ["fate"])
QUARANTINED = Counter("citybrain_quarantined", "Entries put into quarantine.", ["reason"])
DOUBTFUL = Counter("citybrain_doubtful_readings", "Readings stored with a flag that makes them doubtful.")
LATE = Counter("citybrain_late_readings", "Readings stored that were not newer than their series' newest.")
BATCH_READINGS = Histogram(
    "citybrain_batch_readings",
    "Readings in a batch.",
    buckets=(1, 10, 50, 100, 500, 1000, 2000, 5000, 10_000, 50_000),
)
COMMIT_SECONDS = Histogram(
    "citybrain_commit_seconds",
    "Time from handing a batch over to its commit.",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
RECEIVE_LAG_SECONDS = Histogram(
    "citybrain_receive_lag_seconds",
    "Time from the arrival of a batch's oldest message to its commit.",
    buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 10, 60),
)
READING_LAG_SECONDS = Histogram(
    "citybrain_reading_lag_seconds",
    "Time from a reading's own time to its commit, for the newest reading of each batch.",
    buckets=(0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600, 86_400),
)
QUEUED_MESSAGES = Gauge(
    "citybrain_queued_messages", "Messages received and not committed yet.", multiprocess_mode="livesum"
)
QUEUED_BYTES = Gauge("citybrain_queued_bytes", "Their payloads' bytes.", multiprocess_mode="livesum")
CONNECTED = Gauge(
    "citybrain_mqtt_connected", "1 while a collector's session is connected.", multiprocess_mode="livesum"
)
CONNECTIONS = Counter("citybrain_mqtt_connections", "Connections of collectors to the broker.")
LOST_SESSIONS = Counter(
    "citybrain_mqtt_lost_sessions",
    "Times the broker did not know a session that had been there: messages may be lost.",
)
REFUSED = Counter(
    "citybrain_broker_refused",
    "Messages that the private broker refused devices, in samples of its log.",
    ["reason"],
)
DATABASE_ERRORS = Counter("citybrain_database_errors", "Errors of the database met by a collector.", ["sqlstate"])
TRANSITIONS = Counter("citybrain_alert_transitions", "Changes of alerts' conditions that rules made.", ["kind"])
RULE_ERRORS = Counter("citybrain_rule_errors", "Batches or scheduled rules whose judging failed.", ["unit"])
RULE_SECONDS = Gauge(
    "citybrain_rule_seconds", "Time that a scheduled rule's newest run took.", ["rule"], multiprocess_mode="livemax"
)
UNKNOWN = Counter("citybrain_rule_unknown", "Readings that a rule's condition could not judge (NULL).", ["rule"])
JUDGED = Counter("citybrain_rule_judged", "Readings that a rule was there to judge.", ["rule"])
NOTIFICATIONS = Counter("citybrain_notifications", "Attempts to tell somebody of an announcement.", ["route", "result"])
DERIVED = Counter("citybrain_derived_readings", "Derived readings computed.", ["function"])
REQUESTS = Counter("citybrain_http_requests", "Requests that the API answered.", ["method", "route", "status"])
ANSWER_SECONDS = Histogram(
    "citybrain_http_seconds",
    "Time from a request to the beginning of its answer.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
STREAM_LAG_SECONDS = Histogram(
    "citybrain_stream_lag_seconds",
    "Time from an event of an alert to its being told to live streams, for the oldest of those told together.",
    buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
BROKER = Gauge(
    "citybrain_broker",
    "What the broker says of itself under $SYS.",
    ["what"],
    multiprocess_mode="livemostrecent",
)


def serve(settings: Settings) -> None:
    """Show what this process counts at a port of its own, from a thread, where the settings name one."""
    if settings.metrics_port:
        start_http_server(settings.metrics_port, addr=settings.http_host)
