"""A web site on this machine: each path with its type and bytes, and what was asked of it."""

import http.server
from contextlib import AbstractContextManager

from tests.listener import serving


class Site(http.server.ThreadingHTTPServer):
    """holds: what lies at each path: a type and bytes, a status, or where it redirects. asked: paths, in order."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.holds: dict[str, tuple[str, bytes] | int | str] = {}
        self.asked: list[str] = []

    def at(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        found = self.server.holds.get(self.path, 404)
        if isinstance(found, tuple):
            self.send_response(200)
            self.send_header("Content-Type", found[0])
            self.send_header("Content-Length", str(len(found[1])))
            self.end_headers()
            self.wfile.write(found[1])
            return
        self.send_response(302 if isinstance(found, str) else found)
        if isinstance(found, str):
            self.send_header("Location", found)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


def site() -> AbstractContextManager[Site]:
    return serving(Site())
