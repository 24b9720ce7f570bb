from __future__ import annotations

import socket

import pytest

from api.server import ServerError, serve
from citybrain.settings import Settings


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=rf"127\.0\.0\.1 port {port}.*CITYBRAIN_HTTP_PORT"):
            serve(Settings(http_port=port), "postgresql://nobody@127.0.0.1:9/nowhere")
