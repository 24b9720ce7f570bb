"""A stand-in for the command `citybrain`: processes with the shape of ours, which do next to nothing."""

import os
import signal
import sys
import time

command = sys.argv[1]

if command == "db":
    import psycopg  # takes longer than all else here

    with psycopg.connect(os.environ["CITYBRAIN_DATABASE_URL"]) as connection:
        connection.execute("create table if not exists start (time timestamptz)")
        connection.execute("insert into start select now()")
elif sys.argv[1:3] == ["person", "first"]:
    print("sign in as admin / a password")
elif sys.argv[1:3] == ["rules", "apply"]:
    sys.exit(os.environ.get("STUB_MISTAKE", 0))
elif command == os.environ.get("STUB_BROKEN"):
    sys.exit("the reason stands here")
elif command == "api":
    import http.server

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

    http.server.HTTPServer(("127.0.0.1", int(os.environ["CITYBRAIN_HTTP_PORT"])), Answer).serve_forever()
else:
    print("broker", os.environ["CITYBRAIN_MQTT_URL"])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped in order"))
    while True:
        time.sleep(1)
