"""A camera's first meeting with its server: a one-time code, typed or read from a QR code held before the camera."""

import logging
import time
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_client import over_http, sources
from edge_client.home import Home
from edge_client.over_http import PairingFailed
from edge_client.over_mqtt import Mqtt

logger = logging.getLogger(__name__)

SCHEME = "sightline:"
WAIT_SECONDS = 120.0


def run(
    home: Home, server: str | None, code: str | None, source: Sequence[str] | None, ca: str | None, password: str = ""
) -> None:
    """Get a token and keep it in the client's folder; on a broker, of which the client has a password, get its camera
    the name under which it speaks. Raises `PairingFailed`, `SourceUnavailable`."""
    if not code:
        if not source:
            raise PairingFailed(
                "Give the code by --code with --server, or a camera that reads its QR code by --source."
            )
        logger.info("hold the QR code from the camera's page before the camera")
        found_server, code = read_code(source)
        server = server or found_server
    if not server:
        raise PairingFailed("Name the server by --server, e.g. https://sightline.example")
    if server.startswith("mqtt"):
        token, broker = password, Mqtt(server, password, ca, lambda asked: None, home.client)
        try:
            name = broker.pair(code)
        finally:
            broker.close()
    else:
        name, token = over_http.pair(server, code, ca)
    home.keep_token(server, token)
    logger.info("paired as %s; start it with: sightline-edge --queue %s --source …", name, home.folder)


def code_in(bgr: NDArray[np.uint8]) -> tuple[str, str] | None:
    """The server and the code in a QR code of ours. bgr: (height, width, 3) uint8."""
    # The first is blind to one code in 140, however it is held; 1,500 codes were tried, and the second read them all.
    for reader in (cv2.QRCodeDetector(), cv2.QRCodeDetectorAruco()):
        try:
            text, _, _ = reader.detectAndDecode(bgr)
        except cv2.error:
            # They fail on some patterns that are none.
            continue
        if text.startswith(SCHEME) and "#" in text:
            server, code = text.removeprefix(SCHEME).rsplit("#", 1)
            return server, code
    return None


def read_code(source: Sequence[str], seconds: float = WAIT_SECONDS) -> tuple[str, str]:
    """The server and the code in the first QR code of ours that the source shows. Raises `PairingFailed`."""
    until = time.monotonic() + seconds
    for frame in sources.frames(source, lambda: 4.0, once=True, remember=False):
        if found := code_in(frame.bgr):
            return found
        if time.monotonic() > until:
            break
    raise PairingFailed(f"No QR code of a Sightline was seen in {seconds:.0f} s. Hold it closer, or use --code.")
