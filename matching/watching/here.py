"""Cameras that this machine watches itself: found, tried, an edge client for each, kept within limits and ended."""

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings
from django.db import DatabaseError, close_old_connections

from cases.orphans import die_with_parent
from cases.sealed import SealBroken, unseal
from edge_client import streams
from matching.faces import face_models
from matching.models import Camera

logger = logging.getLogger(__name__)

# How often it looks after its clients, and the pauses before one that ended is started again, seconds.
EVERY, FIRST_PAUSE, LONGEST_PAUSE = 3.0, 5.0, 60.0
# A client that lived so long ended for a reason of its own.
LIVED = 120.0
# Of one client. A stream of 4K takes 0.4 GB.
MOST_BYTES = 1500 * 2**20
# Whatever is urgent goes first, and each client has one core.
NICE = 10
STOP_SECONDS = 10.0
# A picture that is tried comes within so many seconds, or the camera says why not.
PICTURE_SECONDS = 25.0


class NoPicture(Exception):
    """The text says what is wrong with the source, and names no password."""


def picture(source: str) -> bytes:
    """What a stream shows, as a JPEG. It is opened by a process of its own. Raises `NoPicture`."""
    return _asked("picture", "--to", "-", source=source, nothing=f"{streams.shown(source)} gave no picture")


def cameras() -> list[dict[str, Any]]:
    """Those in this machine's networks that speak ONVIF, as `finding.Device`. Raises `NoPicture`."""
    found: list[dict[str, Any]] = json.loads(_asked("find", "--json", nothing="No camera answered"))
    return found


def streams_of(address: str) -> list[dict[str, Any]]:
    """The streams of such a camera, the largest first, as `finding.Stream`. Raises `NoPicture`."""
    said = _asked("find", "--json", source=address, nothing=f"{streams.shown(address)} did not say its streams")
    found: list[dict[str, Any]] = json.loads(said)
    return found


def _asked(command: str, *options: str, source: str = "", nothing: str) -> bytes:
    """What a client of its own process says. nothing: what is wrong where it says nothing. Raises `NoPicture`."""
    try:
        ended = subprocess.run(
            [*_client(command), *options], env=_environment(SIGHTLINE_SOURCE=source), cwd=settings.BASE_DIR,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=PICTURE_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise NoPicture(f"{nothing} in {PICTURE_SECONDS:.0f} seconds.") from None
    if ended.returncode or not ended.stdout:
        said = [line.partition(" ERROR ")[2] for line in ended.stderr.decode(errors="replace").splitlines()]
        raise NoPicture(next(filter(None, reversed(said)), f"{nothing}."))
    return ended.stdout


def watch(camera: Camera, source: str) -> None:
    """Let this machine watch the camera at this address; "" ends that."""
    camera.source = source
    camera.save(update_fields=["source"])
    if source:
        asked_for().touch()


def asked_for() -> Path:
    """The file that tells the supervisor to start the process that watches: without it none is needed."""
    path: Path = settings.DATA_DIR / "watch"
    return path


@dataclass
class _Watched:
    """One camera's client. token_hash: of the token that it was given."""

    source: str
    token_hash: str = ""
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    next_at: float = 0.0
    pause: float = FIRST_PAUSE
    problem: str = field(default="", compare=False)


class Watchers:
    """The clients of all cameras that this machine watches. server: where they send what they see."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._watched: dict[int, _Watched] = {}

    def run(self, is_over: Callable[[], bool], *, stays: bool = False) -> None:
        """Until it is over, or no camera is left to watch, unless it stays."""
        try:
            while not is_over():
                try:
                    if not self.look_after() and not stays:
                        asked_for().unlink(missing_ok=True)
                        # One may have been asked for since.
                        if not _wanted():
                            return
                except (DatabaseError, OSError) as problem:
                    logger.warning("cameras are not looked after for now: %s", problem)
                    close_old_connections()
                _sleep(EVERY, is_over)
        finally:
            self.stop()

    def look_after(self) -> int:
        """Start what is missing, end what is not wanted. Returns how many cameras are to be watched."""
        wanted = _wanted()
        for pk in [pk for pk, one in self._watched.items() if pk not in wanted or wanted[pk].source != one.source]:
            _end(self._watched.pop(pk))
        for pk, camera in wanted.items():
            one = self._watched.setdefault(pk, _Watched(camera.source))
            if one.process is not None and camera.token_hash != one.token_hash:
                # It was given another token by hand, which ended this one.
                _end(one)
            self._check(camera, one)
            if one.process is None and time.monotonic() >= one.next_at:
                self._start(camera, one)
        return len(wanted)

    def stop(self) -> None:
        for one in self._watched.values():
            if one.process is not None:
                one.process.terminate()
        for one in self._watched.values():
            _end(one)
        self._watched.clear()

    def _check(self, camera: Camera, one: _Watched) -> None:
        """Whether its client lives, and within its memory."""
        if one.process is None:
            return
        if one.process.poll() is None:
            used = _memory(one.process.pid)
            if used <= MOST_BYTES:
                return
            logger.warning("the client of %s took %d MB, and is started again", camera, used >> 20)
            _end(one)
        lived = time.monotonic() - one.started_at
        one.process, one.pause = None, FIRST_PAUSE if lived > LIVED else min(one.pause * 2, LONGEST_PAUSE)
        one.next_at = time.monotonic() + one.pause

    def _start(self, camera: Camera, one: _Watched) -> None:
        try:
            source = unseal(camera.source)
        except SealBroken as broken:
            if str(broken) != one.problem:
                one.problem = str(broken)
                logger.error("the address of %s: %s", camera, broken)
            one.next_at = time.monotonic() + LONGEST_PAUSE
            return
        token = camera.issue_token(watched_here=True)
        folder = settings.DATA_DIR / "watched" / str(camera.pk)
        folder.mkdir(parents=True, exist_ok=True)
        options = ["--server", self._server, "--queue", str(folder), "--model", detector(), "--threads", "1"]
        one.process = subprocess.Popen(
            [*_client("run"), *options], cwd=settings.BASE_DIR, stdin=subprocess.DEVNULL,
            env=_environment(SIGHTLINE_SOURCE=source, SIGHTLINE_TOKEN=token, OMP_NUM_THREADS="1"),
            preexec_fn=die_with_parent,
        )  # fmt: skip
        _limit(one.process.pid, camera.pk)
        one.token_hash, one.started_at, one.problem = camera.token_hash, time.monotonic(), ""


def detector() -> str:
    """The detector for a client on this machine: the pack in use where the client can use it, else dlib."""
    try:
        sources = face_models.sources(face_models.active())
    except face_models.NoFaceModel:
        return "dlib"
    usable = (one for one in sources if any([*Path(one).glob("det*.onnx"), *Path(one).glob("scrfd*.onnx")]))
    return next(usable, "dlib")


def _wanted() -> dict[int, Camera]:
    return {camera.pk: camera for camera in Camera.objects.filter(revoked_at=None).exclude(source="")}


def _client(command: str) -> list[str]:
    return [sys.executable, "-m", "edge_client", command]


def _environment(**more: str) -> dict[str, str]:
    """By the environment, for a command line can be read by every user of the machine. The client needs no secret of
    the server's."""
    kept = ("PATH", "HOME", "LANG", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "MALLOC_ARENA_MAX", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | more


def _limit(pid: int, number: int) -> None:
    """From outside and at once, before it loads its model. number: clients take turns over the cores."""
    try:
        client = psutil.Process(pid)
        client.nice(NICE)
        if hasattr(client, "cpu_affinity"):
            cores = sorted(os.sched_getaffinity(0))
            client.cpu_affinity([cores[number % len(cores)]])
    except psutil.NoSuchProcess:
        return


def _memory(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def _end(one: _Watched) -> None:
    if one.process is None:
        return
    one.process.terminate()
    try:
        one.process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        one.process.kill()
        one.process.wait()
    one.process = None


def _sleep(seconds: float, is_over: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while not is_over() and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, 0.5))
