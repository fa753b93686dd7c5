"""Serves AWS's APIs on a loopback port: moto, with what it lacks (see `layer`).

    serve_moto.py              on a free port, which it prints; it ends with whoever holds its standard input
    serve_moto.py --port PORT  on that one, until it is stopped
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "aws"))

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: E402
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server  # noqa: E402

import layer  # noqa: E402
from layer import endpoint_services, shares  # noqa: E402

SETTINGS = {"/layer/endpoint-services": endpoint_services.offer, "/layer/shares": shares.share}


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *_: object) -> None:
        pass


class Server:
    """moto, and the settings of the layer, which tests change by a request of their own."""

    def __init__(self) -> None:
        layer.install()
        self.moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environment: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        setting = SETTINGS.get(environment["PATH_INFO"])
        if setting is None:
            return self.moto(environment, start_response)
        body = environment["wsgi.input"].read(int(environment.get("CONTENT_LENGTH") or 0))
        setting(**json.loads(body))
        start_response("204 No Content", [("Content-Length", "0")])
        return []


def make(port: int) -> BaseWSGIServer:
    return make_server("127.0.0.1", port, Server(), threaded=True, request_handler=Quiet)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int)
    port = parser.parse_args().port
    if port is not None:
        make(port).serve_forever()
        return
    server = make(0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
