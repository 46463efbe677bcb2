"""`manage.py prepare`: a database brought up to date, a face model, an administrator, a demo where it is empty."""

import getpass
import io
import os
import secrets
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import redis
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from cases import audit_heads, locks
from mpsite import database_user, embedded


class Command(BaseCommand):
    help = "What `quickstart` does before anything serves: migrations, face model, administrator, demo."
    # The database may not be there yet, and then that is what to say.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="leave an empty database empty")
        parser.add_argument(
            "--no-input", action="store_true", help="ask nothing; take the answers from the environment"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.asks = sys.stdin.isatty() and not options["no_input"]
        self.folder = embedded.data_dir()
        _check_servers()
        self.check()
        call_command("files", "check", stdout=io.StringIO())
        with self._in_turn():
            self._bring_up_to_date(demo=not options["no_demo"])

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """One after another where several machines start: two migrations at once break each other."""
        waits = False
        while True:
            with locks.held("prepare") as mine:
                if mine:
                    yield
                    return
            if not waits:
                self.stdout.write("Another machine prepares this database; waiting for it.")
            waits = True
            time.sleep(1)

    def _bring_up_to_date(self, demo: bool) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        if os.environ.get(embedded.EMBEDDED):
            database_user.grant()
        # The trail's heads are written with these.
        call_command("keys", stdout=io.StringIO())
        audit_heads.keep()
        self._files_can_be_read()
        self._prepare_model()
        self._bring_over()
        self._first_administrator()
        if demo:
            self._demo_when_empty()

    def _prepare_model(self) -> None:
        from matching.faces import engines, face_models

        try:
            model = face_models.prepare(self.stdout.write, self._licence_accepted)
            face_models.engine(model)
        except engines.EngineUnavailable as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(f"Face model: {model.name}")

    def _files_can_be_read(self) -> None:
        from cases import sealed_files
        from cases.models import Photo

        photo = Photo.objects.order_by("-pk").first()
        try:
            if photo is not None:
                sealed_files.check_can_read(photo.image.name or "")
        except sealed_files.SealedAway as problem:
            raise CommandError(f"The photos here cannot be read. {problem} Give FILES_KEY the key's file.") from problem

    def _bring_over(self) -> None:
        """What an older release did not write down and a migration cannot work out."""
        from matching.gallery import strengths

        strengths.write_missing()

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
    from matching.gallery import engines

    try:
        engines.fed()
    except engines.GalleryAway as problem:
        raise CommandError(str(problem)) from problem
