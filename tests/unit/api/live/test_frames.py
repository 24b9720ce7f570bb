from __future__ import annotations

from api.live import frames


def test_an_event_with_and_without_an_id() -> None:
    assert frames.event("alert", b'{"id":7}', 7) == b'id: 7\nevent: alert\ndata: {"id":7}\n\n'
    assert frames.event("health", b"{}") == b"event: health\ndata: {}\n\n"


def test_a_position_is_an_event_without_data_which_pages_do_not_hear() -> None:
    assert frames.position(7) == b": alive\nid: 7\n\n"
