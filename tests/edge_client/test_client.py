"""The edge client from its command line: sources, faces cut out with a margin, and errors in words."""

import ast
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_client import detectors, sources
from edge_client.queue import DiskQueue
from matching import demo
from matching.faces import images
from tests import faces, needs
from tests.product import ROOT


def run(*arguments: str, token: str = "cam_1", **variables: str) -> subprocess.CompletedProcess:
    import os

    return subprocess.run(
        [sys.executable, "-m", "edge_client", *arguments],
        cwd=ROOT, env={**os.environ, "SIGHTLINE_TOKEN": token, **variables}, capture_output=True, text=True,
        timeout=240,
    )  # fmt: skip


def test_it_imports_nothing_of_the_server():
    for path in (ROOT / "edge_client").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [n for n in names if n.split(".")[0] in ("cases", "matching", "mpsite", "django")], path


def test_faces_of_a_folder_wait_on_disk_while_the_server_is_away(tmp_path):
    (tmp_path / "frame.jpg").write_bytes(faces.GROUP.read_bytes())
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / "broken.jpg").write_bytes(b"broken")
    queue = tmp_path / "queue"
    options = ["--server", "http://127.0.0.1:9", "--once", "--queue", str(queue), "--min-score", "0.5"]
    ended = run("--source", str(tmp_path), *options)
    assert ended.returncode == 1, "faces are left unsent"
    assert "broken.jpg is no picture" in ended.stderr
    waiting = DiskQueue(queue)
    crops = []
    for entry in waiting.first(100):
        crops.append(entry)
    waiting.close()
    assert len(crops) == 6
    assert len({crop.details["track"] for crop in crops}) == 6
    # Half a face of margin on each side: the crop is about twice the face.
    assert min(images.open_image(crop.jpeg).rgb.shape[0] for crop in crops) > 150
    again = run("--source", str(tmp_path), *options)
    assert "0 faces kept" in again.stderr, "each picture is read once"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--source", "nowhere", "--server", "http://x"], "nowhere is no camera index, stream, clip or folder"),
        (["--source", "Makefile", "--server", "http://x"], "no video that can be read"),
        (["--source", ".", "--server", "x"], "must begin with http"),
        (["--source", ".", "--server", "http://x", "--model", "nowhere"], "neither dlib nor the folder"),
        (["--source", ".", "--server", "http://x", "--min-score", "80"], "between 0 and 1"),
        (["--source", ".", "--server", "http://x", "--zone", "0,0,2,1"], "fractions of the picture"),
        (["--source", ".", "--server", "http://x", "--zone", "left"], "no left,top,right,bottom"),
    ],
)
def test_a_bad_start_is_said_in_words(tmp_path, arguments, words):
    ended = run(*arguments, "--queue", str(tmp_path / "queue"))
    assert ended.returncode == 2
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


def test_without_a_token_it_says_where_to_get_one(tmp_path):
    words = ["--source", ".", "--server", "http://x", "--queue", str(tmp_path / "queue")]
    assert "Cameras page" in run(*words, token="").stderr
    words = ["--source", ".", "--queue", str(tmp_path / "queue")]
    assert "pair the camera first" in run(*words, token="").stderr


def test_a_clip_plays_at_its_own_pace(tmp_path):
    clip = tmp_path / "clip.mp4"
    demo.make_clip(images.open_image(faces.person(1)).rgb, clip)
    seen = list(sources.frames([str(clip)], lambda: 2))
    assert len(seen) == pytest.approx(demo.SECONDS * 2, abs=1)
    assert (seen[-1].seen_at - seen[0].seen_at).total_seconds() == pytest.approx(demo.SECONDS - 0.5, abs=0.6)


@pytest.mark.parametrize("model", needs.OF_THE_CLIENT)
def test_both_detectors_find_the_face_and_its_box_within_the_crop(model):
    bgr = np.ascontiguousarray(images.open_image(faces.astronaut()).rgb[:, :, ::-1])
    face = max(detectors.load(model).find(bgr), key=lambda f: f.detection_score)
    jpeg, (left, top, right, bottom) = detectors.cut_out(bgr, face)
    crop = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert crop.shape[1] == pytest.approx(2 * (right - left), rel=0.1)
    assert 0 < left < right < crop.shape[1]
    assert 0 < top < bottom < crop.shape[0]


@needs.eval_
@needs.pack
def test_a_real_clip_gives_faces():
    clip = str(Path(faces.EVAL) / "video" / "clip.mp4")
    detector = detectors.load(str(faces.PACK))
    assert sum(len(detector.find(frame.bgr)) for frame in sources.frames([clip], lambda: 1)) > 0


def test_small_faces_and_those_outside_the_zones_are_left_alone(tmp_path):
    (tmp_path / "frame.jpg").write_bytes(faces.GROUP.read_bytes())
    options = ["--source", str(tmp_path), "--server", "http://127.0.0.1:9", "--once", "--min-score", "0.5"]
    left = run(*options, "--zone", "0,0,0.3,1", "--zone", "0.3,0,0.5,1", "--queue", str(tmp_path / "zone"))
    assert "3 faces kept" in left.stderr
    (tmp_path / ".sightline-done").unlink()
    small = run(*options, "--min-size", "5000", "--queue", str(tmp_path / "small"))
    assert "0 faces kept" in small.stderr
