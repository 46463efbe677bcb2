"""Pictures from the web: each with its address and time, politely, and from public hosts only."""

import csv
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from cases.models import AuditEvent
from matching.models import Batch, BatchFile, Candidate, Delivery, Shot, Subscription, WebSource
from matching.searching import batches, tasks, web, web_found, web_sources
from tests import faces
from tests.matching.test_batches import clip, who, why, zipped
from tests.people import person
from tests.site import site

pytestmark = pytest.mark.django_db(transaction=True)

JPEG = "image/jpeg"
HTML = "text/html; charset=utf-8"


@pytest.fixture
def news(settings):
    settings.WEB_PRIVATE_HOSTS, settings.IMPORT_RATE, settings.IMPORT_BACKOFF = True, 1000, 0.01
    with site() as found:
        found.holds = {
            "/one.jpg": (JPEG, faces.person(1)),
            "/page": (HTML, b'<html><img src="/three.jpg"><img src="/gone.jpg"><img src="/one.jpg"></html>'),
            "/three.jpg": (JPEG, faces.person(3)),
            "/feed": ("application/rss+xml", rss("/story")),
            "/story": (HTML, b'<html><meta property="og:image" content="/three.jpg"><a href="/page">more</a></html>'),
        }
        yield found


def rss(*links: str) -> bytes:
    items = "".join(
        f"<item><link>{link}</link><pubDate>Thu, 05 Mar 2026 13:05:07 GMT</pubDate></item>" for link in links
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{items}</channel></rss>'.encode()


@pytest.fixture
def fetched(any_model, six_cases, user):
    def make(*addresses: str, one_person: bool = False, go: bool = True) -> Batch:
        made = batches.begin(user=user, purpose="the web", one_person=one_person)
        assert batches.add_addresses(made, addresses, user) == []
        batches.start(made)
        if go:
            batches.run(made)
        return made

    return make


def test_a_picture_and_a_page_are_searched_each_picture_once(news, fetched, signed_in):
    made = fetched(news.at("/one.jpg"), news.at("/page"))
    assert made.status == "done"
    assert sorted(who(made)) == [("MP1", 1), ("MP3", 1)]
    assert why(made)[news.at("/page")] == "A page that names 3; 2 new ones were looked at."
    assert "not there (404)" in why(made)[news.at("/gone.jpg")]
    assert (made.done, made.total) == (4, 4)
    shot = Shot.objects.get(name="three.jpg")
    assert (shot.file.address, shot.file.found_on) == (news.at("/three.jpg"), news.at("/page"))
    page = signed_in.get(f"/shots/{shot.pk}/").content.decode()
    assert news.at("/three.jpg") in page
    assert "fetched" in page
    table = signed_in.get(f"/batches/{made.pk}/persons.csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(table.streaming_content).decode("utf-8-sig"))))
    assert {row["address"] for row in rows} == {news.at("/one.jpg"), news.at("/three.jpg")}
    assert all(datetime.fromisoformat(row["fetched"]) for row in rows)


def test_a_feed_leads_to_its_entries_pages_and_no_further(news, fetched):
    made = fetched(news.at("/feed"))
    assert who(made) == [("MP3", 1)]
    assert Shot.objects.get().posted_at == datetime(2026, 3, 5, 13, 5, 7, tzinfo=UTC)
    assert "/page" not in news.asked


def test_a_file_of_addresses_is_a_list_of_them(news, any_model, six_cases, user):
    made = batches.begin(user=user, purpose="a list")
    listed = "\n".join([news.at("/one.jpg"), news.at("/three.jpg"), "nonsense at all"]).encode()
    batches.add(made, ContentFile(listed), "addresses.txt", user)
    batches.start(made)
    batches.run(made)
    assert sorted(who(made)) == [("MP1", 1), ("MP3", 1)]
    assert "2 new ones" in why(made)["addresses.txt"]
    assert "nonsense" in why(made)["addresses.txt"]


def test_a_zip_or_clip_at_an_address_is_opened_as_a_sent_one(news, fetched, tmp_path):
    news.holds["/all.zip"] = ("application/zip", zipped(**{"in__one.jpg": faces.person(1)}))
    news.holds["/street"] = ("video/mp4", clip(tmp_path))
    made = fetched(news.at("/all.zip"), news.at("/street"))
    assert {number for number, _ in who(made)} == {"MP1", "MP3"}


def test_what_one_person_is_searched_by_is_no_page(news, fetched):
    made = fetched(news.at("/one.jpg"), news.at("/page"), one_person=True)
    assert who(made) == [("MP1", 1)]
    assert why(made)[news.at("/page")] == "A page lies there, no picture."


def test_a_batch_that_was_stopped_fetches_nothing_twice(news, fetched):
    made = fetched(news.at("/page"), news.at("/one.jpg"), go=False)
    rests = iter([True] * 6)
    while made.status != "done":
        batches.run(made, must_stop=lambda: next(rests, False))
    assert sorted(who(made)) == [("MP1", 1), ("MP3", 1)]
    pictures = [path for path in news.asked if path != "/robots.txt"]
    assert len(pictures) == len(set(pictures)) == 4


@pytest.mark.parametrize(
    ("holds", "words"),
    [
        (("text/html", b"<html><script>build()</script></html>"), "names no picture"),
        (("text/plain", b"words"), "not an image"),
        (("image/svg+xml", b"<svg></svg>"), "not an image"),
        (("image/jpeg", b""), "is empty"),
        (403, "answered 403"),
        (503, "answered 503"),
        ("ftp://elsewhere.example/x.jpg", "no address of the web"),
        ("/odd", "redirects again"),
    ],
)
def test_what_is_not_taken_is_named_with_its_reason_and_the_rest_goes_on(news, fetched, holds, words):
    news.holds["/odd"] = holds
    made = fetched(news.at("/odd"), news.at("/one.jpg"))
    assert who(made) == [("MP1", 1)]
    assert words in why(made)[news.at("/odd")]


def test_a_host_that_does_not_answer_is_left_alone_after_a_while(settings, fetched, monkeypatch):
    settings.WEB_PRIVATE_HOSTS, settings.IMPORT_RATE = True, 1000
    monkeypatch.setattr(web, "PATIENCE", 2)
    made = fetched(*(f"http://127.0.0.1:9/{number}.jpg" for number in range(4)))
    assert [("failed 2 times" in text, "refuses the connection" in text) for text in why(made).values()] == [
        (False, True), (False, True), (True, False), (True, False),
    ]  # fmt: skip


def test_what_robots_txt_keeps_programs_from_is_not_asked(news, fetched):
    news.holds["/robots.txt"] = ("text/plain", b"User-agent: *\nDisallow: /private/\n")
    news.holds["/private/one.jpg"] = (JPEG, faces.person(1))
    made = fetched(news.at("/private/one.jpg"), news.at("/three.jpg"))
    assert who(made) == [("MP3", 1)]
    assert "robots.txt" in why(made)[news.at("/private/one.jpg")]
    assert news.asked.count("/robots.txt") == 1
    news.holds["/around.jpg"] = "/private/one.jpg"
    assert "robots.txt" in why(fetched(news.at("/around.jpg")))[news.at("/around.jpg")]
    assert "/private/one.jpg" not in news.asked


@pytest.mark.parametrize("where", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1"])
def test_a_private_host_is_not_asked(news, fetched, settings, where):
    settings.WEB_PRIVATE_HOSTS = False
    made = fetched(f"http://{where}:{news.server_port}/one.jpg")
    assert "private address" in next(iter(why(made).values()))
    assert news.asked == []


def test_neither_a_redirect_nor_a_page_leads_to_a_private_host(news, fetched, settings, monkeypatch):
    """The site stands for a public one; where it leads is not."""
    from cases import public_hosts

    settings.WEB_PRIVATE_HOSTS = False
    real = public_hosts.is_public
    monkeypatch.setattr(public_hosts, "is_public", lambda one: one == "127.0.0.1" or real(one))
    news.holds["/away.jpg"] = "http://169.254.169.254/latest/meta-data"
    news.holds["/inner"] = (HTML, b'<html><img src="http://[::1]/x.jpg"></html>')
    made = fetched(news.at("/away.jpg"), news.at("/inner"), news.at("/one.jpg"))
    assert who(made) == [("MP1", 1)]
    assert "private address" in why(made)[news.at("/away.jpg")]
    assert "private address" in why(made)["http://[::1]/x.jpg"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ftp://a.example/x", "begins with https"), ("file:///etc/passwd", "begins with https"),
        ("https://", "no address"), ("https://kim:secret@a.example/x.jpg", "password"),
        ("https://a.example/a b.jpg", "no address"), ("https://a.example:port/", "no address"),
        ("https://" + "a" * 3000 + ".example/", "shorten"), ("javascript:alert(1)", "no address"),
        ("words", "no address"),
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_before_anything_begins(any_model, user, text, words):
    made = batches.begin(user=user, purpose="x")
    refusals = batches.add_addresses(made, [text, "a.example/x.jpg", "", "a.example/x.jpg#twice"], user)
    assert [words in refusal for refusal in refusals] == [True]
    assert [one.address for one in made.files.all()] == ["https://a.example/x.jpg"]


def test_addresses_are_sent_on_the_page_and_by_the_api(news, any_model, six_cases, signed_in):
    begun = signed_in.post("/batches/", {"purpose": "the web"}).json()
    said = signed_in.post(begun["files"], {"addresses": f"{news.at('/one.jpg')}\nftp://x"}).json()
    assert (said["files"], len(said["errors"])) == (1, 1)
    signed_in.post(begun["start"])
    assert who(Batch.objects.get()) == [("MP1", 1)]


def test_a_clip_in_a_zip_or_a_mail_is_searched_as_one_by_itself(any_model, six_cases, user, tmp_path, signed_in):
    made = batches.begin(user=user, purpose="the phone")
    inner = zipped(**{"deep__street.mp4": clip(tmp_path)})
    batches.add(made, ContentFile(zipped(**{"five.jpg": faces.person(5), "more.zip": inner})), "all.zip", user)
    batches.start(made)
    batches.run(made)
    assert sorted(who(made)) == [("MP1", 1), ("MP3", 1), ("MP5", 1)]
    shot = Shot.objects.filter(name="more.zip/deep/street.mp4").first()
    assert signed_in.get(f"/shots/{shot.pk}/picture/").status_code == 200
    assert made.done == made.total
    assert not why(made)


def test_clips_in_a_zip_outlast_a_stop(any_model, six_cases, user, tmp_path, monkeypatch):
    from matching.searching import batch_walk

    monkeypatch.setattr(batch_walk, "STEP", 1)
    made = batches.begin(user=user, purpose="the phone")
    content = zipped(**{"a.mp4": clip(tmp_path), "b.jpg": faces.person(5), "c.jpg": faces.person(4)})
    batches.add(made, ContentFile(content), "all.zip", user)
    batches.start(made)
    rests = iter([True] * 6)
    while made.status != "done":
        batches.run(made, must_stop=lambda: next(rests, False))
    assert {number for number, _ in who(made)} == {"MP1", "MP3", "MP4", "MP5"}
    assert BatchFile.objects.count() == 2


FACEBOOK = {"photos": [{"media": [{"uri": "your_posts/media/one.jpg", "creation_timestamp": 1772715907}]}]}
GOOGLE = {"title": "three.jpg", "photoTakenTime": {"timestamp": "1772715907"}}


def test_the_export_of_a_social_network_says_when_each_picture_was_posted(any_model, six_cases, user, signed_in):
    made = batches.begin(user=user, purpose="the account")
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as opened:
        opened.writestr("facebook-kim/your_posts/media/one.jpg", faces.person(1))
        opened.writestr("facebook-kim/your_posts/posts_1.json", json.dumps(FACEBOOK))
        opened.writestr("Takeout/three.jpg", faces.person(3))
        opened.writestr("Takeout/three.jpg.supplemental-metadata.json", json.dumps(GOOGLE))
        opened.writestr("five.jpg", faces.person(5))
        opened.writestr("broken.json", "[" * 100_000)
        opened.writestr("odd.json", '{"uri": "five.jpg", "creation_timestamp": 1e300}')
    batches.add(made, ContentFile(held.getvalue()), "export.zip", user)
    batches.start(made)
    batches.run(made)
    at = datetime(2026, 3, 5, 13, 5, 7, tzinfo=UTC)
    assert {shot.name.rpartition("/")[2]: shot.posted_at for shot in Shot.objects.all()} == {
        "one.jpg": at, "three.jpg": at, "five.jpg": None,
    }  # fmt: skip
    shot = Shot.objects.get(name__endswith="one.jpg")
    assert "as the export says" in signed_in.get(f"/shots/{shot.pk}/").content.decode()


@pytest.fixture
def source(news, any_model, six_cases, signed_in):
    """A feed that is looked at for MP3, added on the case's page."""
    page = signed_in.post(f"/cases/{six_cases[3].pk}/web/", {"address": news.at("/feed"), "every": 24})
    assert page.status_code == 200
    return WebSource.objects.get()


def test_a_case_has_a_place_on_the_web_that_is_looked_at_at_once_and_again(source, news, six_cases, signed_in):
    assert Batch.objects.count() == 1
    assert [one.case for one in web_found.met(six_cases[3], source.user)] == [six_cases[3]]
    page = signed_in.get(f"/cases/{source.case.pk}/web/").content.decode()
    assert "1 file so far" in page
    assert "strong" in page or "fair" in page
    assert AuditEvent.objects.filter(action="added web source").exists()
    # Nothing is new: no batch, and no picture asked for again.
    source.refresh_from_db()
    assert source.next_at > timezone.now() + timedelta(hours=23)
    news.asked.clear()
    WebSource.objects.update(next_at=timezone.now())
    assert list(web_sources.due()) == [source]
    tasks.look_at_source(source.pk)
    assert Batch.objects.count() == 1
    assert news.asked == ["/robots.txt", "/feed"]
    # One more entry: only that is searched.
    news.holds["/feed"] = ("application/rss+xml", rss("/story", "/page"))
    WebSource.objects.update(next_at=timezone.now())
    tasks.look_at_source(source.pk)
    assert who(Batch.objects.exclude(pk=Batch.objects.earliest("created_at").pk).get()) == [("MP1", 1)]
    assert list(web_sources.due()) == []


def test_its_owner_is_told_once_and_sees_it_on_the_alerts_page(news, any_model, six_cases, signed_in, user, settings):
    settings.ALERT_PRIVATE_HOSTS = True
    Subscription.objects.create(user=user, name="mine", address="json://127.0.0.1:9/", strength="weak")
    source = web_sources.add(six_cases[3], news.at("/feed"), WebSource.Every.DAY, user)
    tasks.look_at_source(source.pk)
    told = Delivery.objects.get()
    assert told.candidate == Candidate.objects.get(case=six_cases[3], found_at__isnull=False)
    assert "1 new likeness</b> of" in signed_in.get("/standing/notice/").content.decode()
    signed_in.get(f"/cases/{six_cases[3].pk}/web/")
    assert "new likeness" not in signed_in.get("/standing/notice/").content.decode()


@pytest.mark.parametrize(
    ("address", "words"),
    [("", "Type the address"), ("ftp://x.example", "begins with https"), ("again", "looked at for this case already")],
)
def test_an_address_that_cannot_be_looked_at_is_refused_on_the_page(source, news, signed_in, address, words):
    address = news.at("/feed") if address == "again" else address
    page = signed_in.post(f"/cases/{source.case.pk}/web/", {"address": address, "every": 24}).content.decode()
    assert words in page
    assert WebSource.objects.count() == 1


@pytest.mark.parametrize(("path", "words"), [("/one.jpg", "No page or feed"), ("/nothing", "not there (404)")])
def test_what_is_wrong_with_a_place_is_said_at_the_case(news, any_model, six_cases, signed_in, user, path, words):
    source = web_sources.add(six_cases[3], news.at(path), WebSource.Every.DAY, user)
    tasks.look_at_source(source.pk)
    assert words in signed_in.get(f"/cases/{six_cases[3].pk}/web/").content.decode()
    assert not Batch.objects.exists()


def test_it_is_looked_at_now_and_no_more(source, signed_in):
    signed_in.post(f"/web-sources/{source.pk}/look/")
    source.refresh_from_db()
    assert source.looked_at > timezone.now() - timedelta(minutes=1)
    signed_in.post(f"/web-sources/{source.pk}/remove/")
    assert not WebSource.objects.exists()
    assert Batch.objects.count() == 1


def test_a_closed_case_and_somebody_who_may_not_search_ask_nobody(source, news, user):
    from cases.models import Case

    news.asked.clear()
    WebSource.objects.update(next_at=timezone.now())
    Case.objects.filter(pk=source.case.pk).update(status=Case.Status.CLOSED)
    assert list(web_sources.due()) == []
    Case.objects.filter(pk=source.case.pk).update(status=Case.Status.OPEN)
    user.is_active = False
    user.save()
    tasks.look_at_source(source.pk)
    source.refresh_from_db()
    assert source.problem == "The account is switched off."
    assert news.asked == []


def test_two_who_look_at_once_search_once(source, news):
    news.holds["/feed"] = ("application/rss+xml", rss("/story", "/page"))
    WebSource.objects.update(next_at=timezone.now())
    one, other = WebSource.objects.get(), WebSource.objects.get()
    assert web_sources.look(one) is not None
    assert web_sources.look(other) is None


def test_a_viewer_sees_what_was_found_and_adds_nothing(source, client):
    viewer = person("viewer", "Viewer")
    client.force_login(viewer)
    assert "web-address" not in client.get(f"/cases/{source.case.pk}/web/").content.decode()
    assert client.post(f"/cases/{source.case.pk}/web/", {"address": "https://a.example/"}).status_code == 403
