"""What a camera would send of a clip: faces seen, each an upload once, and best shots now, at several rates."""

from datetime import UTC, datetime, timedelta

import cv2

from benchmarks.common import table
from edge_client import detectors
from edge_client.shots import BestShots
from edge_client.sources import Frame
from tests import faces

CLIP = faces.EVAL / "video" / "clip.mp4"
RATE, LEAST = 25, 0.8
STEPS = (12, 5, 2, 1)
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def run() -> None:
    if not CLIP.is_file() or not faces.PACK.is_dir():
        print("The clip or the pack is not here.")
        return
    detector = detectors.load(str(faces.PACK))
    rows = []
    for step in STEPS:
        video, shots, sent, seen, number = cv2.VideoCapture(str(CLIP)), BestShots(), 0, 0, 0
        while True:
            taken, bgr = video.read()
            if not taken:
                break
            if number % step == 0:
                found = [face for face in detector.find(bgr) if face.detection_score >= LEAST]
                seen += len(found)
                sent += len(shots.see(Frame(bgr, BEGAN + timedelta(seconds=number / RATE)), found))
            number += 1
        sent += len(shots.finish())
        rows.append((f"{RATE / step:.1f}", seen, sent, shots.begun))
    table(("frames a second", "faces seen", "sent", "tracks"), *rows)
