"""People whom nobody has named, met in batches of pictures and clips: with whom a camera saw, for their days."""

import io
from datetime import datetime, timedelta

import cv2
import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.utils import timezone
from PIL import ExifTags, Image

from cases.models import Case, Collection, ProcessBeat, Team
from matching.faces import images
from matching.models import Batch, Camera, Candidate, Shot, UnnamedFace, UnnamedPerson
from matching.searching import batches
from matching.unnamed import by_hand, grouping, seen
from matching.watching import retention
from tests import faces, one_capture
from tests.people import person as somebody

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


@pytest.fixture
def batch(any_model, kept, user):
    def make(*files: tuple[str, bytes], by=None, among=()) -> Batch:
        made = batches.begin(user=by or user, purpose="the phone", collections=among)
        for name, content in files:
            batches.add(made, ContentFile(content), name, by or user)
        batches.start(made)
        batches.run(made)
        return made

    return make


def beside(*people: int) -> bytes:
    """One picture of several people."""
    shown = [cv2.resize(images.open_image(faces.person(n)).rgb, (300, 300)) for n in people]
    return images.to_jpeg(np.ascontiguousarray(np.concatenate(shown, axis=1)))


def taken(number: int, at: str) -> bytes:
    """A picture whose own data says when it was taken."""
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = at
    held = io.BytesIO()
    Image.open(io.BytesIO(faces.person(number))).save(held, "JPEG", exif=exif, quality=95)
    return held.getvalue()


def seen_by(camera: Camera, number: int) -> None:
    one_capture.matched(camera, faces.person(number), timezone.now() - DAY)


def groups() -> list[int]:
    """How many faces each has."""
    return sorted(one.faces.count() for one in UnnamedPerson.objects.all())


def test_it_works(batch, camera, user, signed_in):
    seen_by(camera, 3)
    made = batch(("a.jpg", faces.person(3)), ("b.jpg", faces.person(1)))
    assert groups() == [1, 2]
    seen_by(camera, 1)
    assert groups() == [2, 2], "whichever came first"
    for person in seen.people(user):
        assert (person.times, person.places, person.batches, person.undated) == (2, 1, 1, 1)
        page = signed_in.get(person.get_absolute_url()).content.decode()
        assert "Seen 2 times at 1 camera and in 1 batch" in page
        assert "Searched " in page
        assert "the phone" in page
        assert person.get_absolute_url() in signed_in.get(made.get_absolute_url()).content.decode()
        assert "Searched in the phone" in signed_in.get(f"{person.get_absolute_url()}time/").content.decode()
    assert "Unnamed " in signed_in.get(made.search.get_absolute_url()).content.decode()
    assert len(signed_in.get("/unnamed/?who=batches").context["page"]) == 2


def test_the_night_says_the_same_and_adds_who_was_left_over(batch, camera):
    seen_by(camera, 3)
    made = batch(("a.jpg", faces.person(3)), ("b.jpg", faces.person(1)))
    numbers = set(UnnamedPerson.objects.values_list("pk", flat=True))
    grouping.regroup()
    assert (groups(), set(UnnamedPerson.objects.values_list("pk", flat=True))) == ([1, 2], numbers)
    UnnamedPerson.objects.all().delete()
    assert grouping.join_batch(made, must_stop=lambda: True) == 0
    grouping.regroup()
    assert groups() == [1, 2]


def test_none_is_grouped_while_the_version_before_runs_beside_this_one(batch):
    beat = ProcessBeat.objects.create(kind="worker", host="other", at=timezone.now(), version="0.19.0")
    batch(("a.jpg", faces.person(3)))
    grouping.regroup()
    assert groups() == []
    beat.delete()
    grouping.regroup()
    assert groups() == [1]


def test_two_who_stand_in_one_picture_are_two(batch):
    batch(("twins.jpg", beside(3, 3)))
    assert groups() == [1, 1]
    grouping.regroup()
    assert groups() == [1, 1]


def test_who_stands_in_the_same_pictures(batch, user, signed_in):
    batch(
        ("two.jpg", beside(1, 3)),
        ("again.jpg", beside(3, 1)),
        ("three.jpg", beside(1, 4)),
        ("alone.jpg", faces.person(5)),
    )
    person = max(seen.people(user), key=lambda one: len(seen.pictured_with(one, user)))
    assert [one.pictures for one in seen.pictured_with(person, user)] == [2, 1]
    page = signed_in.get(person.get_absolute_url()).content.decode()
    assert "Together in 2 pictures" in page
    assert "Together in 1 picture<" in page
    about = signed_in.get(f"/api/v1/unnamed/{person.pk}/").json()
    assert [one["pictures"] for one in about["pictured_with"]] == [2, 1]


def test_who_is_in_a_clip_within_a_minute(batch, tmp_path, user):
    path = tmp_path / "street.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 2, (500, 400))
    for number, seconds in ((3, 4), (None, 40), (1, 4), (None, 40), (4, 4)):
        shown = np.full((400, 500, 3), 90, np.uint8)
        if number is not None:
            shown = cv2.resize(images.open_image(faces.person(number)).rgb[:, :, ::-1], (500, 400))
        for _ in range(seconds * 2):
            writer.write(shown)
    writer.release()
    batch(("street.mp4", path.read_bytes()))
    assert sorted(len(seen.pictured_with(one, user)) for one in seen.people(user)) == [1, 1, 2]


def test_who_resembles_a_case_is_nobody_unnamed_until_people_say_that_it_is_not(batch, make_case):
    make_case("MP3", faces.person(3))
    made = batch(("a.jpg", faces.person(3)))
    assert groups() == []
    Candidate.objects.filter(probe__search=made.search).update(decision="rejected")
    grouping.regroup()
    assert groups() == [1]


def test_only_where_a_collection_asks_that_it_was_searched_among(batch, kept):
    other = Collection.objects.create(name="Other")
    batch(("a.jpg", faces.person(3)), among=[other])
    assert groups() == []
    batch(("a.jpg", faces.person(3)), among=[other, kept])
    assert groups() == [1]


def test_its_days_are_counted_from_when_it_was_searched(batch, camera):
    # As long ago as it was taken, it was only sent now.
    made = batch(("a.jpg", faces.person(3)))
    Shot.objects.update(posted_at=timezone.now() - 900 * DAY)
    UnnamedPerson.objects.all().delete()
    assert grouping.join_batch(made) == 1
    assert UnnamedFace.objects.get().at < timezone.now() - 899 * DAY
    retention.forget()
    assert groups() == [1]
    made.search.created_at = timezone.now() - 11 * DAY
    made.search.save()
    retention.forget()
    assert groups() == []
    grouping.regroup()
    assert groups() == []


def test_with_its_batch_a_face_goes(batch, camera):
    seen_by(camera, 3)
    made = batch(("a.jpg", faces.person(3)), ("b.jpg", faces.person(1)))
    batches.remove(made)
    retention.forget()
    assert groups() == [1]
    assert UnnamedPerson.objects.get().weight == pytest.approx(1, abs=0.01)


def test_a_clips_face_is_of_when_somebody_says_that_it_began(batch, tmp_path, signed_in, user):
    path = tmp_path / "street.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (500, 400))
    for _ in range(20):
        writer.write(cv2.resize(images.open_image(faces.person(3)).rgb[:, :, ::-1], (500, 400)))
    writer.release()
    batch(("street.mp4", path.read_bytes()))
    shot = Shot.objects.filter(probe__isnull=False).order_by("-second").first()
    at = datetime.fromisoformat("2026-03-05T14:05:07")
    said = {"t": str(shot.second), "at": at.isoformat()}
    signed_in.post(f"/shots/{shot.pk}/began/", said)
    (visit,) = seen.visits(seen.people(user).get(), user)
    assert (visit.dated_by, timezone.localtime(visit.first).replace(tzinfo=None)) == ("clock", at)
    signed_in.post(f"/shots/{shot.pk}/began/", {"t": str(shot.second), "at": ""})
    assert UnnamedFace.objects.get().dated_by == "searched"


@pytest.mark.parametrize("lie", ["2044:05:03 12:00:00", "0001:01:01 00:00:00"])
def test_a_picture_is_of_when_its_file_says_unless_that_cannot_be(batch, user, signed_in, lie):
    batch(("a.jpg", taken(3, "2024:05:03 12:00:00")), ("b.jpg", taken(1, lie)))
    grouping.regroup()
    earlier, later = sorted(
        (visit for one in seen.people(user) for visit in seen.visits(one, user)), key=lambda v: v.first
    )
    assert (earlier.dated_by, f"{timezone.localtime(earlier.first):%Y-%m-%d %H}") == ("file", "2024-05-03 12")
    assert later.dated_by == "searched"
    page = signed_in.get(f"/unnamed/{earlier.faces[0].person_id}/").content.decode()
    assert "3 May 2024 12:00" in page
    assert "as its file says" in page


def test_each_sees_whom_their_own_batches_met(batch, camera):
    mia, lee = somebody("mia", "Investigator"), somebody("lee", "Investigator")
    Team.objects.create(name="Theirs").members.add(mia)
    seen_by(camera, 3)
    batch(("a.jpg", faces.person(3)), ("b.jpg", faces.person(1)), by=mia)
    assert sorted((one.times, one.places, one.batches) for one in seen.people(mia)) == [(1, 0, 1), (2, 1, 1)]
    assert [(one.times, one.places, one.batches) for one in seen.people(lee)] == [(1, 1, 0)]
    assert len(seen.visits(seen.people(lee).get(), lee)) == 1


def test_a_case_that_is_made_of_them_shows_the_right_one_of_a_picture(batch, kept, user, any_model):
    made = batch(("pair.jpg", beside(1, 3, 4)))
    for face in UnnamedFace.objects.all():
        case = by_hand.begin_case(face.person, kept, user)
        (own,) = case.photos.get().faces.filter(is_subject=True)
        numbers = [np.asarray(one.embedding, np.float32) for one in (own, face.probe)]
        assert float(numbers[0] @ numbers[1]) > 0.8
    assert (Case.objects.count(), made.search.probes.count()) == (3, 3)


def test_split_and_merged_like_any_other(batch, camera, user):
    seen_by(camera, 3)
    batch(("a.jpg", faces.person(3)))
    person = UnnamedPerson.objects.get()
    other = by_hand.split(person, person.faces.filter(probe__search__isnull=False))
    assert (groups(), [visit.camera for visit in seen.visits(other, user)]) == ([1, 1], [None])
    by_hand.merge(person, other)
    grouping.regroup()
    assert groups() == [2]


def test_the_same_over_http(batch, camera, signed_in):
    seen_by(camera, 3)
    made = batch(("a.jpg", faces.person(3)))
    person = UnnamedPerson.objects.get()
    persons = signed_in.get(f"/api/v1/batches/{made.pk}/persons/").json()
    assert [one["unnamed"] for one in persons] == [person.pk]
    about = signed_in.get(f"/api/v1/unnamed/{person.pk}/").json()
    assert (about["times"], about["places"], about["batches"]) == (2, 1, 1)
    assert [(one["camera"], one["batch"], one["picture"]) for one in about["visits"]] == [
        (None, str(made.pk), "a.jpg"), (camera.pk, None, None),
    ]  # fmt: skip
    assert [one["dated_by"] for one in about["visits"]] == ["searched", "clock"]
