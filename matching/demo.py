"""A first look without any data of one's own: demo cases, and a camera that plays one of their faces.

The faces come from pictures that installed packages carry; names and circumstances are made up and say so.
"""

import os
import subprocess
import sys
import tempfile
import threading
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.utils import timezone

from cases.models import Case, Collection, Photo, PhotoAlreadyThere, add_photo
from cases.visibility import visible
from matching.faces import face_models, images
from matching.faces import opencv as cv2
from matching.faces.images import RgbImage
from matching.indexing import single
from matching.models import Camera
from matching.watching import here

COLLECTION = "Demo"
CAMERA = "Demo camera"
PLAYED = "DEMO-2"
FRAMES_A_SECOND = 10
SECONDS = 9

# Where each face's middle lies across its picture, and who it plays: an engine that misses one shifts no other.
PEOPLE = {
    "t1.jpg": [
        (0.09, "Avery Stone", "female", 29), (0.25, "Riley Marsh", "female", 30), (0.41, "Jordan Vale", "male", 31),
        (0.62, "Casey Brook", "male", 29), (0.75, "Morgan Reed", "male", 28), (0.92, "Quinn Harper", "female", 31),
    ],
    "astronaut.png": [(0.43, "Rowan Blake", "female", 41)],
    "Tom_Hanks_54745.png": [(0.43, "Sasha Lane", "male", 52)],
}  # fmt: skip
PLACES = ["Riverside bus station", "Harbour Street market", "North campus", "Old Mill Road", "Central library"]


class NothingToPlay(Exception):
    """The demo lacks its pictures or its cases; the text says what to do."""


def _package_file(package: str, *parts: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise NothingToPlay(f"The package {package}, whose pictures the demo uses, is not installed.")
    return Path(spec.submodule_search_locations[0], *parts)


def sources() -> list[Path]:
    """The pictures: a group photo and a portrait from insightface, a portrait from scikit-image."""
    return [
        _package_file("insightface", "data", "images", "t1.jpg"),
        _package_file("skimage", "data", "astronaut.png"),
        _package_file("insightface", "data", "images", "Tom_Hanks_54745.png"),
    ]


def sample() -> Path:
    """A photo to try a search with: a group in which demo cases stand."""
    return sources()[0]


def is_seen_by(user: Any) -> bool:
    """Whether somebody sees demo cases, so that trying them shows something."""
    return visible(Case, user).filter(collection__name=COLLECTION).exists()


def load() -> int:
    """Make the demo cases from the faces found in the sources and index them. Returns how many; may run twice."""
    collection = Collection.objects.filter(name=COLLECTION).first() or Collection.objects.create(
        name=COLLECTION,
        description="Made-up cases with sample photos from installed packages.",
        # Whoever tries the demo is alone with it.
        reviewers=1,
    )
    engine = face_models.engine(face_models.active())
    number = loaded = 0
    for source in sources():
        rgb = images.open_image(source.read_bytes()).rgb
        boxes = [face.relative_box(rgb) for face in engine.faces(rgb)]
        for middle, name, sex, age in PEOPLE[source.name]:
            number += 1
            box = min(boxes, key=lambda box: abs((box[0] + box[2]) / 2 - middle), default=None)
            if box is None or abs((box[0] + box[2]) / 2 - middle) > 0.08:
                continue
            case, _ = Case.objects.get_or_create(
                collection=collection,
                number=f"DEMO-{number}",
                defaults={
                    "name": name,
                    "sex": sex,
                    "age_from": age,
                    "age_to": age,
                    "last_seen_on": (timezone.now() - timedelta(days=37 * number)).date(),
                    "last_seen_place": PLACES[number % len(PLACES)],
                    "circumstances": "A made-up case to try Sightline with. The photo comes from an installed package.",
                    "agency": "Demo agency",
                    "contact": "Nobody: this is a demo",
                },
            )
            try:
                photo = add_photo(case, images.to_jpeg(images.crop(rgb, box, margin=0.35)), f"demo-{number}.jpg")
                single.index_photo(photo.pk)
            except PhotoAlreadyThere:
                pass
            loaded += 1
    return loaded


def make_clip(portrait: RgbImage, path: Path) -> None:
    """A short video of a face that comes nearer, sways and is blurred and noisy, as a street camera would show it.

    portrait: (height, width, 3) uint8.
    """
    width, height = 640, 480
    random = np.random.default_rng(7)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), FRAMES_A_SECOND, (width, height))
    try:
        for step in range(FRAMES_A_SECOND * SECONDS):
            progress = step / (FRAMES_A_SECOND * SECONDS)
            side = round(150 + 150 * progress)
            scale = side / max(portrait.shape[:2])
            small = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            tilt = cv2.getRotationMatrix2D((small.shape[1] / 2, small.shape[0] / 2), 6 * np.sin(step / 5), 1)
            small = cv2.warpAffine(small, tilt, small.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
            frame = np.full((height, width, 3), (96, 100, 104), dtype=np.uint8)
            x = round((width - small.shape[1]) * (0.5 + 0.4 * np.sin(step / 9)))
            y = round((height - small.shape[0]) * 0.6)
            frame[y : y + small.shape[0], x : x + small.shape[1]] = small
            blurred = cv2.GaussianBlur(frame, (0, 0), 0.9)
            noisy = np.clip(blurred * 0.85 + random.normal(0, 6, frame.shape), 0, 255).astype(np.uint8)
            writer.write(noisy[:, :, ::-1])
    finally:
        writer.release()


def camera_token() -> str:
    """A fresh token of the demo camera, which is made where it is missing."""
    camera = Camera.objects.filter(name=CAMERA).first() or Camera(name=CAMERA, place="A made-up street corner")
    return camera.issue_token()


def play_camera(server: str) -> "subprocess.Popen[bytes]":
    """Begin to play one demo person past the real edge client. server: Sightline's URL.

    Returns the client's process; its files go when it ends. Raises `NothingToPlay` without demo cases.
    """
    photo = Photo.objects.filter(case__collection__name=COLLECTION, case__number=PLAYED).order_by("pk").first()
    if photo is None:
        raise NothingToPlay("There are no demo cases to play. Load them first: manage.py demo")
    with photo.image.open() as file:
        portrait = images.open_image(file.read()).rgb
    folder = tempfile.TemporaryDirectory()
    clip = Path(folder.name) / "street.mp4"
    make_clip(portrait, clip)
    command = [
        sys.executable, "-m", "edge_client", "--source", str(clip), "--server", server, "--fps", "3",
        "--queue", str(Path(folder.name) / "queue"), "--model", here.detector(),
    ]  # fmt: skip
    # By the environment, for a command line can be read by every user of the machine.
    client = subprocess.Popen(command, cwd=settings.BASE_DIR, env={**os.environ, "SIGHTLINE_TOKEN": camera_token()})

    def clean_up() -> None:
        client.wait()
        folder.cleanup()

    threading.Thread(target=clean_up, name="demo camera", daemon=True).start()
    return client
