"""Half precision: the same faces at the same places, and embeddings that a gallery in full precision knows again."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from matching.faces import images
from matching.faces.engines import half
from matching.faces.engines.pack import PackEngine
from tests import faces, needs

pytestmark = [
    needs.pack,
    pytest.mark.skipif(not half.is_here(), reason="needs a processor that calculates in bfloat16"),
]


@pytest.fixture
def full(monkeypatch) -> PackEngine:
    """The engine as a machine without half precision has it."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(half, "is_here", lambda: False)
        return PackEngine(faces.PACK, threads=1)


def seen(engine: PackEngine, rgb: images.RgbImage) -> list:
    """Every face, from the left."""
    return sorted(engine.faces(rgb, thorough=True), key=lambda face: face.box[0])


def test_a_face_is_found_at_the_same_place_and_is_as_alike_as_in_a_picture_that_was_saved_again(full):
    rgb = faces.group()
    ours, saved = seen(PackEngine(faces.PACK, threads=1), rgb), seen(full, images.decode(images.to_jpeg(rgb)).rgb)
    drifts, theirs = [], []
    for face, own, again in zip(seen(full, rgb), ours, saved, strict=True):
        assert np.abs(np.subtract(face.box, own.box)).max() < 0.02 * (face.box[2] - face.box[0])
        assert own.detection_score == pytest.approx(face.detection_score, abs=0.01)
        drifts.append(1 - float(face.embedding @ own.embedding))
        theirs.append(1 - float(face.embedding @ again.embedding))
    assert len(drifts) > 3
    assert 0 < max(drifts) < 0.005
    assert np.mean(drifts) < np.mean(theirs)


def test_many_threads_get_what_one_gets():
    engine = PackEngine(faces.PACK, threads=1)
    pictures = [images.decode(faces.person(number)).rgb for number in range(6)]
    alone = [engine.faces(rgb)[0].embedding for rgb in pictures]
    with ThreadPoolExecutor(6) as pool:
        for _ in range(4):
            together = pool.map(lambda rgb: engine.faces(rgb)[0].embedding, pictures)
            for one, other in zip(alone, together, strict=True):
                assert one @ other == pytest.approx(1, abs=1e-4)


def test_a_network_with_which_it_does_something_else_stays_in_full_precision(monkeypatch):
    def other(self, names, feeds):
        return [np.ones_like(one) for one in half_run(self, names, feeds)]

    def broken(self, names, feeds):
        raise RuntimeError("Operation is not supported")

    half_run = half.HalfSession.run
    for run in (other, broken):
        monkeypatch.setattr(half.HalfSession, "run", run)
        engine = PackEngine(faces.PACK, threads=1)
        assert not isinstance(engine._detector.session, half.HalfSession)
        assert len(engine.faces(faces.group())) > 3


def test_a_machine_without_it_calculates_as_before(full):
    assert not isinstance(full._detector.session, half.HalfSession)
    assert isinstance(PackEngine(faces.PACK)._detector.session, half.HalfSession)
