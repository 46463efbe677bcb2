"""A folder, a zip or a clip is one search: each person once, with where; nothing is lost on the way."""

import csv
import io
import zipfile

import cv2
import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile

from cases.models import AuditEvent
from matching.faces import images
from matching.models import Batch, BatchFile, Search, Shot
from matching.searching import batch_persons, batch_results, batch_walk, batches, containers, deciding, evidence
from matching.searching.workbench import workbench
from tests import faces, needs
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)


def zipped(**files: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as opened:
        for name, content in files.items():
            opened.writestr(name.replace("__", "/"), content)
    return held.getvalue()


def clip(tmp_path, seconds: float = 3, suffix: str = "mp4", fourcc: str = "mp4v") -> bytes:
    """One person who comes from the left, and from the second second on another on the right."""
    path = tmp_path / f"street.{suffix}"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*fourcc), 10, (900, 500))
    people = [cv2.resize(images.open_image(faces.person(n)).rgb[:, :, ::-1], (300, 300)) for n in (3, 1)]
    for frame in range(round(seconds * 10)):
        picture = np.full((500, 900, 3), 110, np.uint8)
        left = min(frame * 6, 250)
        picture[100:400, left : left + 300] = people[0]
        if frame >= 10:
            picture[100:400, 580:880] = people[1]
        writer.write(picture)
    writer.release()
    return path.read_bytes()


@pytest.fixture
def batch(any_model, six_cases, user):
    def make(*files: tuple[str, bytes], one_person: bool = False, go: bool = True) -> Batch:
        made = batches.begin(user=user, purpose="the phone", one_person=one_person)
        for name, content in files:
            batches.add(made, ContentFile(content), name, user)
        batches.start(made)
        if go:
            batches.run(made)
        return made

    return make


def who(batch: Batch) -> list[tuple[str, int]]:
    """The first candidate of each person and how often they were met."""
    probes = batch.search.probes.prefetch_related("shots", "candidates__case").order_by("position")
    return [(p.first.case.number if p.first else "", len(p.places)) for p in batch_results.people(list(probes), {})]


def why(batch: Batch) -> dict[str, str]:
    return dict(batch.problems)


def test_it_works(batch):
    made = batch(
        ("a.jpg", faces.person(3)),
        ("b.jpg", faces.person(1)),
        ("more.zip", zipped(x__c=b"no", **{"again.jpg": faces.person(3), "group.jpg": faces.GROUP.read_bytes()})),
    )
    assert (made.status, made.done, made.total) == ("done", 5, 5)
    found = who(made)
    # Each of the six is met once, whoever is in several pictures first.
    assert sorted(number for number, _ in found) == [f"MP{n}" for n in range(6)]
    assert dict(found)["MP3"] == 2  # the same file again is no new sighting
    assert dict(found)["MP1"] == 2
    assert {number for number, met in found[:2]} == {"MP1", "MP3"}
    assert why(made) == {"x/c": "It is no picture.", "again.jpg": "The same file as a.jpg, which was looked at."}
    assert made.search.gallery_size == 6


def test_a_person_is_compared_and_decided_on_the_workbench(batch, signed_in, user):
    made = batch(("a.jpg", faces.person(3)), ("b.jpg", faces.person(1)))
    page = signed_in.get(made.search.get_absolute_url()).content.decode()
    assert "Face 1" in page
    bench = workbench(made.search, made.search.user)
    deciding.say(bench.shown.candidate, "possible", user)
    assert "Confirmed lead" in signed_in.get(made.get_absolute_url()).content.decode()
    picture = signed_in.get(f"/probes/{bench.face.pk}/picture/", follow=True)
    assert picture["Content-Type"] == "image/jpeg"


def test_of_a_clip_each_person_is_shown_once_with_the_times(batch, tmp_path, signed_in):
    made = batch(("street.mp4", clip(tmp_path)))
    assert (made.status, made.done, made.total) == ("done", 3, 3)
    assert sorted(who(made)) == [("MP1", 1), ("MP3", 1)]
    second = made.search.probes.get(candidates__case__number="MP1", candidates__rank=1)
    (place,) = batch_results.places(second)
    assert place.since == pytest.approx(1.0, abs=0.25)
    assert place.until == pytest.approx(2.8, abs=0.25)
    assert second.shots.count() <= 3
    page = signed_in.get(f"/shots/{place.shot.pk}/").content.decode()
    assert "street.mp4" in page
    picture = signed_in.get(f"/shots/{place.shot.pk}/picture/?t=0.5")
    assert cv2.imdecode(np.frombuffer(picture.content, np.uint8), cv2.IMREAD_COLOR).shape == (500, 900, 3)
    assert signed_in.get(f"/shots/{place.shot.pk}/picture/?t=1e9").status_code == 404
    assert signed_in.get(f"/shots/{place.shot.pk}/?t=soon").status_code == 200


def test_a_clips_true_time_is_typed_once_and_shown_everywhere(batch, tmp_path, signed_in):
    made = batch(("street.mp4", clip(tmp_path)))
    probe = made.search.probes.get(candidates__case__number="MP1", candidates__rank=1)
    (place,) = batch_results.places(probe)
    began = f"/shots/{place.shot.pk}/began/"
    for wrong in ({"t": "1", "at": "yesterday"}, {"t": "soon", "at": "2026-03-05 14:05:07"}, {"t": "-1", "at": ""}):
        assert "Give the day and time" in signed_in.post(began, wrong, follow=True).content.decode()
    # Second 0.5 is shown, and a clock in the picture says 14:05:07.
    page = signed_in.post(began, {"t": "0.5", "at": "2026-03-05T14:05:07"}, follow=True).content.decode()
    assert "5 Mar 2026 14:05:07" in page
    assert "0:00.5 of the clip" in page
    assert "5 Mar 2026 14:05:07" in signed_in.get(made.get_absolute_url()).content.decode()
    table = b"".join(signed_in.get(f"{made.get_absolute_url()}persons.csv").streaming_content).decode()
    assert "2026-03-05T14:05:0" in table
    persons = signed_in.get(f"/api/v1/batches/{made.pk}/persons/").json()
    [told] = [one for one in persons if one["probe"] == probe.pk]
    assert told["places"][0]["seen_from"].startswith("2026-03-05T14:05:0")
    signed_in.post(began, {"t": "0.5", "at": ""})
    assert "2026 14:05" not in signed_in.get(made.get_absolute_url()).content.decode()


@pytest.mark.parametrize(("suffix", "fourcc"), [("avi", "MJPG"), ("mkv", "mp4v"), ("mov", "mp4v")])
def test_other_forms_of_clips_are_read_whatever_they_are_called(batch, tmp_path, suffix, fourcc):
    made = batch(("evidence.jpg", clip(tmp_path, 1, suffix, fourcc)))
    assert who(made) == [("MP3", 1)]
    assert not made.problems


@needs.eval_
@needs.pack
def test_people_who_walk_through_a_real_clip_are_each_shown_once(batch):
    made = batch(("clip.mp4", (faces.EVAL / "video" / "clip.mp4").read_bytes()))
    probes = made.search.probes.all()
    assert 7 <= len(probes) <= 11
    # The three who come towards the camera are followed from the first second to the last.
    long = [
        p for p in batch_results.people(list(probes), {}) if any((x.until or 0) - (x.since or 0) > 3 for x in p.places)
    ]
    assert len(long) >= 3
    assert all(len(person.places) == 1 for person in long)


def test_pictures_of_one_person_are_searched_as_one_face(batch, signed_in):
    group = faces.GROUP.read_bytes()
    made = batch(("a.jpg", faces.person(3)), ("b.jpg", group), one_person=True)
    probe = made.search.probes.get()
    assert probe.shots.count() == 2
    assert who(made) == [("MP3", 2)]
    assert signed_in.get(made.get_absolute_url()).url == made.search.get_absolute_url()


def test_a_picture_unlike_the_others_of_one_person_is_pointed_at(batch, signed_in):
    made = batch(("a.jpg", faces.person(3)), ("c.jpg", faces.person(1)), one_person=True)
    assert len(batch_persons.unlike(made)) == 2
    assert "is unlike the others" in signed_in.get(made.get_absolute_url()).content.decode()


def test_a_batch_that_was_stopped_goes_on_where_it_was(batch):
    made = batch(*((f"{n}.jpg", faces.person(n % 6)) for n in range(4)), go=False)
    stops = iter([False, True])
    batches.run(made, must_stop=lambda: next(stops))
    assert (made.status, made.done) == ("running", 2)
    assert batches.abandoned() == [made]
    seen = set(Shot.objects.values_list("pk", flat=True))
    batches.run(made)
    assert made.status == "done"
    assert seen < set(Shot.objects.values_list("pk", flat=True))
    assert sorted(who(made)) == [(f"MP{n}", 1) for n in range(4)]


def test_a_clip_that_was_stopped_goes_on_at_its_second(batch, tmp_path, monkeypatch):
    monkeypatch.setattr(batch_walk, "STRETCH", 1.0)
    made = batch(("street.mp4", clip(tmp_path)), go=False)
    batches.run(made, must_stop=lambda: True)
    assert (made.status, made.done) == ("running", 1)
    batches.run(made)
    assert sorted(number for number, _ in who(made)) == ["MP1", "MP3"]


def test_it_is_paused_gone_on_with_and_cancelled(batch, signed_in):
    made = batch(("a.jpg", faces.person(3)), go=False)
    signed_in.post(f"/batches/{made.pk}/pause/")
    batches.run(made)
    assert made.status == "paused"
    assert "Go on" in signed_in.get(made.get_absolute_url()).content.decode()
    signed_in.post(f"/batches/{made.pk}/resume/")
    made.refresh_from_db()
    # Tasks run at once in tests.
    assert made.status == "done"
    other = batch(("a.jpg", faces.person(3)), go=False)
    signed_in.post(f"/batches/{other.pk}/cancel/")
    batches.run(other)
    assert (other.status, other.search.probes.count()) == ("cancelled", 0)


def test_it_is_removed_with_its_files_unless_somebody_has_decided(batch, signed_in, user):
    from pathlib import Path

    made = batch(("a.jpg", faces.person(3)))
    kept = [Path(made.files.get().file.path), Path(Shot.objects.get().crop.path)]
    candidate = workbench(made.search, made.search.user).shown.candidate
    deciding.say(candidate, "possible", user)
    page = signed_in.post(f"/batches/{made.pk}/remove/", follow=True).content.decode()
    assert "Somebody has decided" in page
    deciding.say(candidate, "", user)
    signed_in.post(f"/batches/{made.pk}/remove/")
    assert not Search.objects.exists()
    assert not any(path.exists() for path in kept)


def test_the_pages_walk_from_begin_to_the_table(any_model, six_cases, signed_in):
    assert "None yet" in signed_in.get("/batches/").content.decode()
    assert signed_in.post("/batches/", {"purpose": " "}).json()["errors"][0].startswith("Say what the search is for")
    begun = signed_in.post("/batches/", {"purpose": "=phone", "reference": "T-1"}).json()
    assert signed_in.post(begun["start"]).json()["errors"] == ["Add at least one picture, zip, clip or address."]
    files = [SimpleUploadedFile("=a.jpg", faces.person(3)), SimpleUploadedFile("empty.jpg", b"")]
    answer = signed_in.post(begun["files"], {"files": files}).json()
    assert answer["files"] == 1
    assert answer["errors"] == ["empty.jpg: the file is empty. Send it again."]
    signed_in.post(begun["start"])
    page = signed_in.get(begun["page"]).content.decode()
    assert "1 person" in page
    assert "Person MP3" in page
    batch = Batch.objects.get()
    rows = list(csv.DictReader(io.StringIO(b"".join(signed_in.get(f"/batches/{batch.pk}/persons.csv")).decode())))
    assert rows[0]["file"] == "'=a.jpg"
    assert (rows[0]["person"], rows[0]["rank"], rows[0]["case"], rows[0]["strength"]) == ("1", "1", "MP3", "strong")
    assert AuditEvent.objects.filter(action="exported", why="=phone").exists()


def test_others_do_not_see_it_without_permission(batch, as_admin, client):
    made = batch(("a.jpg", faces.person(3)))
    client.force_login(person("lee", "Reviewer"))
    assert client.get(made.get_absolute_url()).status_code == 404
    assert as_admin.get(made.get_absolute_url()).status_code == 200


def test_what_cannot_be_searched_is_named_and_the_rest_is_searched(batch, tmp_path):
    locked = bytearray(zipped(**{"locked.jpg": faces.person(1)}))
    # The bit that says so, in the entry and in the directory.
    locked[6] |= 1
    locked[locked.rfind(b"PK\x01\x02") + 8] |= 1
    made = batch(
        ("good.jpg", faces.person(3)),
        ("text.jpg", b"not a picture at all"),
        ("blank.png", images.to_jpeg(np.full((300, 300, 3), 90, np.uint8))),
        ("cut.zip", zipped(**{"a.jpg": faces.person(1)})[:200]),
        ("locked.zip", bytes(locked)),
        ("climbs.zip", zipped(**{"..__..__etc__x.jpg": faces.person(1), "C:__x.jpg": faces.person(1)})),
        ("bomb.zip", zipped(**{"huge.png": b"\0" * (images.MAX_BYTES + 10), "inner.zip": zipped(x=b"1")})),
        ("cut.mp4", clip(tmp_path)[:3000]),
    )
    assert made.status == "done"
    assert who(made) == [("MP3", 1)]
    said = why(made)
    assert "not an image" in said["text.jpg"]
    assert said["blank.png"] == "No face was found in it."
    assert "cut.zip" in said
    assert "password" in said["locked.jpg"]
    assert "leads out of the archive" in said["../../etc/x.jpg"]
    assert "leads out of the archive" in said["C:/x.jpg"]
    assert "at most 25 MB" in said["huge.png"]
    assert said["inner.zip/x"] == "It is no picture."
    assert "cut short" in said["cut.mp4"]


def test_a_clip_that_ends_early_is_searched_to_there(batch, tmp_path):
    whole = clip(tmp_path, 8, "avi", "MJPG")
    made = batch(("cut.avi", whole[: len(whole) // 2]))
    assert ("MP3", 1) in who(made)
    assert made.status == "done"


def test_limits_are_said_in_words(batch, tmp_path, monkeypatch, user):
    monkeypatch.setattr(evidence, "LONGEST", 2.0)
    monkeypatch.setattr(evidence, "MOST_PICTURES", 2)
    many = zipped(**{f"{n}.jpg": faces.person(n) for n in range(4)})
    made = batch(("long.mp4", clip(tmp_path)), ("many.zip", many))
    assert "the limit is" in why(made)["long.mp4"]
    assert why(made)["many.zip"].startswith("It holds 2 files more than the 2")
    assert len(who(made)) == 2
    monkeypatch.setattr(containers, "MOST_UNPACKED", 1000)
    assert "Unpacked it would have" in why(batch(("many.zip", many)))["many.zip"]
    monkeypatch.setattr(evidence, "MOST_BYTES", 10)
    begun = batches.begin(user=user, purpose="x")
    with pytest.raises(batches.BatchRefused, match="the limit is"):
        batches.add(begun, ContentFile(faces.person(1)), "large.jpg", user)


def test_a_batch_takes_so_many_files_and_none_once_begun(batch, user, monkeypatch):
    monkeypatch.setattr(batches, "MOST_FILES", 1)
    begun = batches.begin(user=user, purpose="x")
    batches.add(begun, ContentFile(faces.person(1)), "1.jpg", user)
    with pytest.raises(batches.BatchRefused, match="takes 1 files"):
        batches.add(begun, ContentFile(faces.person(1)), "2.jpg", user)
    batches.start(begun)
    with pytest.raises(batches.BatchRefused, match="has begun"):
        batches.add(begun, ContentFile(faces.person(1)), "3.jpg", user)
    assert BatchFile.objects.count() == 1


def test_work_without_end_ends_with_what_there_is(batch, monkeypatch):
    monkeypatch.setattr(batch_walk, "MOST_HOURS", 0)
    monkeypatch.setattr(batch_walk, "STEP", 1)
    made = batch(("a.jpg", faces.person(3)), ("b.jpg", faces.person(1)))
    assert (made.status, who(made)) == ("done", [("MP3", 1)])
    assert "the limit" in why(made)["The batch"]


def test_a_picture_on_its_head_is_turned_shown_so_and_said_to_be(batch, signed_in):
    upright = images.open_image(faces.person(3)).rgb
    made = batch(("head.jpg", images.to_jpeg(np.ascontiguousarray(upright[::-1, ::-1]), quality=95)))
    assert who(made) == [("MP3", 1)]
    assert why(made)["head.jpg"].startswith("The picture was turned by 180°")
    shot = Shot.objects.get()
    shown = images.decode(signed_in.get(f"/shots/{shot.pk}/picture/").content).rgb
    assert np.abs(shown.astype(float) - upright).mean() < 10


def test_a_picture_that_is_cut_short_is_searched_and_said_to_be(batch):
    whole = faces.person(3)
    made = batch(("cut.jpg", whole[: len(whole) - 300]))
    assert who(made) == [("MP3", 1)]
    assert "cut short" in why(made)["cut.jpg"]


def test_a_zips_pictures_are_told_by_content_and_named_as_their_sender_wrote_them(batch):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as opened:
        for number, name in enumerate(
            ["Xrgen.jpg", "mugs\\a\\b.jpg", "c.jfif", "noext/4711", "C:\\cam\\e.jpg", "f.jpg_large"]
        ):
            opened.writestr(name, faces.person(number))
        opened.writestr("Thumbs.db", b"no picture")
        opened.writestr("notes.txt", b"no picture")
    # A German Windows packs ü as it has it, without a flag.
    content = packed.getvalue().replace(b"Xrgen.jpg", b"\xfcrgen.jpg")
    made = batch(("all.zip", content))
    assert why(made) == {"notes.txt": "It is no picture."}
    assert set(Shot.objects.values_list("name", flat=True)) == {
        "ürgen.jpg", "mugs/a/b.jpg", "c.jfif", "noext/4711", "C:/cam/e.jpg", "f.jpg_large",
    }  # fmt: skip
