"""Known people and strangers at a door, on LFW through the product's own walk: who is told of, and who came before."""

import uuid
from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone

from benchmarks import labelled
from benchmarks.common import fresh_database, table
from benchmarks.labelled import Labelled
from cases.models import Case, Collection, add_photo
from matching.indexing import bulk
from matching.models import Alert, Camera, Capture
from matching.watching import captures
from tests import faces

KNOWN, STRANGERS, COMING_AGAIN = 100, 400, 300
# Far enough apart that no two are one episode, or one visit.
APART = timedelta(minutes=10)


def run() -> None:
    if not labelled.LFW.is_dir() or not faces.PACK.is_dir():
        print("LFW or the pack is not here: nothing to measure.")
        return
    fresh_database(str(faces.PACK))
    mates = {photo.person: photo for photo in labelled.lfw("mate")}
    enrolled = [photo for photo in labelled.lfw("enrol") if photo.person in mates]
    staff = Collection.objects.create(name="Staff", kind=Collection.Kind.KNOWN)
    for photo in enrolled[:KNOWN]:
        case = Case.objects.create(collection=staff, number=photo.person)
        add_photo(case, photo.path.read_bytes(), photo.path.name, announce=False)
    bulk.index_waiting()
    camera = Camera(name="door", strangers=True)
    camera.issue_token()
    rows = []
    for level in ("strict", "standard", "sensitive"):
        Collection.objects.update(alert_level=level)
        own = _pass(camera, [mates[photo.person] for photo in enrolled[:KNOWN]])
        others = _pass(camera, labelled.lfw("stranger")[:STRANGERS])
        rows.append((level, _share(own, Capture.Status.MATCHED), _share(others, Capture.Status.KNOWN)))
    print(f"{KNOWN} known people by one photo each, a picture of each of them and of {STRANGERS} strangers\n")
    table(("level", "known people who raise an alert", "strangers taken for somebody known"), *rows)
    again = enrolled[KNOWN : KNOWN + COMING_AGAIN]
    first = _pass(camera, again, keep=True)
    wrongly = Alert.objects.filter(captures__in=first, visits__gt=1).count()
    second = _pass(camera, [mates[photo.person] for photo in again], keep=True, days=1)
    found = Alert.objects.filter(captures__in=second)
    print(f"\n{len(again)} strangers at the door, and once more the next day, by another picture\n")
    table(
        ("what", "measured"),
        ("first visits said to be later ones", f"{wrongly} of {len(first)}"),
        ("second visits known as such", f"{found.filter(visits__gt=1).count()} of {found.count()}"),
    )


def _pass(camera: Camera, photos: Sequence[Labelled], *, keep: bool = False, days: int = 0) -> list[Capture]:
    """Have them pass the camera, one after another."""
    if not keep:
        Alert.objects.all().delete()
        Capture.objects.all().delete()
    begin = timezone.now() - timedelta(days=20 - days)
    passed = []
    for number, photo in enumerate(photos):
        content = photo.path.read_bytes()
        capture = captures.receive_capture(camera, content, uid=uuid.uuid4(), captured_at=begin + number * APART)
        captures.match_capture(capture.pk)
        capture.refresh_from_db()
        passed.append(capture)
    return passed


def _share(passed: Sequence[Capture], status: str) -> str:
    compared = [one for one in passed if one.status not in (Capture.Status.NO_FACE, Capture.Status.TOO_POOR)]
    return f"{sum(one.status == status for one in compared)} of {len(compared)}"
