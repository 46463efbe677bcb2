"""`manage.py evaluate FOLDER`: a face model tried on labelled photos, with its figures beside the last ones."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from matching.evaluating import evaluation as evaluating
from matching.evaluating import figures
from matching.evaluating.labelled import NothingToEvaluate
from matching.faces import engines, face_models, packs
from matching.models import Evaluation


class Command(BaseCommand):
    help = "Try a face model on labelled photos: a folder for each person, or a CSV of path, person, role and group."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--model", help="an installed pack, a folder or dlib; the one in use if left out")
        parser.add_argument("--note", default="", help="kept with the figures")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            model = face_models.register(options["model"]) if options["model"] else face_models.active()
            evaluation = evaluating.begin(options["folder"].resolve(), model, note=options["note"])
            with tqdm(unit=" photos", mininterval=1, total=evaluation.total, file=self.stderr) as bar:
                evaluating.run(evaluation, progress=lambda now: _show(bar, now))
        except (NothingToEvaluate, face_models.NoFaceModel, engines.EngineUnavailable, packs.PackProblem) as problem:
            raise CommandError(str(problem)) from problem
        except evaluating.EvaluationBusy as problem:
            raise CommandError("A worker has taken this evaluation; the Evaluations page shows it.") from problem
        except KeyboardInterrupt:
            evaluating.stop(evaluation)
            raise CommandError("Stopped; nothing was kept but that it was begun.") from None
        if evaluation.status != Evaluation.Status.DONE:
            raise CommandError(evaluation.error or "Stopped from the Evaluations page.")
        self._say(evaluation)

    def _say(self, evaluation: Evaluation) -> None:
        for note in evaluation.notes:
            self.stdout.write(note)
        before = evaluating.before(evaluation)
        for label, now, then in figures.rows(evaluation, before):
            self.stdout.write(f"{label:<34} {now:<12} {f'before: {then}' if then else ''}".rstrip())
        for group in (evaluation.figures or {})["groups"]:
            self.stdout.write(
                f"  {group['name']}: {figures.share(group['fnmr'])} of {group['mates']:,} mates missed, "
                f"{figures.share(group['fmr'])} of {group['non_mates']:,} pairs of non-mates matched"
            )
        for title, _, bands in figures.banded(evaluation):
            for band in bands:
                first, missed = figures.share(band["first"]), figures.share(band["missed"])
                of = f"{title.lower()}, {band['name']}: of {band['mates']:,} mates"
                self.stdout.write(f"  {of} {first} found first, {missed} missed at FPIR 10 %")
        for what, why in evaluation.problems:
            self.stdout.write(f"  {what}: {why}")


def _show(bar: Any, evaluation: Evaluation) -> None:
    bar.update(evaluation.done - bar.n)
