"""`manage.py quickstart`, which `make run` calls: all that Sightline needs, started, looked after and stopped."""

import getpass
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg
import redis
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from mpsite import embedded

START_SECONDS = 60
STOP_SECONDS = 15


class Command(BaseCommand):
    help = (
        "Start Sightline whole: database, Redis, migrations, face model, administrator, demo, web, worker, scheduler."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
        parser.add_argument("--port", type=int, default=os.environ.get("PORT", "8000"))
        parser.add_argument("--no-demo", action="store_true", help="leave an empty database empty")
        parser.add_argument(
            "--no-input", action="store_true", help="ask nothing; take the answers from the environment"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.asks = sys.stdin.isatty() and not options["no_input"]
        self.folder = embedded.data_dir()
        url = f"http://{options['host']}:{options['port']}/"
        children: dict[str, subprocess.Popen[bytes]] = {}
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        try:
            _check_port(options["host"], options["port"])
            _check_servers()
            call_command("migrate", verbosity=0, interactive=False)
            self._prepare_model()
            self._first_administrator()
            if not options["no_demo"]:
                self._demo_when_empty()
            children = self._start_children(options["host"], options["port"])
            self._wait_for(url, children)
            embedded.publish_url(url)
            self._say_hello(url)
            self._look_after(children)
        except KeyboardInterrupt:
            self.stdout.write("\nStopping ...")
        finally:
            # A second Ctrl-C must not leave a process behind.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            _stop(children)

    def _prepare_model(self) -> None:
        from matching.faces import engines, face_models

        try:
            model = face_models.prepare(self.stdout.write, self._licence_accepted)
            face_models.engine(model)
        except engines.EngineUnavailable as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(f"Face model: {model.name}")

    def _licence_accepted(self) -> bool:
        from matching.faces import face_models, packs

        answer = self.folder / "model-licence"
        if face_models.licence_accepted() or (answer.exists() and answer.read_text() == "yes"):
            return True
        if answer.exists() or not self.asks:
            return False
        self.stdout.write(f"\nThe face model buffalo_l (275 MB) makes Sightline far better. {packs.LICENCE}")
        yes = input("Download it and accept that licence? [y/N] ").strip().lower() in ("y", "yes")
        answer.write_text("yes" if yes else "no")
        return yes

    def _first_administrator(self) -> None:
        """Make an administrator where there is none. A made-up password is shown at once, and only then."""
        from django.contrib.auth import get_user_model
        from django.contrib.auth.password_validation import validate_password
        from django.core.exceptions import ValidationError

        users = get_user_model()
        if users.objects.filter(is_superuser=True).exists():
            return
        name, password = "admin", os.environ.get("ADMIN_PASSWORD", "")
        if not password and self.asks:
            self.stdout.write("\nThe first administrator. Leave the password empty to have one made.")
            name = input("Name [admin]: ").strip() or "admin"
            while password := getpass.getpass("Password: "):
                try:
                    validate_password(password)
                    break
                except ValidationError as error:
                    self.stdout.write(" ".join(error.messages))
        generated = "" if password else secrets.token_urlsafe(12)
        users.objects.create_superuser(name, password=password or generated)
        if generated:
            self.stdout.write(f"Sign in as {name} / {generated}   (shown this once: write it down)")

    def _demo_when_empty(self) -> None:
        from cases.models import Case
        from matching import demo

        if not Case.objects.exists():
            self.stdout.write(f"{demo.load()} demo cases loaded.")

    def _start_children(self, host: str, port: int) -> dict[str, subprocess.Popen[bytes]]:
        beat_schedule = self.folder / "celerybeat-schedule"
        commands = {
            "web": ["uvicorn", "mpsite.asgi:application", "--host", host, "--port", str(port), "--log-level", "warning",
                    "--no-access-log", "--timeout-graceful-shutdown", "3"],
            "worker": ["celery", "--quiet", "-A", "mpsite", "worker", "--pool", "threads", "--concurrency", "2",
                       "-Q", "captures,work", "--hostname", "worker@%h", "--loglevel", "WARNING"],
            # Imports and bulk indexing. Nice: whatever is urgent goes first.
            "importer": ["celery", "--quiet", "-A", "mpsite", "worker", "--pool", "threads", "--concurrency", "3",
                         "-Q", "bulk", "--hostname", "importer@%h", "--loglevel", "WARNING"],
            "scheduler": ["celery", "--quiet", "-A", "mpsite", "beat", "--schedule", str(beat_schedule),
                          "--pidfile", "", "--loglevel", "WARNING"],
        }  # fmt: skip
        return {name: _spawn(name, [sys.executable, "-m", *command]) for name, command in commands.items()}

    def _wait_for(self, url: str, children: dict[str, subprocess.Popen[bytes]]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            for name, child in children.items():
                if child.poll() is not None:
                    raise CommandError(f"The {name} process ended with {child.returncode}; its lines above say why.")
            try:
                urllib.request.urlopen(f"{url}healthz/", timeout=2).close()  # noqa: S310 (our own address)
                return
            except (urllib.error.URLError, TimeoutError):
                time.sleep(0.1)
        raise CommandError(f"{url} did not answer within {START_SECONDS} s.")

    def _say_hello(self, url: str) -> None:
        lines = [
            f"\nSightline runs at {url}",
            "Try: open Cameras and press 'Play the demo camera', or run `make demo-camera` in another terminal;",
            "     an alert appears on the Alerts page. Then drop a photo on Search.",
            "Ctrl-C stops everything; the data stays.\n",
        ]
        self.stdout.write("\n".join(lines))

    def _look_after(self, children: dict[str, subprocess.Popen[bytes]]) -> None:
        """Until Ctrl-C. A worker or scheduler that dies is started again; without the web all is stopped."""
        started = time.monotonic()
        while True:
            time.sleep(0.5)
            for name, child in list(children.items()):
                if child.poll() is None:
                    continue
                if name == "web" or time.monotonic() - started < 5:
                    raise CommandError(f"The {name} process ended with {child.returncode}; its lines above say why.")
                self.stderr.write(f"The {name} process ended with {child.returncode}; starting it again.")
                started = time.monotonic()
                children[name] = _spawn(name, list(child.args))  # type: ignore[arg-type]


def _check_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"{host} port {port} is taken or not allowed ({error.strerror}). Name another: PORT={port + 1} make run"
            ) from error


def _check_servers() -> None:
    try:
        with psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=5):
            pass
    except psycopg.Error as error:
        raise CommandError(f"The database that DATABASE_URL names does not let us in: {error}") from error
    try:
        with redis.Redis.from_url(os.environ["REDIS_URL"], socket_connect_timeout=5) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        raise CommandError(f"The Redis that REDIS_URL names does not answer: {error}") from error


def _spawn(name: str, command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        cwd=Path(__file__).resolve().parents[3],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "mpsite.settings",
            # The worker looks at two captures at once: a thread each is fastest for both.
            **({"FACE_THREADS": os.environ.get("FACE_THREADS", "1")} if name == "worker" else {}),
            # Celery warns root of its pickle format, which is not in use here.
            "PYTHONWARNINGS": "ignore:You're running the worker with superuser",
        },
        stdin=subprocess.DEVNULL,
        # Of their own group: Ctrl-C reaches this process alone, which then stops them in order.
        start_new_session=True,
        preexec_fn=_nice_and_die_with_parent if name == "importer" else _die_with_parent,
    )


def _nice_and_die_with_parent() -> None:
    os.nice(10)
    _die_with_parent()


def _die_with_parent() -> None:
    """On Linux a child is told to end when this process is killed without a chance to stop it."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _stop(children: dict[str, subprocess.Popen[bytes]]) -> None:
    for child in children.values():
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for child in children.values():
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
