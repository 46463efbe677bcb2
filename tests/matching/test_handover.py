"""What one shift hands over to the next: on the screen, on paper, and as a message at its end."""

import uuid
from datetime import datetime, timedelta

import pypdfium2
import pytest
from django.test import Client
from django.utils import timezone

from cases.models import Case, CaseNote, CaseTask, ImportRun, ImportSource, Team
from matching import tasks
from matching.models import Alert, Delivery, Shift, Subscription, Trouble
from matching.searching import deciding, pictures
from matching.telling import handover, handover_sheet, notifying
from matching.watching import captures
from tests import faces, people
from tests.listener import listening

NIGHT = timedelta(hours=8)


def see(camera, number: int) -> Alert:
    capture = captures.receive_capture(camera, faces.person(number), uid=uuid.uuid4(), captured_at=timezone.now())
    captures.match_capture(capture.pk)
    return Alert.objects.get(best_capture=capture)


@pytest.fixture
def night(any_model, six_cases, camera, user) -> None:
    """Two alerts, one of them confirmed; a search with a proposal; a closed case, a note, a late task, a trouble."""
    notifying.review(see(camera, 1), "confirmed", "", user)
    see(camera, 2)
    six_cases[3].collection.reviewers = 2
    six_cases[3].collection.save()
    search = pictures.search_image(faces.person(3), "x.jpg", user=people.person("lee", "Reviewer"), purpose="tip 12")
    deciding.say(search.probes.get().candidates.get(rank=1), "possible", search.user)
    six_cases[4].close("met at the harbour", Case.Outcome.SAFE, timezone.localdate(), user)
    CaseNote.objects.create(case=six_cases[5], user=user, text="Aunt called")
    yesterday = timezone.localdate() - timedelta(days=1)
    CaseTask.objects.create(case=six_cases[5], text="Ask the school", due_on=yesterday, assigned_to=user)
    Trouble.objects.create(camera=camera, kind="silent")


def test_a_handover_says_what_waits_what_happened_and_who_has_what(night, user):
    handed = handover.of(user, timezone.now() - NIGHT, timezone.now())
    waits = {section.title: section for section in handed.waits}
    assert waits["Alerts"].summary.startswith("1 alert, 1 taken by nobody; the oldest since ")
    assert waits["Leads"].summary == "1 lead waits for a word."
    assert waits["Tasks"].summary == "1 task until tomorrow, 1 of them late."
    assert "falls silent" in waits["Cameras in trouble"].lines[0].text
    happened = {section.title: section for section in handed.happened}
    assert "2 alerts came" in happened["Alerts"].summary
    assert "1 confirmed sighting" in happened["Alerts"].summary
    assert happened["Cases"].summary == "6 cases opened, 1 closed (1 located safe)."
    assert happened["Searches"].lines[0].text == "tip 12"
    assert happened["Notes"].lines[0].text.endswith("Aunt called")
    who = {one.name: one for one in handed.people}
    assert (who["kim"].confirmed, who["kim"].has_tasks) == (1, 1)
    assert (who["lee"].searches, who["lee"].words) == (1, 1)


def test_other_hours_have_nothing_but_what_waits_now(night, user):
    then = timezone.now() - timedelta(days=9)
    handed = handover.of(user, then - NIGHT, then)
    assert handed.waits
    assert "No alert came." in [section.summary for section in handed.happened]
    assert all(not one.searches and not one.confirmed for one in handed.people)


def test_the_page_takes_chosen_hours_and_refuses_those_that_cannot_be(night, signed_in):
    page = signed_in.get("/handover/").content.decode()
    for words in ("taken by nobody", "Ask the school", "met at the harbour", "Falls silent".lower(), "kim", "lee"):
        assert words in page
    asked = {"since": "2026-01-01T18:00", "until": "2026-01-02T06:00"}
    assert "No alert came." in signed_in.get("/handover/", asked).content.decode()
    for since, until in (("2026-01-02T06:00", "2026-01-01T06:00"), ("2020-01-01T06:00", ""), ("never", "")):
        answer = signed_in.get("/handover/", {"since": since, "until": until})
        assert answer.status_code == 422
        assert 'class="notice bad"' in answer.content.decode()
    sheet = signed_in.get("/handover/sheet.pdf").content
    pages = pypdfium2.PdfDocument(sheet)
    text = "".join(page.get_textpage().get_text_bounded() for page in pages)
    for words in ("Handover", "Ask the school", "1 located safe", "kim"):
        assert words in text


def test_a_reader_is_told_only_of_what_they_see(night, six_cases, camera):
    hidden = Team.objects.create(name="Theirs")
    for one in (six_cases[0].collection, camera):
        one.teams.add(hidden)
    somebody = people.person("ours", "Investigator")
    Team.objects.create(name="Ours").members.add(somebody)
    client = Client()
    client.force_login(somebody)
    page = client.get("/handover/").content.decode()
    assert "Nothing waits" in page
    for words in ("Person MP", "Gate 3", "school", "harbour", "Aunt", "tip 12", "lee"):
        assert words not in page
    viewer = people.person("viewer", "Viewer")
    hidden.members.add(viewer)
    words = handover_sheet.text(handover.of(viewer, timezone.now() - NIGHT, timezone.now()))
    assert "harbour" in words
    assert "tip 12" not in words


def test_imports_are_handed_over_to_those_who_see_them(night, admin, collection):
    source = ImportSource.objects.create(name="County jail", kind="folder", collection=collection)
    ImportRun.objects.create(source=source, status="done", counts={"new": 1200}, finished_at=timezone.now())
    source.runs.create(status="halted", note="The site did not answer.")
    handed = handover.of(admin, timezone.now() - NIGHT, timezone.now())
    lines = [line.text for section in [*handed.waits, *handed.happened] for line in section.lines]
    assert "County jail, done: 1,200 new" in lines
    assert "County jail, halted: The site did not answer." in lines


@pytest.mark.parametrize(
    ("times", "now", "since", "until"),
    [
        ("06:00 14:00 22:00", "2026-03-04 15:00", "2026-03-04 06:00", "2026-03-04 14:00"),
        ("06:00 14:00 22:00", "2026-03-04 05:59", "2026-03-03 14:00", "2026-03-03 22:00"),
        ("06:00", "2026-03-04 06:00", "2026-03-03 06:00", "2026-03-04 06:00"),
        ("06:00", "2026-03-04 03:00", "2026-03-02 06:00", "2026-03-03 06:00"),
    ],
)
def test_a_shift_goes_from_one_end_to_the_next(times, now, since, until):
    moment = timezone.make_aware(datetime.fromisoformat(now))
    found = notifying.shift_before(moment, times)
    assert [f"{timezone.localtime(one):%Y-%m-%d %H:%M}" for one in found] == [since, until]


@pytest.fixture
def webhook(settings):
    """A service that takes messages."""
    settings.ALERT_PRIVATE_HOSTS = True
    with listening() as service:
        service.status, service.address = 200, f"json://127.0.0.1:{service.server_port}/"
        yield service


@pytest.fixture
def told_at_the_end(user, webhook) -> Subscription:
    """Somebody who wants the handover at six in the morning and in the evening, since three days."""
    return Subscription.objects.create(
        user=user, name="desk", address=webhook.address, strength="strong", case=Case.objects.first(),
        handover_times="06:00 18:00", handover_set_at=timezone.now() - timedelta(days=3),
    )  # fmt: skip


def test_a_handover_comes_by_itself_when_a_shift_ends_and_once(night, told_at_the_end, webhook):
    tasks.sweep()
    tasks.sweep()
    shift, delivery = Shift.objects.get(), Delivery.objects.get(shift__isnull=False)
    assert delivery.status == Delivery.Status.SENT
    assert shift.until - shift.since == timedelta(hours=12)
    said = [one for one in webhook.got if "handover" in str(one)]
    assert len(said) == 1
    assert "WAITS" in str(said)
    assert "Ask the school" in str(said)


def test_times_that_were_set_just_now_send_nothing_of_a_shift_before(night, told_at_the_end, webhook):
    told_at_the_end.handover_set_at = timezone.now()
    told_at_the_end.save()
    tasks.sweep()
    assert not Shift.objects.exists()


def test_times_are_typed_as_people_type_them(signed_in, user, webhook):
    form = {
        "name": "desk", "address": webhook.address, "strength": "weak", "wait_minutes": 0, "digest_minutes": 0,
        "is_active": "on",
    }  # fmt: skip
    for typed in ("half past six", "25:00", "6:00am"):
        answer = signed_in.post("/subscriptions/new/", {**form, "handover_times": typed})
        assert "Give times of day" in answer.content.decode()
    signed_in.post("/subscriptions/new/", {**form, "handover_times": "22, 06:00;14:00"})
    saved = Subscription.objects.get()
    assert saved.handover_times == "06:00 14:00 22:00"
    assert saved.handover_set_at is not None
    assert "the handover at 06:00 14:00 22:00" in signed_in.get("/subscriptions/").content.decode()
