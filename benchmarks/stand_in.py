"""A registry of any size on this machine, and real faces moved a little for its photos.

`python -m benchmarks.stand_in FOLDER` serves the photos of a folder, two a case, as NamUs would.
"""

import sys
import threading
from pathlib import Path

import cv2
import numpy as np

from matching.faces import images
from tests.registries import Person, serving


def generate(folder: Path, cases: int) -> None:
    """Write `<number>-1.jpg` and `<number>-2.jpg` for each case: a real face, turned, shifted, lit and saved anew."""
    from tests import faces

    paths = sorted((faces.EVAL / "people").glob("*/*")) if faces.EVAL.is_dir() else [faces.PORTRAIT, faces.ASTRONAUT]
    originals = []
    for path in paths:
        rgb = images.open_image(path.read_bytes()).rgb
        scale = min(1.0, 640 / max(rgb.shape[:2]))
        originals.append(cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    random = np.random.default_rng(3)
    for number in range(1, cases + 1):
        original = originals[int(random.integers(len(originals)))]
        for photo in (1, 2):
            height, width = original.shape[:2]
            turn = cv2.getRotationMatrix2D((width / 2, height / 2), random.uniform(-8, 8), random.uniform(0.85, 1.1))
            turn[:, 2] += random.uniform(-0.04, 0.04, 2) * (width, height)
            moved = cv2.warpAffine(original, turn, (width, height), borderMode=cv2.BORDER_REFLECT)
            if random.random() < 0.5:
                moved = moved[:, ::-1]
            lit = np.clip(moved * random.uniform(0.7, 1.25) + random.normal(0, 4, moved.shape), 0, 255)
            jpeg = images.to_jpeg(lit.astype(np.uint8), quality=int(random.integers(70, 93)))
            (folder / f"{number}-{photo}.jpg").write_bytes(jpeg)


class OnDisk(Person):
    """Two photos that are read when they are asked for."""

    folder: Path

    def photo_ids(self) -> list[str]:
        return [f"{self.id}001", f"{self.id}002"]

    def photo(self, photo_id: str) -> bytes:
        return (self.folder / f"{self.id}-{int(photo_id[-1])}.jpg").read_bytes()


def main() -> None:
    folder = Path(sys.argv[1])
    OnDisk.folder = folder
    cases = len(list(folder.glob("*-1.jpg")))
    with serving() as server:
        server.asked = Forgetful()
        server.add(*(OnDisk(number, f"Generated Person {number}") for number in range(1, cases + 1)))
        folder.with_suffix(".port").write_text(str(server.server_port))
        threading.Event().wait()


class Forgetful(list):  # type: ignore[type-arg]
    """The stand-in notes each request for tests; here nobody reads that."""

    def append(self, item: object) -> None:
        pass


if __name__ == "__main__":
    main()
