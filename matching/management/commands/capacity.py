"""`manage.py capacity`: what so many cameras, cases and searches need, and cost a month."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from matching import capacity
from matching.faces import engines, face_models
from matching.forms import CapacityForm


class Command(BaseCommand):
    help = "Machines, memory, disk and money a month, by rates measured here, with the arithmetic."

    def add_arguments(self, parser: ArgumentParser) -> None:
        for name, field in CapacityForm.base_fields.items():
            usual = "" if field.initial is None else f" ({field.initial} if left out)"
            parser.add_argument(f"--{name}", help=f"{field.label or name}{usual}", default=field.initial)
        parser.add_argument("--measure", action="store_true", help="try what work costs here first: some seconds")

    def handle(self, *args: Any, **options: Any) -> None:
        form = CapacityForm({name: options[name] for name in CapacityForm.base_fields})
        if not form.is_valid():
            wrong = (f"--{name}: {' '.join(map(str, errors))}" for name, errors in form.errors.items())
            raise CommandError(" ".join(wrong))
        if options["measure"]:
            try:
                capacity.measure()
            except (capacity.NothingToMeasure, face_models.NoFaceModel, engines.EngineUnavailable) as problem:
                raise CommandError(str(problem)) from problem
        rate = capacity.rates()
        self.stdout.write(f"By {capacity.where_from(rate)}")
        for line in capacity.need(*form.said(), rate):
            self.stdout.write(f"{line.what:<28} {line.figure:<20} {line.how}")
