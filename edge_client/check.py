"""`sightline-edge check`: what is wrong on a device, before anybody relies on it."""

import argparse
import os
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests

from edge_client import VERSION, detectors, sources, streams
from edge_client.home import Home
from edge_client.over_http import TIMEOUT
from edge_client.over_mqtt import Mqtt
from edge_client.queue import DiskQueue
from edge_client.watch import LEAST_PACE

FREE_MB = 200
CLOCK_SECONDS = 30
FRAMES = 5


def run(options: argparse.Namespace) -> int:
    """Print a line for each thing looked at. Returns 0, or 1 where something is wrong."""
    wrong = 0
    for name, problem, said in looked_at(options):
        wrong += bool(problem)
        sys.stdout.write(f"{'WRONG' if problem else 'ok':6}{name:10}{problem or said}\n")
        sys.stdout.flush()
    return 1 if wrong else 0


def looked_at(options: argparse.Namespace) -> Iterator[tuple[str, str, str]]:
    """What, what is wrong with it (or nothing), and what was found."""
    yield "client", "", f"version {VERSION}, Python {sys.version.split()[0]}, {os.cpu_count()} cores"
    home = Home(options.queue)
    yield from _folder(options, home)
    detector = None
    began = time.monotonic()
    try:
        detector = detectors.load(options.model, options.threads)
        yield "detector", "", f"{options.model}, loaded in {time.monotonic() - began:.1f} s"
    except detectors.DetectorUnavailable as problem:
        yield "detector", str(problem), ""
    yield from _source(options, detector)
    yield from _server(options, home)


def _folder(options: argparse.Namespace, home: Home) -> Iterator[tuple[str, str, str]]:
    free = shutil.disk_usage(home.folder).free / 2**20
    if not os.access(home.folder, os.W_OK):
        yield "folder", f"{home.folder} cannot be written: faces would wait in memory only", ""
    elif free < FREE_MB:
        yield "folder", f"{home.folder} has {free:.0f} MB left; faces wait there while the server is away", ""
    else:
        try:
            queue = DiskQueue(home.folder)
            yield "folder", "", f"{home.folder}: {len(queue)} faces wait, {queue.dropped} dropped, {free:.0f} MB free"
            queue.close()
        except sqlite3.Error as error:
            yield "folder", f"{home.folder}: {error}", ""


def _source(options: argparse.Namespace, detector: detectors.Detector | None) -> Iterator[tuple[str, str, str]]:
    source = streams.shown(options.source[0])
    try:
        seen, faces, spent = 0, 0, 0.0
        size = ""
        for frame in sources.frames(options.source, lambda: 5.0, once=True, home=options.queue, remember=False):
            seen += 1
            size = f"{frame.bgr.shape[1]} x {frame.bgr.shape[0]}"
            if detector is not None:
                began = time.monotonic()
                faces += len(detector.find(frame.bgr))
                spent += time.monotonic() - began
            if seen == FRAMES:
                break
    except sources.SourceUnavailable as problem:
        yield "source", str(problem), ""
        return
    if not seen:
        yield "source", "", f"{source} holds no picture yet"
        return
    yield "source", "", f"{source}: {size}, {faces} faces in {seen} frames"
    if detector is not None:
        a_look, fps = spent / seen, options.fps or LEAST_PACE
        slow = f"a look takes {a_look:.2f} s, so {fps:g} frames a second are not reached; frames are looked at smaller"
        yield "speed", slow if a_look > 1 / fps else "", f"a look takes {a_look:.2f} s"


def _server(options: argparse.Namespace, home: Home) -> Iterator[tuple[str, str, str]]:
    server, token = options.server or home.server, options.token or home.token
    if not server:
        yield "server", "none: pair the camera by its code, or name --server and --token", ""
        return
    if server.startswith("mqtt"):
        yield from _broker(server, token or "", options.ca)
        return
    try:
        answer = requests.get(f"{server.rstrip('/')}/healthz/", timeout=TIMEOUT, verify=options.ca or True)
        yield "server", "" if answer.ok else f"{server} is not well: {answer.text[:200]}", f"{server} answers"
        off = (datetime.now(UTC) - parsedate_to_datetime(answer.headers["Date"])).total_seconds()
        ahead = f"{abs(off):.0f} s {'ahead' if off > 0 else 'behind'}; captures are corrected, but set it right"
        yield "clock", ahead if abs(off) > CLOCK_SECONDS else "", f"{off:+.0f} s beside the server's"
        if not token:
            yield "token", "none: pair the camera by its code, or give --token", ""
            return
        # Nothing is kept of an empty report: what is refused is its content, or before that its token.
        answer = requests.post(
            f"{server.rstrip('/')}/api/v1/heartbeats/", json={}, timeout=TIMEOUT, verify=options.ca or True,
            headers={"Authorization": f"Bearer {token}"},
        )  # fmt: skip
        yield "token", answer.text[:200] if answer.status_code in (401, 403) else "", "the server knows it"
    except requests.exceptions.SSLError as error:
        yield "server", f"the certificate of {server} is not trusted: {str(error)[-120:]}; name its CA by --ca", ""
    except requests.RequestException as error:
        yield "server", f"{server} cannot be reached ({type(error).__name__})", ""


def _broker(server: str, token: str, ca: str | None) -> Iterator[tuple[str, str, str]]:
    where = server.split("@")[-1]
    try:
        broker = Mqtt(server, token, ca, lambda asked: None)
    except (ValueError, ImportError, OSError) as error:
        yield "broker", str(error), ""
        return
    problem = broker.wait(TIMEOUT[0])
    yield "broker", f"{where}: {problem}" if problem else "", f"{where} lets the camera in"
    broker.close()
