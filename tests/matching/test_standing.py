"""Standing searches: a probe kept open is compared with whoever comes, and tells those who opened it."""

import pytest

from cases.models import Collection, add_photo
from matching.indexing import single
from matching.models import Candidate, Delivery, Search, StandingSearch, Subscription
from matching.searching import deciding, pictures, standing
from matching.telling import messages
from matching.watching import newcomers
from tests import faces, needs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def search(any_model, make_case, user) -> Search:
    make_case("MP9", faces.astronaut())
    newcomers.look_back()
    return pictures.search_image(faces.person(3), "bus.jpg", user=user, purpose="the bus")


@pytest.fixture
def kept(search, signed_in) -> StandingSearch:
    signed_in.post(f"/search/{search.pk}/keep-open/")
    return StandingSearch.objects.get()


def test_a_new_case_that_is_alike_comes_to_those_who_keep_the_search_open(kept, make_case, signed_in, as_admin, user):
    Subscription.objects.create(user=user, address="json://127.0.0.1:9/")
    case = make_case("MP3", faces.person(3))
    make_case("MP1", faces.person(1))
    newcomers.look_back()
    (found,) = Candidate.objects.filter(found_at__isnull=False)
    assert found.case == case
    assert found.face is not None
    assert "1 new likeness" in signed_in.get("/standing/notice/").content.decode()
    assert "1 new" in signed_in.get("/standing/").content.decode()
    assert "new likeness" not in as_admin.get("/standing/notice/").content.decode()
    title, body, _ = messages.of(Delivery.objects.get())
    assert "Person MP3" in title
    assert "the bus" in body
    page = signed_in.get(kept.search.get_absolute_url()).content.decode()
    assert "while somebody watched for this face" in page
    assert "new likeness" not in signed_in.get("/standing/notice/").content.decode()
    newcomers.look_back()
    assert Candidate.objects.filter(found_at__isnull=False).count() == 1


def test_a_new_photo_of_a_case_counts_as_well_but_what_was_decided_stays(kept, signed_in, user):
    known = Candidate.objects.get(case__number="MP9")
    deciding.say(known, "rejected", user)
    single.index_photo(add_photo(known.case, faces.person(3), "new.jpg").pk)
    newcomers.look_back()
    assert Candidate.objects.get(case__number="MP9").found_at is None
    deciding.say(known, "", user)
    single.index_photo(add_photo(known.case, faces.person(4), "newer.jpg").pk)
    newcomers.look_back()
    assert Candidate.objects.get(case__number="MP9").found_at is not None


def test_it_is_closed_with_a_reason_and_finds_nobody_then(kept, make_case, signed_in):
    page = signed_in.post(f"/standing/{kept.pk}/close/", {"reason": " "}, follow=True).content.decode()
    assert "Say why it ends" in page
    signed_in.post(f"/standing/{kept.pk}/close/", {"reason": "identified"})
    kept.refresh_from_db()
    assert kept.closed_reason == "identified"
    make_case("MP3", faces.person(3))
    newcomers.look_back()
    assert not Candidate.objects.filter(found_at__isnull=False).exists()
    assert "You watch for nobody" in signed_in.get("/standing/").content.decode()


def test_one_person_keeps_a_search_open_once_and_nobody_closes_anothers(kept, search, signed_in, as_admin):
    signed_in.post(f"/search/{search.pk}/keep-open/")
    assert StandingSearch.objects.count() == 1
    assert as_admin.post(f"/standing/{kept.pk}/close/", {"reason": "mine"}).status_code == 404


def test_a_search_among_some_collections_stays_among_them(any_model, make_case, user, collection):
    other = Collection.objects.create(name="Jail")
    search = pictures.search_image(faces.person(3), "b.jpg", user=user, purpose="b", collections=[other])
    standing.keep_open(search, user)
    make_case("MP3", faces.person(3))
    newcomers.look_back()
    assert not Candidate.objects.exists()
    make_case("J3", faces.person(3), collection=other)
    newcomers.look_back()
    assert Candidate.objects.get().case.number == "J3"


def test_a_search_narrowed_by_what_cases_say_stays_narrowed(any_model, make_case, user):
    from cases.filters import SearchedCases

    narrowed = SearchedCases({"sex": "female"})
    assert narrowed.is_valid()
    search = pictures.search_image(faces.person(3), "b.jpg", user=user, purpose="b", narrowed=narrowed)
    standing.keep_open(search, user)
    make_case("MP3", faces.person(3), sex="male")
    newcomers.look_back()
    assert not Candidate.objects.exists()


@needs.pack
def test_it_goes_on_under_another_face_model(use_model, make_case, user):
    use_model("dlib")
    search = pictures.search_image(faces.person(3), "bus.jpg", user=user, purpose="the bus", reference="T-1")
    standing.keep_open(search, user)
    pack = use_model(str(faces.PACK))
    case = make_case("MP3", faces.person(3))
    newcomers.look_back()
    moved = StandingSearch.objects.get()
    assert (moved.search.model, moved.search.reference) == (pack, "T-1")
    assert moved.search != search
    assert Candidate.objects.get(probe__search=moved.search, case=case).found_at is not None
