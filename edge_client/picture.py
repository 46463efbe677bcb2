"""`sightline-edge picture`: what a source shows, as one JPEG, before anything is sent anywhere."""

import argparse
import sys
from pathlib import Path

import cv2

from edge_client import sources

# The first frames of a stream may be grey until a whole one has come.
FRAMES, PACE = 3, 5.0


def run(options: argparse.Namespace) -> int:
    """Write the picture to `options.to`, "-" for standard output. Raises `SourceUnavailable`."""
    seen = 0
    for frame in sources.frames(options.source, lambda: PACE, once=True, home=options.queue, remember=False):
        seen += 1
        _, jpeg = cv2.imencode(".jpg", sources.shrunk(frame.bgr, 1920), [cv2.IMWRITE_JPEG_QUALITY, 88])
        if seen == (FRAMES if sources.has_moments(options.source[0]) else 1):
            break
    if not seen:
        raise sources.SourceUnavailable("The source holds no picture yet.")
    if options.to == "-":
        sys.stdout.buffer.write(jpeg.tobytes())
    else:
        Path(options.to).write_bytes(jpeg.tobytes())
    return 0
