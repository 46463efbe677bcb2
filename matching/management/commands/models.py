"""`manage.py models`: list, install, verify and activate face models."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from matching.faces import engines, face_models, packs
from matching.indexing import changing_over, second_model
from matching.models import Face, FaceModel


class Command(BaseCommand):
    help = "List, install, verify and activate face models."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="what is installed, in use and to be had")
        prepare = actions.add_parser("prepare", help="pick the model FACE_MODEL asks for, where none is in use yet")
        install = actions.add_parser("install", help="get a public pack from the net, or any pack from a zip")
        install.add_argument("pack", help=f"{', '.join(packs.KNOWN | packs.OTHERS)}, or the path of a zip")
        for parser_ in (prepare, install):
            parser_.add_argument(
                "--accept-licence", action="store_true", help="accept what `list` says of the pack's licence"
            )
        verify = actions.add_parser("verify", help="compare installed packs with the published checksums")
        verify.add_argument("pack", nargs="?", help="all if left out")
        activate = actions.add_parser("activate", help="embed the gallery with another model, then search with it")
        activate.add_argument("model", help="an installed pack, a folder or dlib")

        second = actions.add_parser("second", help="keep another model's embeddings too, for second opinions")
        second.add_argument("model", help="an installed pack, a folder, dlib, or none")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, options["action"])(options)
        except (packs.PackProblem, engines.EngineUnavailable) as problem:
            raise CommandError(str(problem)) from problem

    def list(self, options: dict[str, Any]) -> None:
        for model in FaceModel.objects.order_by("name"):
            use = "in use" if model.is_active else "second opinion" if model.is_second else "not in use"
            faces = Face.objects.filter(model=model).count()
            details = f"{use}, {model.dimensions} numbers, {model.recipe}, {faces} faces"
            self.stdout.write(f"{model.name:<20} {details}  {model.source}")
        for name, folder in packs.installed().items():
            self.stdout.write(f"{name:<20} installed  {folder}")
        for name, pack in (packs.KNOWN | packs.OTHERS).items():
            if packs.find(name) is None:
                self.stdout.write(f"{name:<20} to be had: {pack.description}")
        for licence in dict.fromkeys(pack.licence for pack in packs.KNOWN.values()):
            self.stdout.write(licence)

    def prepare(self, options: dict[str, Any]) -> None:
        accepted = options["accept_licence"] or face_models.licence_accepted()
        model = face_models.prepare(self.stdout.write, lambda: accepted)
        self.stdout.write(f"Face model: {model.name}")

    def install(self, options: dict[str, Any]) -> None:
        path = Path(options["pack"])
        if path.suffix == ".zip":
            if not path.is_file():
                raise CommandError(f"There is no file {path}.")
            folder = packs.install_zip(path, path.stem)
        else:
            known = packs.known(options["pack"])
            accepted = options["accept_licence"] or face_models.licence_accepted()
            if known and not (known.for_any_use or accepted):
                raise CommandError(
                    f"{known.licence} To accept that: add --accept-licence, or set ACCEPT_MODEL_LICENCE=yes."
                )
            folder = packs.download(options["pack"], self._progress)
        if folder.name in packs.OTHERS:
            self.stdout.write(f"Installed in {folder}. It is turned on, with its purpose, on the System page.")
        else:
            self.stdout.write(f"Installed in {folder}. To use it: manage.py models activate {folder.name}")

    def verify(self, options: dict[str, Any]) -> None:
        found = packs.installed()
        wanted = [options["pack"]] if options["pack"] else list(found)
        if not wanted:
            self.stdout.write(f"No pack is installed in {settings.MODELS_DIR}.")
        problems = []
        for name in wanted:
            if name not in found:
                problems.append(f"{name} is not installed.")
                continue
            try:
                packs.verify(name, found[name])
                self.stdout.write(f"{name}: the checksums agree.")
            except packs.PackProblem as problem:
                problems.append(str(problem))
        if problems:
            raise CommandError(" ".join(problems))

    def activate(self, options: dict[str, Any]) -> None:
        model = face_models.register(options["model"])
        if model.is_active:
            self.stdout.write(f"{model.name} is in use already.")
            return
        face_models.embed_next(model)
        try:
            changing_over.change_over(model, progress=self._progress_photos)
        except changing_over.ChangeOverBusy as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(f"{model.name} is in use. Set FACE_MODEL to it where FACE_MODEL names another.")

    def second(self, options: dict[str, Any]) -> None:
        if options["model"] == "none":
            second_model.leave_off()
            self.stdout.write("No second model is kept.")
            return
        model = face_models.register(options["model"])
        try:
            second_model.keep(model)
        except second_model.SecondModelRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        second_model.fill(model, progress=self._progress_photos)
        self.stdout.write(f"Searches can be asked of {model.name} too. New photos are embedded with it by themselves.")

    def _progress(self, got: int, total: int) -> None:
        self.stdout.write(f"  {got / 2**20:.0f} of {total / 2**20:.0f} MB")

    def _progress_photos(self, done: int, total: int) -> None:
        self.stdout.write(f"  {done:,} of {total:,} photos embedded")
