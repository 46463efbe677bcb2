"""A face that is like everybody: what it has in common with all is taken off before its likenesses are worded."""

import numpy as np
import pytest

from cases.models import Case, Collection
from matching.evaluating import comparing
from matching.gallery import calibration, commonness, measuring
from matching.gallery import search as gallery
from matching.models import Template
from matching.searching import pictures
from matching.searching.persons import Appearance, persons
from tests import faces
from tests.matching.test_gallery import fill, make_model, unit

pytestmark = pytest.mark.django_db(transaction=True)


def alike(count: int, share: float, dimensions: int = 128) -> np.ndarray:
    """Faces of different people any two of whom have about this similarity."""
    common = np.zeros(dimensions)
    common[0] = 1
    found = np.sqrt(share) * common + np.sqrt(1 - share) * unit(count, dimensions)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def word(model, probe: np.ndarray, cases: int) -> str:
    (hit,) = gallery.search(model, probe, limit=1)
    found = calibration.strength(calibration.of(model), hit.similarity, cases, hit.allowance, hit.commonness)
    return found.word


@pytest.mark.parametrize("count", [28, 500])
def test_strangers_among_people_who_are_alike_are_not_called_strong(collection, count):
    model = make_model(128)
    everybody = alike(count + 40, 0.3)
    fill(model, collection, everybody[:count])
    words = [word(model, stranger, count) for stranger in everybody[count:]]
    assert words.count("strong") <= 1
    assert words.count("weak") >= 30
    # A person who is looked for stays strong among them.
    mate = everybody[0] + 0.5 * unit(128)
    assert word(model, mate / np.linalg.norm(mate), count) == "strong"


def test_among_people_at_large_nothing_changes_much(collection):
    model = make_model(128)
    fill(model, collection, unit(500, 128))
    taken = [gallery.search(model, unit(128), limit=1)[0].commonness for _ in range(20)]
    assert min(taken) >= 0
    assert max(taken) < 0.05


def test_the_order_stays_as_it_was(collection):
    model, everybody = make_model(128), alike(60, 0.4)
    fill(model, collection, everybody[:50])
    hits = gallery.search(model, everybody[55], limit=50)
    assert [hit.similarity for hit in hits] == sorted((hit.similarity for hit in hits), reverse=True)
    assert len({hit.commonness for hit in hits}) == 1
    assert hits[0].commonness > 0.1


def test_a_person_with_several_cases_is_not_held_for_somebody_like_everybody(collection):
    model, person = make_model(128), unit(128)
    others = unit(20, 128)
    again = person + 0.15 * unit(6, 128)
    fill(model, collection, np.concatenate([others, again / np.linalg.norm(again, axis=1, keepdims=True)]))
    hit = gallery.search(model, person, limit=1)[0]
    assert hit.similarity > 0.9
    assert hit.commonness < 0.1


def test_what_the_gallery_has_in_common_is_true_whatever_becomes_of_its_cases(collection):
    model, other = make_model(64), Collection.objects.create(name="Other")
    cases = fill(model, collection, unit(12, 64)) + fill(model, other, unit(8, 64))

    def check() -> None:
        for among in (None, [collection.pk], [other.pk]):
            kept = commonness.population(model, among)
            counted = commonness.population(model, None, gallery.searched(model, among).filter(is_main=True))
            assert kept.cases == counted.cases
            assert kept.mean == pytest.approx(counted.mean, abs=1e-5)

    check()
    Case.objects.filter(pk__in=[case.pk for case in cases[:3]]).update(status="closed")
    check()
    Case.objects.filter(pk=cases[0].pk).update(status="open")
    Case.objects.filter(pk=cases[5].pk).update(collection=other)
    check()
    # One comes and one goes in one statement: the count is the same, the people are not.
    swapped = {cases[6].pk: other.pk, cases[14].pk: collection.pk}
    for case in (rows := list(Case.objects.filter(pk__in=swapped))):
        case.collection_id = swapped[case.pk]
    Case.objects.bulk_update(rows, ["collection"])
    check()
    Template.objects.filter(case=cases[7]).delete()
    check()
    measuring.tidy_counts()
    check()


def test_labelled_photos_are_searched_by_the_same_rule(collection):
    model, everybody = make_model(128), alike(60, 0.3)
    cases = fill(model, collection, everybody[:50])
    hit = gallery.search(model, everybody[55], limit=1)[0]
    similarities = (everybody[:50].astype(np.float16).astype(np.float32) @ everybody[55]).astype(np.float32)
    assert len(cases) == len(similarities)
    assert commonness.among_these(calibration.of(model), similarities) == pytest.approx(hit.commonness, abs=0.005)
    stranger = comparing.Search(None, "x", 0.5, None, None, (0.0, 0.1))
    assert (stranger.alarm, stranger.worth) == (pytest.approx(0.4), -2.0)


def test_an_empty_gallery_has_nothing_in_common(collection):
    assert gallery.search(make_model(64), unit(64)) == []


def test_a_filter_is_judged_by_the_people_it_leaves(collection):
    model = make_model(128)
    everybody = alike(60, 0.4)
    women = fill(model, collection, everybody[:30])
    fill(model, collection, unit(300, 128))
    probe = everybody[50]
    among = Case.objects.filter(pk__in=[case.pk for case in women])
    assert gallery.search(model, probe, cases=among)[0].commonness > gallery.search(model, probe)[0].commonness


def test_it_is_said_and_kept_with_the_candidate(any_model, six_cases, user, monkeypatch):
    monkeypatch.setattr(commonness, "of", lambda model, cleaned, *rest: np.full(len(cleaned), 0.12, np.float32))
    search = pictures.search_image(faces.person(2), "x.jpg", user=user, purpose="tip")
    candidate = search.probes.get().candidates.first()
    assert candidate.commonness == pytest.approx(0.12)
    assert "like many of those searched; 0.12 was taken off" in candidate.strength_why
    assert candidate.worth == pytest.approx(candidate.similarity - candidate.allowance - 0.12)


def test_a_batch_of_people_who_are_alike_does_not_join_two_of_them():
    everybody = alike(28, 0.35)
    shots = [
        (number, (one + 0.4 * other) / np.linalg.norm(one + 0.4 * other))
        for number, one in enumerate(everybody)
        for other in unit(4, 128)
    ]
    found = persons(
        [Appearance(one.astype(np.float32), 0.0, frozenset([i]), 1 - i / 1000) for i, (_, one) in enumerate(shots)],
        calibration.of(make_model(128)),
    )
    assert all(len({shots[i][0] for i in members}) == 1 for members in found)
    assert len(found) <= 40
