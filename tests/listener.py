"""A server on this machine that keeps what it is sent and answers as a test tells it to."""

import http.server
import socketserver
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

Server = TypeVar("Server", bound=socketserver.BaseServer)


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

    def do_GET(self) -> None:
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """The server answers in a thread until the end."""
    # It looks for its end so often; by itself it does so twice a second.
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    with server:
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def listening() -> AbstractContextManager[Listener]:
    return serving(Listener())


class MailServer(socketserver.ThreadingTCPServer):
    """A mail server without encryption. got: to whom and the whole message, in the order they came. refuses: what it
    says to every recipient; empty: it takes them."""

    daemon_threads = True
    refuses = ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _MailHandler)
        self.got: list[tuple[str, str]] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _MailHandler(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        to = ""
        self._say("220 here")
        while line := self.rfile.readline().decode().strip():
            word = line[:4].upper()
            if word == "RCPT":
                to = line.split("<")[1].split(">")[0]
                self._say(f"550 {self.server.refuses}" if self.server.refuses else "250 taken")
            elif word == "DATA":
                self._say("354 go on")
                lines = iter(lambda: self.rfile.readline().decode(), ".\r\n")
                self.server.got.append((to, "".join(lines)))
                self._say("250 taken")
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 fine")

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


def taking_mail() -> AbstractContextManager[MailServer]:
    return serving(MailServer())
