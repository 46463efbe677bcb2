"""`sightline-edge --source 0|rtsp://…|clip.mp4|folder/`, and before it `pair` and `check`."""

import argparse
import getpass
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

from edge_client import check, detectors, finding, pairing, picture, sources, streams, watchdog
from edge_client.home import Home, HomeTaken
from edge_client.line import Line
from edge_client.moments import Moments
from edge_client.over_http import Http, PairingFailed, Unreachable
from edge_client.over_mqtt import Mqtt
from edge_client.queue import DiskQueue
from edge_client.reporting import Reporter
from edge_client.sender import Sender
from edge_client.settings import LiveSettings, Settings, checked_zone
from edge_client.watch import Watch

logger = logging.getLogger("edge_client")

LAST_SECONDS = 30.0
PROBLEMS = (
    detectors.DetectorUnavailable, sources.SourceUnavailable, HomeTaken, PairingFailed, finding.NotFound, ValueError,
    OSError,
)  # fmt: skip
COMMANDS = {
    "run": "watch a source (also without a command)",
    "pair": "get a token by a code",
    "check": "say what is wrong",
    "picture": "save one picture of the source",
    "find": "list the cameras in this network that speak ONVIF; with --source http://name@camera, its streams",
}


def arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="sightline-edge",
        description="Find faces beside a camera and send them to Sightline.",
        epilog="Commands: " + "; ".join(f"{name}: {what}" for name, what in COMMANDS.items()),
    )
    parser.add_argument("command", nargs="?", choices=COMMANDS, default="run", help="run, where none is named")
    parser.add_argument(
        "--source", action="append",
        help="a camera's index, an rtsp:// or http:// stream, a clip, a folder, s3://bucket/prefix, mqtt://broker/topic"
        " or awscam; again: the substream to fall back to. Or in SIGHTLINE_SOURCE, parted by spaces, which no list of "
        "processes shows; of rtsp://name@… the password is taken from SIGHTLINE_SOURCE_PASSWORD, or asked for",
    )  # fmt: skip
    parser.add_argument("--server", help="Sightline's address, e.g. https://sightline.example, or mqtts://broker/name")
    parser.add_argument(
        "--token", default=os.environ.get("SIGHTLINE_TOKEN"), help="the camera's token, or in SIGHTLINE_TOKEN"
    )
    parser.add_argument("--ca", help="a file or folder of certificates to trust beside the usual ones")
    parser.add_argument(
        "--code", help="with pair: the code from the camera's page; without it the camera reads its QR code"
    )
    parser.add_argument("--model", default="dlib", help="the folder of an InsightFace pack, or dlib (the default)")
    parser.add_argument("--threads", type=int, default=0, help="threads of the pack's detector; a core each by default")
    parser.add_argument(
        "--min-score", type=float, default=0.8, help="send faces detected with at least this score, 0..1"
    )
    parser.add_argument("--min-size", type=float, default=0, help="send faces of at least so many pixels")
    parser.add_argument(
        "--zone", type=_zone, action="append", help="send faces in this part: left,top,right,bottom as fractions; again"
    )
    parser.add_argument(
        "--fps", type=float, help="frames to look at in a second; as many as the machine has time for, without"
    )
    parser.add_argument(
        "--turn",
        type=int,
        choices=(0, 90, 180, 270),
        help="degrees clockwise to turn each frame; found by trying, without",
    )
    parser.add_argument("--no-preview", action="store_true", help="show nobody what the camera sees, whoever asks")
    parser.add_argument(
        "--queue", type=Path, default=Path("edge-queue"), help="the client's folder: unsent faces, token"
    )
    parser.add_argument("--most-faces", type=int, default=20_000, help="unsent faces kept at most")
    parser.add_argument("--most-mb", type=int, default=2048, help="megabytes of unsent faces kept at most")
    parser.add_argument("--to", default="picture.jpg", help="with picture: the file to write, - for standard output")
    parser.add_argument("--json", action="store_true", help="with find: as JSON")
    parser.add_argument("--once", action="store_true", help="end when a folder has been read, instead of watching it")
    options = parser.parse_args(words)
    options.source = _with_passwords(options.source or os.environ.get("SIGHTLINE_SOURCE", "").split())
    if options.command not in ("pair", "find") and not options.source:
        parser.error("name a --source: a camera's index, a stream, a clip or a folder")
    if options.server and not options.server.startswith(("http://", "https://", "mqtt://", "mqtts://")):
        parser.error(f"--server must begin with http://, https://, mqtt:// or mqtts://, not {options.server!r}")
    if not 0 <= options.min_score <= 1 or (options.fps is not None and options.fps <= 0):
        parser.error("--min-score lies between 0 and 1, and --fps above 0")
    if options.ca and not Path(options.ca).exists():
        parser.error(f"--ca {options.ca} is not there")
    return options


def main(words: list[str] | None = None) -> int:
    """Run until the source ends or a signal comes. Returns 0, 1 where faces are left unsent, 2 for a bad start."""
    options = arguments(sys.argv[1:] if words is None else words)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    # Its own lines name addresses, and ours say what matters.
    logging.getLogger("websockets").setLevel(logging.ERROR)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if options.command == "check":
            return check.run(options)
        if options.command == "picture":
            return picture.run(options)
        if options.command == "find":
            return finding.run(options)
        home = Home(options.queue)
        if options.command == "pair":
            pairing.run(home, options.server, options.code, options.source, options.ca, options.token or "")
            return 0
        home.take()
        return watch(options, home)
    except (*PROBLEMS, BadStart) as problem:
        logger.error("%s", problem)
        return 2
    except KeyboardInterrupt:
        # A second signal, while what is left was still being sent.
        logger.warning("ended at once; what is unsent waits in %s", options.queue)
        return 1


def _with_passwords(named: list[str]) -> list[str]:
    """Streams of a name without a password, with it: from the environment, or typed where somebody is there to type."""
    password = os.environ.get("SIGHTLINE_SOURCE_PASSWORD")
    found = []
    for source in named:
        scheme, _, rest = source.partition("://")
        user, at, where = rest.rpartition("@")
        if scheme in ("rtsp", "rtsps", "http", "https", "mqtt", "mqtts") and at and ":" not in user:
            if password is None and sys.stdin is not None and sys.stdin.isatty():
                password = getpass.getpass(f"Password of {user} at {streams.shown(source)}: ")
            if password is not None:
                source = f"{scheme}://{user}:{quote(password, safe='')}@{where}"
        found.append(source)
    return found


class BadStart(Exception):
    """The text says what is missing and where to get it."""


def watch(options: argparse.Namespace, home: Home) -> int:
    """Find and send faces until the source ends. Raises what a bad start raises."""
    server, token = options.server or home.server, options.token or home.token
    if not server:
        raise BadStart("Name the server by --server, or pair the camera first: sightline-edge pair --source 0")
    token = token or ""
    if not token and not server.startswith("mqtt"):
        raise BadStart(
            "Pair the camera by its code from the Cameras page, or give its token by --token or SIGHTLINE_TOKEN."
        )
    own = Settings(
        fps=options.fps, min_score=options.min_score, min_size=options.min_size, zones=tuple(options.zone or ()),
        turn=options.turn, detector="dlib" if options.model == "dlib" else Path(options.model).expanduser().name,
    )  # fmt: skip
    settings = LiveSettings(own, may_preview=not options.no_preview)
    queue = DiskQueue(options.queue, options.most_faces, options.most_mb * 2**20)
    transport: Http | Mqtt
    line = None
    moments = Moments(lambda said: transport.clip(said), settings)

    def follow(orders: dict[str, Any]) -> None:
        if "settings" in orders and settings.take_up(orders["settings"]):
            logger.info("new settings: %s", settings.now)
        for uid in orders.get("clips", []):
            moments.want(str(uid))
        # A token that was given by hand is changed by hand.
        if orders.get("rotate") and isinstance(transport, Http) and line is not None and not options.token:
            try:
                fresh = transport.another_token()
            except Unreachable as problem:
                logger.warning("no other token: %s", problem)
                return
            home.keep_token(server, fresh)
            transport.use(fresh)
            line.token = fresh

    if server.startswith("mqtt"):
        transport = Mqtt(server, token, options.ca, follow, home.client)
    else:
        transport = Http(server, token, options.ca)
        line = Line(server, token, settings, options.ca, moments.want)
    models = detectors.available(options.model)
    models.setdefault(own.detector, options.model)
    sender = Sender(queue, transport)
    reporter = Reporter(
        queue, transport, options.source[0], lambda: {"client": home.client, **watching.about()}, follow
    )
    watching = Watch(
        settings, models, queue, reporter, line, moments=moments,
        has_moments=sources.has_moments(options.source[0]),
        alive=lambda: watchdog.notify("WATCHDOG=1"), threads=options.threads,
    )  # fmt: skip

    def say(problem: str) -> None:
        watching.source_problem = problem

    frames = sources.frames(
        options.source, watching.pace, once=options.once, home=options.queue,
        idle=lambda: watchdog.notify("WATCHDOG=1"), say=say,
    )  # fmt: skip
    ended = False
    try:
        sender.start()
        reporter.start()
        moments.start()
        if line is not None:
            line.start()
        watchdog.notify("READY=1")
        watching.run(frames)
        ended = True
    except KeyboardInterrupt:
        pass
    except sources.SourceUnavailable as problem:
        watching.source_problem = str(problem)
        reporter.finish(ended=False)
        raise
    watching.finish()
    reporter.finish(ended=ended)
    emptied = sender.finish(LAST_SECONDS, if_away=2.0)
    moments.finish(2.0)
    if isinstance(transport, Mqtt):
        transport.close()
    logger.info(
        "%d faces kept, %d sent, %d wait in %s, %d dropped",
        watching.kept,
        sender.sent,
        len(queue),
        options.queue,
        queue.dropped,
    )
    return 0 if emptied else 1


def _zone(text: str) -> tuple[float, ...]:
    try:
        sides = [float(part) for part in text.split(",")]
        return checked_zone(sides)
    except ValueError as error:
        words = error if "fractions" in str(error) else "is no left,top,right,bottom"
        raise argparse.ArgumentTypeError(f"{text}: {words}") from None


def _interrupt(signum: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
