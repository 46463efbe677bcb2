"""`manage.py quickstart`, which `make run` calls: all that Sightline needs, started, looked after and stopped.

It outlives the start by months and only waits, so it loads no Django: what needs that is a process of its own.
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from pathlib import Path
from types import FrameType

from cases import heartbeat
from cases.orphans import die_with_parent
from mpsite import embedded

ROOT = Path(__file__).resolve().parent.parent
# Seconds after which it says that it has not forgotten.
PATIENCE = 30
STOP_SECONDS = 15
REVIVE_SECONDS = 5
# A process that says nothing for so long hangs.
HUNG_SECONDS = 40.0
# A process that lives shorter than this so often in a row will not live.
QUICK_SECONDS, QUICK_DEATHS = 5, 4

# Seconds, longer than browsers keep a connection that is silent: a form that comes as the server ends it is lost.
KEEP_ALIVE = "330"
# Other protocols that cameras speak, by the setting that asks for one: the process's name, and its command. What it
# hears it gives to `matching.ingest`.
BRIDGES = {"MQTT_URL": ("bridge", "mqtt_bridge")}
# Started once a camera is to be watched by this machine, which is asked for by a file; it ends when none is.
WATCH = "watch"

Processes = dict[str, subprocess.Popen[bytes]]


class CannotStart(Exception):
    """The text says why, or is empty where a process of ours has said it already."""


def main(arguments: list[str]) -> None:
    """Start, look after, stop. Ends the process with 0 after Ctrl-C, with 1 and the reason where it cannot go on."""
    options = _options(arguments)
    url = f"http://{options.host}:{options.port}/"
    # Links in messages lead here, unless people reach it by another name.
    os.environ.setdefault("PUBLIC_URL", url)
    servers = embedded.Servers(embedded.data_dir())
    processes: Processes = {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        servers.start()
        _check_port(options.host, options.port)
        _prepare(processes, options)
        _start(processes, options.host, options.port)
        _wait_for(url, processes)
        embedded.publish_url(url)
        _say_hello(options.host, options.port)
        _look_after(processes, servers, url)
    except KeyboardInterrupt:
        _say("\nStopping ...")
    except (CannotStart, embedded.EmbeddedServerError) as problem:
        sys.exit(str(problem) or 1)
    finally:
        # A second Ctrl-C must not leave a process behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _stop(processes)
        servers.stop()


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "manage.py quickstart",
        description="Start Sightline whole: database, Redis, migrations, face model, administrator, demo, web, worker, "
        "scheduler.",
    )
    parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
    parser.add_argument("--port", type=int, default=os.environ.get("PORT", "8000"))
    parser.add_argument("--no-demo", action="store_true", help="leave an empty database empty")
    parser.add_argument("--no-input", action="store_true", help="ask nothing; take the answers from the environment")
    return parser.parse_args(arguments)


def _prepare(processes: Processes, options: argparse.Namespace) -> None:
    flags = [flag for flag, wanted in (("--no-demo", options.no_demo), ("--no-input", options.no_input)) if wanted]
    # It may ask, so the terminal is its own meanwhile.
    processes["prepare"] = subprocess.Popen(
        [sys.executable, "manage.py", "prepare", *flags], cwd=ROOT, preexec_fn=die_with_parent
    )
    if processes.pop("prepare").wait():
        raise CannotStart


def _start(processes: Processes, host: str, port: int) -> None:
    threads = os.environ.get("CAPTURE_THREADS", "2")
    beat_schedule = embedded.data_dir() / "celerybeat-schedule"
    commands = {
        "web": ["uvicorn", "mpsite.asgi:application", "--host", host, "--port", str(port), "--log-level", "warning",
                "--no-access-log", "--no-proxy-headers", "--timeout-graceful-shutdown", "3",
                "--timeout-keep-alive", KEEP_ALIVE],
        "worker": ["celery", "--quiet", "-A", "mpsite", "worker", "--pool", "threads", "--concurrency", threads,
                   "-Q", "captures,work", "--hostname", "worker@%h", "--loglevel", "WARNING"],
        # Imports and bulk indexing. Nice: whatever is urgent goes first.
        "importer": ["celery", "--quiet", "-A", "mpsite", "worker", "--pool", "threads", "--concurrency", "3",
                     "-Q", "bulk", "--hostname", "importer@%h", "--loglevel", "WARNING"],
        "scheduler": ["celery", "--quiet", "-A", "mpsite.scheduler", "beat", "--schedule", str(beat_schedule),
                      "--pidfile", "", "--loglevel", "WARNING"],
    }  # fmt: skip
    for name, command in commands.items():
        processes[name] = _spawn(name, [sys.executable, "-m", *command])
    for setting, (bridge, management) in BRIDGES.items():
        if os.environ.get(setting):
            processes[bridge] = _spawn(bridge, [sys.executable, "manage.py", management])


def _wait_for(url: str, processes: Processes) -> None:
    began, said = time.monotonic(), 0
    while True:
        for name, process in processes.items():
            if process.poll() is not None:
                raise CannotStart(f"The {name} process ended with {process.returncode}; its lines above say why.")
        try:
            urllib.request.urlopen(f"{url}healthz/", timeout=2).close()  # noqa: S310 (our own address)
            return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.1)
        if (passed := int(time.monotonic() - began)) >= said + PATIENCE:
            said = passed
            _say(f"Still starting, for {passed} s: a slow machine takes its time. Ctrl-C stops it.")


def _say_hello(host: str, port: int) -> None:
    # By its name, not its number: browsers keep passkeys for names only.
    url = f"http://{'localhost' if host == '127.0.0.1' else host}:{port}/"
    lines = [
        f"\nSightline runs at {url}",
        "Try: press 'Play the demo camera' on the first page, or run `make demo-camera` in another terminal;",
        "     an alert appears by itself. Then press 'Search the sample photo'.",
        "Ctrl-C stops everything; the data stays.\n",
    ]
    _say("\n".join(lines))
    if sys.stdout.isatty() and _has_desktop():
        webbrowser.open(url)


def _has_desktop() -> bool:
    """Whether a browser would open in a window, and not take this terminal."""
    return sys.platform == "darwin" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


class _Beats:
    """Which processes hang: their files stay as they were, by the time that this process was itself at work."""

    def __init__(self) -> None:
        self._at_work, self._last = 0.0, time.monotonic()
        self._seen: dict[str, tuple[int, float]] = {}

    def tick(self) -> None:
        """Now and then. A machine that slept, or was too busy for us, is no reason to miss anybody."""
        now = time.monotonic()
        self._at_work += min(now - self._last, 2.0)
        self._last = now

    def has_hung(self, name: str) -> bool:
        try:
            beat = _beat_file(name).stat().st_mtime_ns
        except OSError:
            self._seen.pop(name, None)
            return False
        if self._seen.get(name, (0, 0.0))[0] != beat:
            self._seen[name] = (beat, self._at_work)
        return self._at_work - self._seen[name][1] > HUNG_SECONDS


def _beat_file(name: str) -> Path:
    return embedded.data_dir() / "beats" / name


def _look_after(processes: Processes, servers: embedded.Servers, url: str) -> None:
    """Until Ctrl-C. What dies is started again, the servers too; a process that keeps dying at once ends all."""
    started = dict.fromkeys(processes, time.monotonic())
    quick = dict.fromkeys(processes, 0)
    try_at = 0.0
    beats = _Beats()
    while True:
        time.sleep(0.5)
        now = time.monotonic()
        beats.tick()
        if now >= try_at:
            try:
                for name in servers.revive():
                    _complain(f"The embedded {name} was killed; it runs again.")
            except embedded.EmbeddedServerError as problem:
                # Its disk may be full for now.
                _complain(f"{problem} Trying again in {REVIVE_SECONDS} s.")
                try_at = now + REVIVE_SECONDS
        if WATCH not in processes and (embedded.data_dir() / WATCH).exists():
            processes[WATCH] = _spawn(WATCH, [sys.executable, "manage.py", "watch", *_own_address(url)])
            started[WATCH], quick[WATCH] = now, 0
        for name, process in list(processes.items()):
            if process.poll() is None:
                if beats.has_hung(name):
                    _complain(f"The {name} process has hung for {HUNG_SECONDS:.0f} s; it is ended and started anew.")
                    process.kill()
                continue
            if name == WATCH and process.returncode == 0:
                del processes[name]
                continue
            quick[name] = quick[name] + 1 if now - started[name] < QUICK_SECONDS else 0
            if quick[name] == QUICK_DEATHS:
                raise CannotStart(
                    f"The {name} process keeps ending with {process.returncode}; its lines above say why."
                )
            _complain(f"The {name} process ended with {process.returncode}; starting it again.")
            started[name] = now
            processes[name] = _spawn(name, list(process.args))  # type: ignore[arg-type]


def _own_address(url: str) -> list[str]:
    """Where this machine's own clients send: straight here, unless only HTTPS is answered."""
    return [] if os.environ.get("HTTPS") == "yes" else ["--server", url]


def _check_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotStart(
                f"{host} port {port} is taken or not allowed ({error.strerror}). Name another: PORT={port + 1} make run"
            ) from error


def _spawn(name: str, command: list[str]) -> subprocess.Popen[bytes]:
    beat = _beat_file(name)
    beat.parent.mkdir(exist_ok=True)
    beat.unlink(missing_ok=True)
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "mpsite.settings",
            **_database(),
            # The worker looks at two captures at once: a thread each is fastest for both.
            **({"FACE_THREADS": os.environ.get("FACE_THREADS", "1")} if name == "worker" else {}),
            heartbeat.KIND: name,
            heartbeat.FILE: str(beat),
            # Else each of many threads keeps what it once needed for itself.
            "MALLOC_ARENA_MAX": "2",
            # Checks would load every page; `prepare` has made them.
            "CELERY_SKIP_CHECKS": "yes",
            # Celery warns root of its pickle format, which is not in use here.
            "PYTHONWARNINGS": "ignore:You're running the worker with superuser",
        },
        stdin=subprocess.DEVNULL,
        # Of their own group: Ctrl-C reaches this process alone, which then stops them in order.
        start_new_session=True,
        preexec_fn=_nice_and_die_with_parent if name == "importer" else die_with_parent,
    )


def _database() -> dict[str, str]:
    """What serves is not the owner of the embedded database: no request can change the audit trail."""
    if not os.environ.get(embedded.EMBEDDED):
        return {}
    return {"DATABASE_URL": embedded.url_for_serving(os.environ["DATABASE_URL"])}


def _nice_and_die_with_parent() -> None:
    os.nice(10)
    die_with_parent()


def _stop(processes: Processes) -> None:
    for process in processes.values():
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes.values():
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
