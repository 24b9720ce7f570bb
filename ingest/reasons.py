"""Why something is in quarantine."""

from enum import StrEnum


class Reason(StrEnum):
    """One word each, for tables, metrics and `quarantine list --reason`; docs/operations.md explains them."""

    WRONG_TOPIC = "wrong_topic"
    UNKNOWN_REGION = "unknown_region"
    UNKNOWN_DOMAIN = "unknown_domain"
    UNKNOWN_DEVICE = "unknown_device"
    UNKNOWN_METRIC = "unknown_metric"
    DERIVED_METRIC = "derived_metric"
    TOO_MANY_UNKNOWN = "too_many_unknown"
    EMPTY_PAYLOAD = "empty_payload"
    PAYLOAD_TOO_LARGE = "payload_too_large"
    INVALID_UTF8 = "invalid_utf8"
    INVALID_JSON = "invalid_json"
    INVALID_MESSAGE = "invalid_message"
    INVALID_STATUS = "invalid_status"
    INVALID_TIME = "invalid_time"
    TIME_TOO_OLD = "time_too_old"
    CLOCK_AHEAD = "clock_ahead"
    NOT_FINITE = "not_finite"
    WRONG_TYPE = "wrong_type"
    UNKNOWN_STATE = "unknown_state"
    UNIT_MISMATCH = "unit_mismatch"
    CONFLICT = "conflict"
    STORE_REFUSED = "store_refused"
