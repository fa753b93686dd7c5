"""AWS at the distance that it has in life: a proxy that has each call take longer."""

from __future__ import annotations

import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Headers that are about one connection and not about the message.
OF_THE_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@contextmanager
def aws_from_afar(url: str, seconds: float) -> Iterator[str]:
    """The address of a server that gives the answers of the one at `url`, each call that much later."""
    nearby = urllib.parse.urlsplit(url).netloc

    class Later(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # A header and a body are written one after the other, and no packet is to wait for the next.
        disable_nagle_algorithm = True

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            time.sleep(seconds)
            connection = HTTPConnection(nearby, timeout=60)
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            self.send_response(answer.status, answer.reason)
            for name, value in answer.getheaders():
                if name.lower() not in OF_THE_CONNECTION:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = pass_on

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Later)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield "http://127.0.0.1:%d" % server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
