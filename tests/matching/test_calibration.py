"""What is said of a likeness: it must grow weaker with the gallery, and say when it is only an estimate."""

import pytest

from cases.models import Collection
from matching.gallery import calibration
from matching.models import FaceModel
from tests import faces


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
    words = [calibration.strength(unmeasured(), 0.55, n).word for n in (1, 100, 100_000)]
    assert words == ["strong", "fair", "weak"]
    assert "strangers" in calibration.strength(unmeasured(), 0.55, 100_000).why


def test_an_unmeasured_model_is_said_to_be_estimated():
    assert "estimate" in calibration.strength(unmeasured(), 0.9, 10).why


def test_the_levels_go_from_strict_to_sensitive_and_off_is_off():
    level = Collection.AlertLevel
    strict, standard, sensitive = (
        calibration.alert_threshold(unmeasured(), x) for x in (level.STRICT, level.STANDARD, level.SENSITIVE)
    )
    assert strict > standard > sensitive
    assert calibration.alert_threshold(unmeasured(), level.OFF) is None


@faces.needs_eval
def test_the_measured_quantiles_are_those_of_the_labelled_photos(model):
    import numpy as np

    from matching.faces import engines, images

    engine, embeddings, people = engines.load(model.source), [], []
    for path in sorted((faces.EVAL / "people").glob("*/*")):
        if found := engine.faces(images.open_image(path.read_bytes()).rgb):
            embeddings.append(max(found, key=lambda face: face.quality.size).embedding)
            people.append(path.parent.name)
    rows, columns = np.triu_indices(len(people), 1)
    others = np.array(people)[rows] != np.array(people)[columns]
    similarities = np.sum(np.array(embeddings)[rows] * np.array(embeddings)[columns], axis=1)[others]
    q90, q999 = np.quantile(similarities, [0.9, 0.999])
    assert (q90, q999) == pytest.approx((calibration.of(model).q90, calibration.of(model).q999), abs=0.005)
