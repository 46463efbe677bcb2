"""What is said of a likeness: it must grow weaker with the gallery, and say when it is only an estimate."""

import pytest

from cases.models import Collection
from matching.gallery import calibration
from matching.models import FaceModel
from tests import needs


def unmeasured() -> FaceModel:
    return FaceModel(name="x", fingerprint="none")


def test_it_works(model):
    assert calibration.of(model).measured_on
    assert calibration.strength(model, 0.999, 100).word == "strong"


def test_a_threshold_and_its_error_rate_agree():
    c = calibration.of(unmeasured())
    assert c.false_match_rate(c.threshold(1e-4)) == pytest.approx(1e-4)
    assert c.false_match_rate(c.q999) == pytest.approx(1e-3)


def test_the_same_likeness_is_worth_less_in_a_larger_gallery():
    words = [calibration.strength(unmeasured(), 0.36, n).word for n in (1, 100, 100_000)]
    assert words == ["strong", "fair", "weak"]
    assert "strangers" in calibration.strength(unmeasured(), 0.36, 100_000).why


def test_an_unmeasured_model_is_said_to_be_estimated():
    assert "estimate" in calibration.strength(unmeasured(), 0.9, 10).why


def test_the_levels_go_from_strict_to_sensitive_and_off_is_off():
    level = Collection.AlertLevel
    strict, standard, sensitive = (
        calibration.alert_threshold(unmeasured(), x) for x in (level.STRICT, level.STANDARD, level.SENSITIVE)
    )
    assert strict > standard > sensitive
    assert calibration.alert_threshold(unmeasured(), level.OFF) is None


def test_a_likeness_of_two_poor_pictures_is_worth_less_and_that_is_said():
    clear, poor = (calibration.strength(unmeasured(), 0.45, 10, allowance) for allowance in (0.0, 0.25))
    assert (clear.word, poor.word) == ("strong", "weak")
    assert "Both pictures are poor" in poor.why


def test_the_allowance_grows_with_the_poorness_of_the_better_of_two_pictures():
    c = calibration.of(unmeasured())
    allowed = [float(c.allowance(a, b)) for a, b in ((0.6, 0.0), (0.6, 0.3), (0.6, 0.6), (0.3, 0.6))]
    assert allowed[0] == 0 < allowed[1] == allowed[3] < allowed[2]


@needs.eval_
def test_the_measured_quantiles_are_those_of_the_labelled_photos(model):
    import numpy as np

    from benchmarks import labelled
    from matching.faces import engines, images, poor
    from matching.indexing import subject

    engine, embeddings, people = engines.load(model.source), [], []
    for photo in labelled.lfw("enrol")[:200]:
        rgb = images.open_image(photo.path.read_bytes()).rgb
        if found := engine.faces(rgb):
            central = subject.by_position([face.relative_box(rgb) for face in found]).faces[0]
            embeddings.append(found[central].embedding)
            people.append(photo.person)
    rows, columns = np.triu_indices(len(people), 1)
    others = np.array(people)[rows] != np.array(people)[columns]
    cleaned, _ = poor.without(np.array(embeddings), model.direction)
    similarities = np.sum(cleaned[rows] * cleaned[columns], axis=1)[others]
    q90, q999 = np.quantile(similarities, [0.9, 0.999])
    assert (q90, q999) == pytest.approx((calibration.of(model).q90, calibration.of(model).q999), abs=0.02)
