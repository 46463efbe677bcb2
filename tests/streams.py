"""A network camera on this machine: an MJPEG stream over HTTP of a picture that a test may change or break off."""

import http.server
import time
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.listener import serving


class NetworkCamera(http.server.ThreadingHTTPServer):
    """jpeg: what it shows. is_away: it takes no connection and ends those there are. rubbish: it sends noise."""

    daemon_threads = True
    is_away = False
    rubbish = False
    frozen = False
    rate = 25.0

    def __init__(self, bgr: NDArray[np.uint8]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.opened = 0
        self.show(bgr)

    def show(self, bgr: NDArray[np.uint8]) -> None:
        self.jpeg = cv2.imencode(".jpg", bgr)[1].tobytes()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/stream.mjpg"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: NetworkCamera

    def do_GET(self) -> None:
        if self.server.is_away:
            self.send_error(503)
            return
        self.server.opened += 1
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        noise = np.random.default_rng(1)
        try:
            while not self.server.is_away:
                time.sleep(1 / self.server.rate)
                if self.server.frozen:
                    continue
                content = noise.bytes(5000) if self.server.rubbish else self.server.jpeg
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(content)}\r\n\r\n"
                self.wfile.write(head.encode() + content + b"\r\n")
        except OSError:
            pass

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def network_camera(bgr: NDArray[np.uint8]) -> Iterator[NetworkCamera]:
    with serving(NetworkCamera(bgr)) as camera:
        try:
            yield camera
        finally:
            camera.is_away = True
