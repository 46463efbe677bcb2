"""`python -m edge_client --source 0|rtsp://…|clip.mp4|folder/ --server URL --token T`"""

import argparse
import logging
import os
import signal
import sys
import uuid
from pathlib import Path
from typing import NoReturn

from edge_client import detectors, sources
from edge_client.queue import DiskQueue
from edge_client.reporting import Reporter
from edge_client.sender import Sender
from edge_client.shots import BestShots, Shot

logger = logging.getLogger("edge_client")

LAST_SECONDS = 30.0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="edge_client", description="Find faces beside a camera and send them to Sightline."
    )
    parser.add_argument(
        "--source", required=True, help="a camera's index, an rtsp:// or http:// stream, a clip, or a folder"
    )
    parser.add_argument("--server", required=True, help="Sightline's address, e.g. https://sightline.example")
    parser.add_argument(
        "--token", default=os.environ.get("SIGHTLINE_TOKEN"), help="the camera's token, or in SIGHTLINE_TOKEN"
    )
    parser.add_argument("--model", default="dlib", help="the folder of an InsightFace pack, or dlib (the default)")
    parser.add_argument(
        "--min-score", type=float, default=0.8, help="send faces detected with at least this score, 0..1"
    )
    parser.add_argument("--min-size", type=float, default=0, help="send faces of at least so many pixels")
    parser.add_argument(
        "--zone", type=_zone, action="append", help="send faces in this part: left,top,right,bottom as fractions; again"
    )
    parser.add_argument("--fps", type=float, default=2.0, help="frames to look at in a second")
    parser.add_argument("--queue", type=Path, default=Path("edge-queue"), help="the folder in which unsent faces wait")
    parser.add_argument("--once", action="store_true", help="end when a folder has been read, instead of watching it")
    options = parser.parse_args()
    if not options.token:
        parser.error("give the camera's token by --token or in SIGHTLINE_TOKEN; it is shown once, on the Cameras page")
    if not options.server.startswith(("http://", "https://")):
        parser.error(f"--server must begin with http:// or https://, not {options.server!r}")
    if not 0 <= options.min_score <= 1 or options.fps <= 0:
        parser.error("--min-score lies between 0 and 1, and --fps above 0")
    return options


def main() -> int:
    """Run until the source ends or a signal comes. Returns 0, 1 where faces are left unsent, 2 for a bad start."""
    options = arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    queue = DiskQueue(options.queue)
    sender = Sender(queue, options.server, options.token)
    reporter = Reporter(queue, options.server, options.token, options.source)
    signal.signal(signal.SIGTERM, _interrupt)
    found, ended = 0, False
    followed, is_folder = BestShots(), Path(options.source).is_dir()
    try:
        detector = detectors.load(options.model)
        frames = sources.frames(options.source, options.fps, options.once)
        sender.start()
        reporter.start()
        for frame in frames:
            seen = [face for face in detector.find(frame.bgr) if _is_wanted(face, frame.bgr.shape, options)]
            before = followed.begun
            shots = followed.see(frame, seen)
            reporter.saw(frame.seen_at, [face.detection_score for face in seen], followed.begun - before)
            if is_folder:
                # The next picture may be hours away, and show somebody else.
                shots += followed.finish()
            for shot in shots:
                found += _put(queue, shot)
        ended = True
    except (detectors.DetectorUnavailable, sources.SourceUnavailable) as problem:
        logger.error("%s", problem)
        return 2
    except KeyboardInterrupt:
        pass
    for shot in followed.finish():
        found += _put(queue, shot)
    reporter.finish(ended=ended)
    emptied = sender.finish(LAST_SECONDS if sender.reachable else 2.0)
    logger.info(
        "%d faces kept, %d sent, %d wait in %s, %d dropped",
        found,
        sender.sent,
        len(queue),
        options.queue,
        queue.dropped,
    )
    return 0 if emptied else 1


def _is_wanted(face: detectors.FoundFace, shape: tuple[int, ...], options: argparse.Namespace) -> bool:
    """Sure enough, large enough, and in a zone where there are any."""
    left, top, right, bottom = face.box
    if face.detection_score < options.min_score or min(right - left, bottom - top) < options.min_size:
        return False
    x, y = (left + right) / 2 / shape[1], (top + bottom) / 2 / shape[0]
    return not options.zone or any(x1 <= x <= x2 and y1 <= y <= y2 for x1, y1, x2, y2 in options.zone)


def _put(queue: DiskQueue, shot: Shot) -> int:
    details = {
        "id": str(uuid.uuid4()),
        "captured_at": shot.seen_at.isoformat(),
        "detection_score": round(shot.detection_score, 4),
        "box": ",".join(f"{value:.1f}" for value in shot.box),
        "track": shot.track,
    }
    queue.put(shot.jpeg, details, shot.track, shot.goodness)
    return 1


def _zone(text: str) -> tuple[float, ...]:
    try:
        left, top, right, bottom = sides = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no left,top,right,bottom") from None
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise argparse.ArgumentTypeError(f"{text}: sides are fractions of the picture, as 0,0.5,1,1")
    return sides


def _interrupt(signum: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
