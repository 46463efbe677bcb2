"""What work costs on this machine, as `manage.py capacity --measure` tries it: the reference until one has its own."""

import uuid

from benchmarks import labelled
from benchmarks.common import fresh_database, table
from cases.models import Case, Collection, add_photo
from matching import capacity
from matching.indexing import bulk
from matching.models import Camera
from matching.watching import captures
from tests import faces

# Cases with a press photo; and captures of people who are in no case.
PRESS, CAPTURES = 200, 200


def run() -> None:
    fresh_database()
    collection = Collection.objects.create(name="bench")
    photos = [photo.path.read_bytes() for photo in labelled.lfw("enrol", "enrol_more")]
    # The last are of the size that people send, and tell how large a case is.
    press = [path.read_bytes() for path in sorted((faces.EVAL / "people").glob("*/ref_*"))]
    photos += [press[number % len(press)] for number in range(PRESS)]
    for number, content in enumerate(photos):
        case = Case.objects.create(collection=collection, number=str(number))
        add_photo(case, content, "x.jpg", announce=False)
    bulk.index_waiting()
    camera = Camera(name="Gate")
    camera.issue_token()
    for photo in labelled.lfw("stranger")[:CAPTURES]:
        capture = captures.receive_capture(camera, photo.path.read_bytes(), uid=uuid.uuid4())
        captures.match_capture(capture.pk)
    rate = capacity.measure()
    table(
        ("cases", "a capture", "a search", "a photo indexed", "a capture on disk", "a case on disk"),
        (
            f"{rate.cases:,}",
            *(
                f"{seconds * 1000:.0f} ms"
                for seconds in (rate.capture_seconds, rate.search_seconds, rate.photo_seconds)
            ),
            *(f"{size / 1000:.0f} kB" for size in (rate.capture_bytes, rate.case_bytes)),
        ),
    )
