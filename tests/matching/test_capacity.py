"""What a load needs and costs: arithmetic that can be followed, by rates that were measured here and leave nothing."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from cases.models import Case, Photo
from matching import capacity
from matching.capacity import Load, Prices
from matching.models import Alert, Camera, Capture, Face, Probe, Rates, Search
from tests import faces, one_capture
from tests.people import person as somebody

RATE = Rates(
    cores=2, cases=5_000, capture_seconds=0.05, search_seconds=0.1, photo_seconds=0.03, capture_bytes=50_000,
    case_bytes=200_000,
)  # fmt: skip


def figures(load: Load, prices: Prices = Prices(), cores_each: int = 4) -> dict[str, str]:  # noqa: B008
    return {line.what: line.figure for line in capacity.need(load, prices, RATE, cores_each)}


def test_it_works():
    # 100 cameras of 8,640 captures a day are 10 a second, 40 at the busiest: 2 cores of work, of 0.6 each.
    found = figures(Load(100, 8_640, 5_000, 0, days=10, peak=4), Prices(core=20, gigabyte=0.1))
    assert found["Captures at the busiest"] == "40.00 a second"
    assert (found["Work at the busiest"], found["Cores"], found["Machines"]) == ("2.00 cores", "4", "1")
    assert found["Captures on disk"] == "432.0 GB"
    assert found["Gallery on disk"] == "1.0 GB"
    assert found["A month here"] == "123.30", "4 cores x 20 + 433 GB x 0.1"
    assert found["A month at a cloud service"] == "25,920.00"


def test_a_larger_gallery_takes_longer_for_each_and_more_memory():
    sizes = (5_000, 1_005_000, 3_005_000)
    small, large, huge = (figures(Load(100, 8_640, cases, 86_400)) for cases in sizes)
    # Four searches a second more: 40 x 0.05 + 4 x 0.1; 0.07 s of a core for each of 44 in a million cases more that
    # processes hold in memory, 0.3 s where PostgreSQL alone looks through them.
    work = [one["Work at the busiest"] for one in (small, large, huge)]
    assert work == ["2.40 cores", "5.48 cores", "42.00 cores"]
    assert [one["Machines"] for one in (small, large, huge)] == ["1", "3", "18"]
    # 1 GB a machine, 450 bytes a case on each, 800 in PostgreSQL; 3 million cases are held by none.
    assert [one["Memory"] for one in (small, large, huge)] == ["1.0 GB", "5.2 GB", "20.4 GB"]


def test_nothing_is_two_cores_and_no_money_is_made_up():
    found = figures(Load(0, 0, 0, 0))
    assert (found["Cores"], found["Captures on disk"], found["A month here"]) == ("2", "0.0 GB", "not known")


def test_what_is_measured_leaves_nothing(any_model, make_case, camera, settings):
    for number in (1, 2):
        make_case(f"MP{number}", faces.person(number))
    one_capture.matched(camera, faces.person(1), timezone.now())
    photo = Photo.objects.order_by("pk").first()
    counted = [one.objects.count() for one in (Alert, Camera, Capture, Case, Face, Probe, Search)]
    rows = list(Face.objects.order_by("pk").values_list("pk", "crop"))
    kept = sorted(Path(settings.MEDIA_ROOT).rglob("*.jpg"))
    rate = capacity.measure()
    assert [one.objects.count() for one in (Alert, Camera, Capture, Case, Face, Probe, Search)] == counted
    assert list(Face.objects.order_by("pk").values_list("pk", "crop")) == rows
    assert sorted(Path(settings.MEDIA_ROOT).rglob("*.jpg")) == kept
    photo.refresh_from_db()
    assert photo.status == Photo.Status.INDEXED
    assert capacity.rates() == rate
    assert rate.cases == 2
    assert min(rate.capture_seconds, rate.search_seconds, rate.photo_seconds) > 0
    assert rate.assumed == ["capture_bytes", "case_bytes"], "of so few no size is known"
    assert "the size of a capture and the size of a case of another" in capacity.where_from(rate)


def test_sizes_are_those_of_files_and_rows_here(any_model, make_case, camera, monkeypatch):
    monkeypatch.setattr(capacity, "FEW", 1)
    case = make_case("MP1", faces.person(1))
    capture = one_capture.matched(camera, faces.person(1), timezone.now())
    rate = capacity.measure()
    assert rate.assumed == []
    assert rate.capture_bytes > capture.image.size + Probe.objects.get().crop.size
    photo = case.photos.get()
    assert rate.case_bytes > photo.image.size + photo.display.size + Face.objects.get().crop.size
    assert "measured" in capacity.where_from(rate)


def test_before_anything_was_measured_the_rates_are_said_to_be_anothers(db, capsys):
    call_command("capacity", "--cameras", "5")
    said = capsys.readouterr().out
    assert "rates of another machine" in said
    assert "5 cameras × 2,000 a day = 10,000 a day" in said


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [("cameras", "-1", "greater than or equal to 0"), ("peak", "many", "Enter a number"), ("days", "", "required"),
     ("core", "nan", "Enter a number")],
)  # fmt: skip
def test_what_is_no_number_is_said(db, option, value, words):
    with pytest.raises(CommandError, match=f"--{option}: .*{words}"):
        call_command("capacity", f"--{option}", value)


def test_without_a_photo_there_is_nothing_to_measure_with(any_model):
    with pytest.raises(CommandError, match="Add a case with a photo first"):
        call_command("capacity", "--measure")


def test_without_a_face_model_that_is_said(db):
    with pytest.raises(CommandError, match=r"manage\.py models prepare"):
        call_command("capacity", "--measure")


def test_the_page_shows_the_arithmetic_keeps_what_was_asked_and_says_what_is_wrong(any_model, make_case, as_admin):
    make_case("MP1", faces.person(1))
    page = as_admin.get("/system/capacity/", {"cameras": "7", "core": "20"}).content.decode()
    assert "7 cameras × 2,000 a day = 14,000 a day" in page
    assert 'name="cameras" value="7"' in page
    assert "2 cores × 20" in page
    assert "?cameras=0&amp;captures=0&amp;cases=1&amp;searches=0" in page, "as in the last week"
    wrong = as_admin.get("/system/capacity/", {"cameras": "x", "core": "-2"})
    assert wrong.status_code == 422
    assert "Enter a whole number" in wrong.content.decode()
    assert "rates of another machine" in page
    measured = as_admin.post("/system/capacity/measure/", follow=True).content.decode()
    assert "What work costs here was measured." in measured
    assert "rates of this machine" in measured


def test_who_may_not_change_the_system_reads_and_does_not_measure(client, db):
    client.force_login(somebody("vera", "Viewer"))
    assert "Measure this machine" not in client.get("/system/capacity/").content.decode()
    assert client.post("/system/capacity/measure/").status_code == 403
