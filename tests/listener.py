"""A server on this machine that keeps what it is sent and answers as a test tells it to."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Listener(http.server.ThreadingHTTPServer):
    """status: what it answers. got: the headers and body of each POST, in the order they came.

    batch: the answer to several captures at once; without it they are not taken, as by an older server.
    """

    status = 202
    batch: bytes | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        several = self.path.endswith("/batch/")
        if not several or self.server.batch:
            self.server.got.append((dict(self.headers), body))
        self.send_response(404 if several and not self.server.batch else self.server.status)
        self.end_headers()
        self.wfile.write(self.server.batch if several and self.server.batch else b"because")

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def listening() -> Iterator[Listener]:
    with Listener() as listener:
        thread = threading.Thread(target=listener.serve_forever)
        thread.start()
        yield listener
        listener.shutdown()
        thread.join()
