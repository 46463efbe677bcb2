"""What is said of a likeness: how often a search finds a stranger this alike. It must grow weaker with the gallery, be
kept as it was said, and say when it is only an estimate."""

from itertools import pairwise

import numpy as np
import pytest

from cases.models import Collection
from matching.gallery import calibration
from matching.gallery.curves import EDGES, Curve, TooFewPairs
from matching.models import FaceModel
from tests import needs


def unmeasured() -> FaceModel:
    return FaceModel(name="x", fingerprint="none")


def of(model: FaceModel) -> calibration.Calibration:
    return calibration.by(model, None)


def said(similarity: float, cases: int, allowance: float = 0.0) -> calibration.Strength:
    return calibration.strength(of(unmeasured()), similarity, cases, allowance)


def test_it_works(model):
    assert calibration.of(model).measured_on
    assert calibration.strength(calibration.of(model), 0.999, 100).word == "strong"


def test_a_threshold_and_its_rate_agree_at_every_size():
    c = of(unmeasured())
    for cases in (1, 100, 300_000):
        for rate in (0.5, 0.05, 0.01, 0.001):
            assert c.fpir(c.threshold(rate, cases), cases) == pytest.approx(rate, rel=0.01)


def test_a_likeness_is_told_as_how_often_a_search_finds_a_stranger_so_alike():
    c = of(unmeasured())
    once_in_40 = c.threshold(1 / 40, 5008)
    strength = said(once_in_40, 5008)
    assert strength.word == "fair"
    assert "A stranger's best candidate among 5,008 cases is this alike once in 40 searches." in strength.why


def test_the_same_likeness_is_worth_less_in_a_larger_gallery():
    assert [said(0.38, n).word for n in (1, 100, 100_000)] == ["strong", "fair", "weak"]
    assert "in nearly every search" in said(0.38, 100_000).why
    assert "among 1 case " in said(0.38, 1).why


def test_words_beyond_what_was_counted_say_that_a_fitted_curve_speaks():
    assert "fitted" not in said(0.3, 10).why
    assert "fitted" in said(0.7, 10).why
    assert "less than once in a million searches" in said(0.99, 10).why


def test_an_unmeasured_model_is_said_to_be_estimated():
    assert "estimate" in said(0.9, 10).why


def test_a_likeness_of_two_poor_pictures_is_worth_less_and_that_is_said():
    clear, poor = (said(0.45, 10, allowance) for allowance in (0.0, 0.25))
    assert (clear.word, poor.word) == ("strong", "weak")
    assert "Both pictures are poor" in poor.why


def test_the_allowance_grows_with_the_poorness_of_the_better_of_two_pictures():
    allowed = [float(calibration.allowance(a, b)) for a, b in ((0.6, 0.0), (0.6, 0.3), (0.6, 0.6), (0.3, 0.6))]
    assert allowed[0] == 0 < allowed[1] == allowed[3] < allowed[2]


def test_a_stricter_level_asks_for_more_and_misses_more_persons():
    c, level = of(unmeasured()), Collection.AlertLevel
    thresholds = [c.threshold(calibration.LEVELS[x], 1000) for x in (level.STRICT, level.STANDARD, level.SENSITIVE)]
    assert thresholds == sorted(thresholds, reverse=True)
    missed = [c.missed(threshold) for threshold in thresholds]
    assert missed == sorted(missed, reverse=True)


def counted(values: np.ndarray) -> Curve:
    return Curve.of(np.histogram(values, EDGES)[0])


def test_a_curve_says_what_was_counted_and_a_tail_what_was_not():
    random = np.random.default_rng(1)
    # Of these a tenth of what is beyond 1e-3 is beyond 1e-4, and so on: an exponential tail, known to the end.
    values = random.exponential(0.05, 200_000) - 0.2
    curve = counted(values)
    for power in (1, 2, 3):
        similarity = 0.05 * np.log(10**power) - 0.2
        assert curve.share(similarity) == pytest.approx(10.0**-power, rel=0.1)
    # A hundred times rarer than anything counted.
    assert curve.share(0.05 * np.log(1e6) - 0.2) == pytest.approx(1e-6, rel=0.9)


def test_a_curve_is_never_nothing_and_never_goes_up():
    curve = counted(np.random.default_rng(1).normal(0, 0.1, 50_000))
    shares = [curve.share(x) for x in np.linspace(-1, 1, 400)]
    assert all(a >= b > 0 for a, b in pairwise(shares))
    assert curve.similarity(1e-12) > curve.similarity(1e-9) > curve.similarity(0.5)


def test_a_curve_comes_back_from_the_database_as_it_went():
    curve = counted(np.random.default_rng(1).normal(0, 0.1, 50_000))
    back = Curve.from_json(curve.to_json())
    assert back.share(0.25) == pytest.approx(curve.share(0.25), rel=0.01)
    assert back.tail == curve.tail


@pytest.mark.parametrize("values", [[], [0.1], [1.0] * 5000, [0.2] * 5000])
def test_too_few_pairs_or_all_the_same_make_no_curve_that_breaks(values):
    try:
        curve = counted(np.array(values))
    except TooFewPairs:
        assert len(values) < 100
    else:
        assert 0 < curve.share(0.5) <= 1


@needs.eval_
def test_the_shipped_curve_is_that_of_the_labelled_photos(model):
    from benchmarks import labelled
    from matching.faces import engines, images, poor
    from matching.indexing import subject

    engine, embeddings, people = engines.load(model.source), [], []
    for photo in labelled.lfw("enrol")[:110]:
        rgb = images.open_image(photo.path.read_bytes()).rgb
        if found := engine.faces(rgb):
            central = subject.by_position([face.relative_box(rgb) for face in found]).faces[0]
            embeddings.append(found[central].embedding)
            people.append(photo.person)
    rows, columns = np.triu_indices(len(people), 1)
    others = np.array(people)[rows] != np.array(people)[columns]
    cleaned, _ = poor.without(np.array(embeddings), model.direction)
    similarities = np.sum(cleaned[rows] * cleaned[columns], axis=1)[others]
    for share in (0.1, 0.001):
        measured = float(np.quantile(similarities, 1 - share))
        assert calibration.shipped(model).non_mates.similarity(share) == pytest.approx(measured, abs=0.02)
