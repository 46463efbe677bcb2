"""`manage.py import namus --ids 1-20000`: a source read from the terminal, with progress; Ctrl-C pauses."""

import signal
from argparse import ArgumentParser
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count
from tqdm import tqdm

from cases import importing
from cases.models import Collection, ImportRun, ImportSource
from cases.sources import KINDS


class Command(BaseCommand):
    help = "Import cases and photos from a registry, a spreadsheet or a folder. Run again, it goes on where it was."

    def add_arguments(self, parser: ArgumentParser) -> None:
        kinds = parser.add_subparsers(dest="kind", required=True)
        namus = kinds.add_parser("namus", help="missing or unidentified persons of the United States")
        which = namus.add_mutually_exclusive_group(required=True)
        which.add_argument("--ids", metavar="FROM-TO", help="case numbers, e.g. 1-20000")
        which.add_argument("--csv", metavar="FILE", help="the list that the site exports, with a column Case Number")
        namus.add_argument("--unidentified", action="store_true", help="unidentified instead of missing persons")
        interpol = kinds.add_parser("interpol", help="Interpol's public notices")
        interpol.add_argument("colour", choices=["yellow", "red"], help="yellow: missing; red: wanted")
        kinds.add_parser("fbi", help="the FBI's wanted and missing persons")
        sheet = kinds.add_parser(
            "spreadsheet",
            help="a table (CSV, XLSX, XLS, ODS, HTML), with photos in a folder, a zip or s3://bucket/prefix",
        )
        sheet.add_argument("file")
        sheet.add_argument("--photos", default="", metavar="WHERE")
        sheet.add_argument("--column", action="append", default=[], metavar="WHAT=COLUMN", help="else guessed")
        sheet.add_argument("--encoding", default="", help="as Python names it, e.g. cp1251; else found out")
        sheet.add_argument("--sheet", default="", help="of a workbook; else the first with known headings")
        sheet.add_argument(
            "--header-line", type=int, default=0, metavar="N", help="where the header stands; else found out"
        )
        folder = kinds.add_parser("folder", help="photos named <case number>-<n>.jpg")
        folder.add_argument("path")
        for parser_ in (sheet, folder):
            parser_.add_argument("--complete", action="store_true", help="close cases that are no longer in it")
        for parser_ in kinds.choices.values():
            parser_.add_argument("--name", help="the source's name on the Imports page; a new name is a new source")
            parser_.add_argument("--collection", help="where new cases go")
            parser_.add_argument("--check-photos", action="store_true", help="ask for photos of unchanged cases too")
            parser_.add_argument("--schedule", choices=ImportSource.Schedule.values, help="keep it current from now on")

    def handle(self, *args: Any, **options: Any) -> None:
        source = self._source(options)
        try:
            run = importing.start(source, check_photos=options["check_photos"])
            if run.read:
                self.stdout.write(f"Going on with the run of {run.started_at:%Y-%m-%d %H:%M} after {run.read} records.")
            interrupted: list[int] = []

            def interrupt(number: int, frame: FrameType | None) -> None:
                interrupted.append(number)

            before = signal.signal(signal.SIGINT, interrupt)
            try:
                with tqdm(initial=run.read, unit=" records", mininterval=1, file=self.stderr) as bar:
                    run = importing.work(run, must_stop=lambda: bool(interrupted), progress=lambda run: _show(bar, run))
            finally:
                signal.signal(signal.SIGINT, before)
        except importing.ImportBusy as problem:
            raise CommandError(str(problem)) from problem
        if interrupted and importing.pause(run):
            self.stdout.write("Paused. The same command, or the Imports page, goes on from here.")
        self._report(run)

    def _source(self, options: dict[str, Any]) -> ImportSource:
        kind, wanted = _kind_and_options(options)
        name = options["name"] or KINDS[kind].label
        source = ImportSource.objects.filter(name=name).first() or ImportSource(name=name, kind=kind)
        if source.kind != kind:
            raise CommandError(f"{name} is a source of another kind, {KINDS[source.kind].label}; give another --name.")
        if source.pk is None or options["collection"]:
            title = options["collection"] or KINDS[kind].collection
            known = Collection.objects.filter(name=title).first()
            source.collection = known or Collection.objects.create(name=title, kind=KINDS[kind].holds)
        if kind == "spreadsheet" and "columns" in source.options and not wanted.get("columns"):
            wanted["columns"] = source.options["columns"]
        source.options = wanted
        if options["schedule"] == ImportSource.Schedule.WATCHED and not KINDS[kind].files:
            raise CommandError(f"{KINDS[kind].label} cannot be watched; choose daily or weekly.")
        if options["schedule"] is not None:
            source.schedule = options["schedule"]
        source.save()
        return source

    def _report(self, run: ImportRun) -> None:
        counts = ", ".join(f"{count:,} {what}" for what, count in run.tally)
        self.stdout.write(f"{run.source}: {run.get_status_display().lower()}. {counts or 'Nothing was read'}.")
        if run.status == ImportRun.Status.HALTED:
            raise CommandError(run.note)
        if problems := run.source.problems.filter(ended_at=None).count():
            self.stdout.write(f"{problems:,} records or photos were refused; the Imports page says which and why.")
        for column, count in run.source.doubts.order_by().values_list("column").annotate(Count("pk")):
            first = run.source.doubts.filter(column=column).first()
            example = f", e.g. {first.key}: {first.text!r}" if first else ""
            self.stdout.write(f"  {column}: {count:,} could not be read{example}")
        self.stdout.write("A running Sightline indexes the photos by itself; without one: manage.py index")


def _kind_and_options(options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The kind's name in `KINDS` and its options. Paths are made whole, for a worker may go on elsewhere."""
    kind = options["kind"]
    if kind == "namus":
        which = {"csv": str(Path(options["csv"]).resolve())} if options["csv"] else {"ids": options["ids"]}
        return ("namus-unidentified" if options["unidentified"] else "namus-missing"), which
    if kind == "interpol":
        return f"interpol-{options['colour']}", {}
    if kind == "fbi":
        return "fbi", {}
    if kind == "folder":
        return "folder", {"path": str(Path(options["path"]).resolve()), "complete": options["complete"]}
    photos = options["photos"]
    if photos and not photos.startswith("s3://"):
        photos = str(Path(photos).resolve())
    columns = dict(part.split("=", 1) for part in options["column"] if "=" in part)
    if len(columns) != len(options["column"]):
        raise CommandError("Write --column as WHAT=COLUMN, e.g. --column number='Booking No'.")
    wanted: dict[str, Any] = {"file": str(Path(options["file"]).resolve()), "photos": photos}
    how = {"encoding": options["encoding"], "sheet": options["sheet"], "line": options["header_line"]}
    wanted |= {name: value for name, value in how.items() if value}
    return "spreadsheet", wanted | {"complete": options["complete"]} | ({"columns": columns} if columns else {})


def _show(bar: Any, run: ImportRun) -> None:
    bar.total = run.total
    bar.update(run.read - bar.n)
    bar.set_postfix({what: count for what, count in run.counts.items() if what != "read"}, refresh=False)
