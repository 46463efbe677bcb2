"""An installation's own error rates: true to its cases, unspoiled by duplicates, made anew when they are due."""

import uuid
from datetime import date, timedelta

import numpy as np
import pytest
from django.utils import timezone

from cases.models import Case, Photo
from matching.gallery import calibration, measuring
from matching.gallery import search as gallery
from matching.gallery.curves import Curve
from matching.models import CasePair, FaceModel, IndexRun, Measurement
from tests.matching.test_gallery import fill, make_model, unit

CASES = 1100


@pytest.fixture
def model(db) -> FaceModel:
    return make_model(32, compared_to=2**62)


def quantile(values: np.ndarray, share: float) -> float:
    return float(np.quantile(values, 1 - share))


def test_it_works(model, collection):
    embeddings = unit(CASES, 32)
    fill(model, collection, embeddings)
    measured = measuring.measure(model)
    similarities = (embeddings @ embeddings.T)[np.triu_indices(CASES, 1)]
    curve = calibration.of(model).non_mates
    assert (measured.cases, curve.pairs) == (CASES, CASES * (CASES - 1) // 2)
    for share in (0.5, 0.1, 1e-2, 1e-3):
        assert curve.similarity(share) == pytest.approx(quantile(similarities, share), abs=0.005)
    strangers = [gallery.search(model, probe, limit=1)[0].similarity for probe in unit(300, 32)]
    for searches in (3, 10):
        reached = np.mean(np.array(strangers) >= calibration.of(model).threshold(1 / searches, CASES))
        assert 0.5 < reached * searches < 2
    assert [searches for searches, _ in measured.check_of] == [3, 10, 30, 100]
    assert 0.5 < measured.check_of[0][1] * 3 < 2
    assert "pairs of different cases here" in calibration.of(model).measured_on


def test_photos_of_one_case_are_the_mates(model, collection):
    persons = np.repeat(unit(CASES, 32), 2, axis=0)
    photos = persons + 0.05 * np.random.default_rng(1).normal(size=persons.shape)
    photos /= np.linalg.norm(photos, axis=1, keepdims=True)
    fill(model, collection, photos, photos_a_case=2)
    mates = Curve.from_json(measuring.measure(model).mates)
    assert mates.pairs == 2 * CASES
    similarities = np.sum(photos[::2] * photos[1::2], axis=1)
    assert mates.similarity(0.5) == pytest.approx(quantile(similarities, 0.5), abs=0.01)
    assert calibration.of(model).missed(0.5) == pytest.approx(np.mean(similarities < 0.5), abs=0.01)


def test_cases_that_are_or_may_be_one_person_do_not_spoil_the_tail(model, collection):
    embeddings = unit(CASES, 32)
    embeddings[100:200] = embeddings[:100]
    cases = fill(model, collection, embeddings)
    spoiled = calibration.by(model, measuring.measure(model)).non_mates.similarity(1e-4)
    CasePair.objects.bulk_create(
        CasePair(first=cases[i], second=cases[i + 100], similarity=1, decision=["", "same"][i % 2]) for i in range(100)
    )
    measured = measuring.measure(model)
    assert spoiled == pytest.approx(1, abs=0.01)
    assert calibration.by(model, measured).non_mates.similarity(1e-4) < 0.8
    assert measured.left_out == 200
    CasePair.objects.update(decision="different")
    assert measuring.measure(model).left_out == 0


@pytest.mark.parametrize("cases", [0, 1, 2, 10])
def test_too_few_cases_leave_the_shipped_rates_in_force(model, collection, cases):
    if cases:
        fill(model, collection, unit(cases, 32))
    assert measuring.measure(model) is None
    assert not measuring.is_due(model)
    assert calibration.of(model) == calibration.shipped(model)
    calibrated = calibration.of(model)
    for similarity in (-1.0, 0.0, 0.3, 0.99, 1.0):
        strength = calibration.strength(calibrated, similarity, gallery.size(model))
        assert strength.word in ("weak", "fair", "strong")
    assert -1 < calibrated.threshold(0.01, cases) < 1


def test_cases_that_are_all_the_same_picture_leave_the_shipped_rates_in_force(any_model, collection):
    fill(any_model, collection, np.repeat(unit(1, any_model.dimensions), CASES, axis=0))
    assert measuring.measure(any_model) is None
    assert calibration.of(any_model) == calibration.shipped(any_model)


def test_it_is_due_first_then_when_the_gallery_has_grown_and_when_a_night_was_missed(model, collection):
    fill(model, collection, unit(CASES, 32))
    assert measuring.is_due(model)
    measuring.measure_alone(model)
    assert not measuring.is_due(model)
    Measurement.objects.update(measured_at=timezone.now() - timedelta(days=2))
    assert measuring.is_due(model)
    measuring.measure_alone(model)
    measuring.measure_alone(model)
    assert Measurement.objects.count() == 2
    measuring.measure_alone(model, nightly=True)
    assert Measurement.objects.count() == 3
    fill(model, collection, unit(CASES, 32))
    assert measuring.is_due(model)


def test_it_waits_until_new_faces_were_compared_for_a_duplicate_would_spoil_it(model, collection):
    fill(model, collection, unit(CASES, 32))
    run = IndexRun.objects.create()
    assert not measuring.is_due(model)
    run.move("running", "done", finished_at=timezone.now())
    assert measuring.is_due(model)
    model.compared_to = 0
    assert not measuring.is_due(model)


def test_what_was_said_of_an_older_likeness_stays(model, collection):
    fill(model, collection, unit(CASES, 32))
    first = measuring.measure(model)
    before = calibration.strength(calibration.by(model, first), 0.6, CASES)
    # People who are all much alike come in.
    alike = unit(1, 32) + 0.1 * np.random.default_rng(1).normal(size=(CASES, 32))
    fill(model, collection, alike / np.linalg.norm(alike, axis=1, keepdims=True))
    measuring.measure(model)
    first.refresh_from_db()
    assert calibration.strength(calibration.by(model, first), 0.6, CASES) == before
    assert calibration.strength(calibration.of(model), 0.6, CASES) != before


def test_another_model_has_its_own(model, collection):
    fill(model, collection, unit(CASES, 32))
    measuring.measure(model)
    other = FaceModel.objects.create(
        name="other", source="dlib", fingerprint=uuid.uuid4().hex, dimensions=32, licence=""
    )
    assert calibration.of(other) == calibration.shipped(other)


def test_a_closed_case_is_no_longer_measured(model, collection):
    cases = fill(model, collection, unit(CASES, 32))
    Case.objects.filter(pk__in=[case.pk for case in cases[:50]]).update(status="closed")
    measured = measuring.measure(model)
    assert (measured.cases, measured.probes) == (CASES - 50, CASES - 50)


def test_mates_are_counted_by_age_and_by_years_where_photos_are_dated(model, collection, as_admin):
    """Every other case has photos of a child, twelve years apart and less alike; the rest of an adult."""
    apart = np.repeat(np.where(np.arange(CASES) % 2, 0.12, 0.03), 2)[:, None]
    photos = np.repeat(unit(CASES, 32), 2, axis=0)
    photos = photos + apart * np.random.default_rng(1).normal(size=photos.shape)
    cases = fill(model, collection, photos / np.linalg.norm(photos, axis=1, keepdims=True), photos_a_case=2)
    for number, case in enumerate(cases):
        case.born_on = date(1992 if number % 2 else 1960, 3, 1)
    Case.objects.bulk_update(cases, ["born_on"])
    for number, photo in enumerate(dated := list(Photo.objects.order_by("case_id", "pk"))):
        is_child, is_second = (number // 2) % 2, number % 2
        photo.taken_on = date(2000 + (12 if is_child and is_second else 0), 6 + (is_second and not is_child), 1)
    Photo.objects.bulk_update(dated, ["taken_on"])
    by = measuring.measure(model).mates_by
    years = {name: Curve.from_json(kept) for name, kept in by["years"]}
    assert {name: curve.pairs for name, curve in years.items()} == {"under 1": CASES, "over 10": CASES}
    assert years["over 10"].similarity(0.5) < years["under 1"].similarity(0.5) - 0.1
    ages = {name: Curve.from_json(kept).pairs for name, kept in by["ages"]}
    assert ages == {"under 13": CASES // 2, "18 to 39": CASES // 2, "40 to 59": CASES}
    FaceModel.objects.update(is_active=True)
    page = as_admin.get("/system/accuracy/").content.decode()
    assert "Persons missed here, by years between the photos" in page
    assert "under 13" in page


def test_undated_photos_are_counted_by_neither(model, collection):
    fill(model, collection, np.repeat(unit(CASES, 32), 2, axis=0), photos_a_case=2)
    assert measuring.measure(model).mates_by == {"ages": [], "years": []}
