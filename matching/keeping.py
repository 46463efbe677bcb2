"""What is kept and for how long: searches by their collections' days, files by their rows; a person's data."""

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.apps import apps
from django.contrib.auth.models import User
from django.core import serializers
from django.core.files.storage import default_storage
from django.db import models, transaction
from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone

from cases import erased, stores, work
from cases.models import AuditEvent, Case, Collection, Photo
from matching import set_aside
from matching.models import Alert, AlertClip, Candidate, Face, KeepingRun, Opinion, Review, Search, UnnamedPerson
from matching.watching import alert_clips, fleet, retention

# Beyond so many photos without a file, and such a share of all, the place is not whole.
FEW_GONE, SHARE_GONE = 20, 0.02
TOO_MANY_GONE = "photos without a file, so many that nothing was changed: are all files where they are kept?"
# A file younger than this may be on its way to its row.
SETTLED = timedelta(days=1)
DECIDED = [Candidate.Decision.POSSIBLE, Candidate.Decision.CONFIRMED, Candidate.Decision.DISPUTED]


class Held(Exception):
    """A legal hold keeps the case; the text says so."""

    def __init__(self, case: Case) -> None:
        super().__init__(f"{case.number} is under a legal hold: {case.held_reason}. End the hold first.")


def keep_to_days() -> KeepingRun:
    """Remove what has been kept for its days, and files that nothing refers to. Returns the report of it."""
    counts = {
        "captures": retention.forget(),
        "clips of alerts": alert_clips.forget(),
        "minutes counted": fleet.forget_counts(),
    }
    for search in over().iterator(chunk_size=100):
        files = list(files_of_search(search))
        kind = "batches" if not search.image else "searches"
        with transaction.atomic():
            search.delete()
            _remove_later(files)
        counts[kind] = counts.get(kind, 0) + 1
    strays = list(stray_files())
    for name in strays:
        default_storage.delete(name)
    counts["files without a row"] = len(strays)
    counts |= mend_rows()
    counts["failures of what is gone"] = set_aside.tidy()
    return KeepingRun.objects.create(counts={what: number for what, number in counts.items() if number})


def over() -> QuerySet[Search]:
    """Searches whose days are over: the longest of their collections', all of them where none is named; 0 is for ever.
    One that led to something, is kept open, or has to do with a case under a legal hold stays."""
    days = dict(Collection.objects.values_list("pk", "search_days"))
    if not days:
        return Search.objects.none()
    kept = Search.objects.filter(
        Q(probes__candidates__decision__in=DECIDED) | Q(standing__closed_at=None, standing__isnull=False)
        | Q(probes__candidates__in=Candidate.objects.exclude(case__held_at=None).exclude(decision=""))
    )  # fmt: skip
    now = timezone.now()
    shortest = now - timedelta(days=min(filter(None, days.values()), default=36500))
    old = Search.objects.filter(created_at__lt=shortest).exclude(pk__in=kept.values("pk"))
    # Of each length of days, which collections have at most so many: few, however long the backlog is.
    over_ = Q(pk=None)
    for length in {*days.values()} - {0}:
        longer = [pk for pk, own in days.items() if own == 0 or own > length]
        named = Q(collections__isnull=False) & ~Q(pk__in=Search.objects.filter(collections__in=longer).values("pk"))
        everywhere = Q(collections=None) if not longer else Q(pk=None)
        over_ |= Q(created_at__lt=now - timedelta(days=length)) & (named | everywhere)
    return Search.objects.filter(pk__in=old.filter(over_).values("pk"))


def files_of_search(search: Search) -> Iterator[str]:
    """Every file that goes with a search: its picture, its faces, a batch's files and shots."""
    yield from (file.name or "" for file in (search.image, search.display) if file)
    yield from search.probes.values_list("crop", flat=True)
    batch = getattr(search, "batch", None)
    if batch is not None:
        yield from batch.files.exclude(file="").values_list("file", flat=True)
        for stored in batch.files.all():
            yield from stored.shots.values_list("crop", flat=True)


def stray_files() -> Iterator[str]:
    """Files that no row names, older than a day."""
    named = set(_named())
    newest = (timezone.now() - SETTLED).timestamp()
    for name, written_at in stores.walk():
        if written_at < newest and name not in named:
            yield name


def _named() -> Iterator[str]:
    for model in apps.get_models():
        for field in model._meta.get_fields():
            if isinstance(field, models.FileField):
                named = model._default_manager.exclude(**{field.name: ""}).values_list(field.name, flat=True)
                yield from (name for name in named.iterator(chunk_size=5000) if name)


def mend_rows() -> dict[str, int]:
    """Photos whose file is gone say so, and no more once it is back; one of which only a made picture is gone is
    indexed anew. Returns how many of each.

    Where many are gone at once the place is not whole, as when its disk is not mounted: then nothing is said of any.
    """
    gone, back, is_there = [], [], stores.lookup()
    photos = Photo.objects.exclude(status=Photo.Status.PENDING)
    crops = Prefetch("faces", Face.objects.only("photo", "crop"))
    for photo in photos.prefetch_related(crops).iterator(chunk_size=500):
        missing = not is_there(photo.image.name or "")
        made = [photo.display.name, *(face.crop.name for face in photo.faces.all())]
        if missing and photo.status != Photo.Status.UNREADABLE:
            gone.append(photo.pk)
        elif not missing and (stores.GONE in photo.status_note or any(name and not is_there(name) for name in made)):
            back.append(photo.pk)
    if len(gone) > max(FEW_GONE, photos.count() * SHARE_GONE):
        return {TOO_MANY_GONE: len(gone)}
    Photo.objects.filter(pk__in=gone).update(status=Photo.Status.UNREADABLE, status_note=stores.MISSING)
    Photo.objects.filter(pk__in=back).update(status=Photo.Status.PENDING, status_note="")
    work.done("photo", back)
    return {"photos whose file is missing": len(gone), "photos looked at anew": len(back)}


def _remove_later(names: list[str]) -> None:
    for name in names:
        transaction.on_commit(lambda name=name: default_storage.delete(name))  # type: ignore[misc]


def files_of_case(case: Case) -> list[str]:
    faces = Face.objects.filter(case=case)
    return [
        *(name for photo in case.photos.all() for name in (photo.image.name, photo.display.name) if name),
        *faces.values_list("crop", flat=True),
        *AlertClip.objects.filter(alert__case=case).exclude(file="").values_list("file", flat=True),
    ]


def export(case: Case) -> bytes:
    """All that is kept of a case's person, as a zip: `person.json` and the photos as they came."""
    candidates = Candidate.objects.filter(case=case)
    parts: dict[str, Any] = {
        "case": [case],
        "photos": case.photos.all(),
        "alerts": Alert.objects.filter(case=case),
        "reviews": Review.objects.filter(alert__case=case),
        "candidates": candidates,
        "opinions": Opinion.objects.filter(candidate__in=candidates),
        "web sources": case.web_sources.all(),
        "notes": case.notes.all(),
        "tasks": case.tasks.all(),
    }
    said = {name: json.loads(serializers.serialize("json", rows)) for name, rows in parts.items()}
    said["unnamed people"] = list(UnnamedPerson.objects.filter(case=case).values("pk", "mark", "note", "created_at"))
    said["audit"] = list(
        AuditEvent.objects.filter(target_type="case", target_id=str(case.pk))
        .order_by("pk")
        .values("at", "username", "action", "why")
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as folder:
        folder.writestr("person.json", json.dumps(said, default=str, indent=1, ensure_ascii=False))
        for photo in case.photos.all():
            if photo.image and default_storage.exists(photo.image.name or ""):
                with photo.image.open() as file:
                    folder.writestr(f"photos/{photo.pk}{Path(photo.image.name or '').suffix}", file.read())
    return packed.getvalue()


def erase(case: Case, by: User | None = None) -> list[str]:
    """Remove a case with its photos, faces, alerts and candidates, and their files. Returns what remains, in words.

    Raises `Held`.
    """
    if case.held_at:
        raise Held(case)
    searches = Search.objects.filter(probes__candidates__case=case).distinct().count()
    rows = AuditEvent.objects.filter(target_type="case", target_id=str(case.pk)).count()
    captures = Alert.objects.filter(case=case).values("captures").distinct().count()
    files = files_of_case(case)
    with transaction.atomic():
        erased.remember(case, by)
        UnnamedPerson.objects.filter(case=case).delete()
        case.delete()
        _remove_later(files)
    return [
        f"{rows} entries of the audit trail name the case: who looked at it must stay on record.",
        f"{captures} captures that raised its alerts stay as faces that raised none, and go after their days; where "
        "unnamed people are kept together, the night may group them as one of those.",
        "A keyed hash of its number, which names nobody, keeps its sources from bringing it again.",
        f"{searches} searches in which it was a candidate stay, without it.",
        "Backups that were made before hold it until they are thrown away.",
    ]
