"""A disk image's worth of files searched as one batch: zips in it, mails, documents, the same pictures again and again.

FILES=100000 for as many as a batch takes; a tenth of that by itself.
"""

import io
import os
import random
import resource
import tarfile
import tempfile
import time
import zipfile
from collections import Counter
from email.message import EmailMessage
from pathlib import Path

from django.core.files import File

from benchmarks import gallery, labelled
from benchmarks.common import fresh_database, table
from matching.models import Batch, BatchPicture
from matching.searching import batches
from tests import faces

FILES = int(os.environ.get("FILES", "10000"))
CASES, DIFFERENT, IN_ZIP = 5_000, 0.02, 500


def run() -> None:
    gallery.fill(fresh_database(), CASES)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "disk.tar"
        wrote = write(path)
        batch = batches.begin(user=None, purpose="bench")
        with open(path, "rb") as file:
            batches.add(batch, File(file), path.name, None)
        size = path.stat().st_size
    batches.start(batch)
    memory: list[float] = []
    began = time.perf_counter()
    batches.run(batch, progress=lambda _: memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
    took = time.perf_counter() - began
    assert batch.status == Batch.Status.DONE, (batch.status, batch.error)
    rows = BatchPicture.objects.filter(file__batch=batch)
    why = Counter(" ".join(row.split()[:4]) for row in rows.exclude(why="").values_list("why", flat=True))
    table(
        ("a tar of", "measured"),
        *((what, f"{count:,}") for what, count in wrote.items()),
        ("size", f"{size / 2**20:.0f} MB"),
        ("took", f"{took:.0f} s, {rows.count() / took:.0f} files a second"),
        ("listed", f"{rows.count():,}, of which {rows.exclude(sha256='').count():,} with their hash"),
        *((f"left: {words} …", f"{count:,}") for words, count in why.most_common(5)),
        ("persons", f"{batch.search.probes.count():,}"),
        ("memory, at most: after a third, at the end", f"{memory[len(memory) // 3]:.0f}, {memory[-1]:.0f} MB"),
    )


def write(path: Path) -> dict[str, int]:
    """Make the tar; returns how many of each kind lie in it."""
    dice = random.Random(1)
    photos = [photo.path.read_bytes() for photo in labelled.lfw("mate", "stranger", "enrol")]
    photos = photos or [faces.person(number) for number in range(6)]
    pictures = [photos[n % len(photos)] + n.to_bytes(4, "little") for n in range(max(round(FILES * DIFFERENT), 20))]
    wrote: Counter[str] = Counter()
    with tarfile.open(path, "w") as disk:

        def put(name: str, content: bytes, kind: str, count: int = 1) -> None:
            entry = tarfile.TarInfo(f"home/{dice.randrange(500)}/{name}")
            entry.size = len(content)
            disk.addfile(entry, io.BytesIO(content))
            wrote[kind] += count

        number = 0
        while number < FILES:
            picture, share = pictures[number % len(pictures)], dice.random()
            number += 1
            if share < 0.0005:
                number += IN_ZIP - 1
                put(f"{number}.zip", _zip([dice.choice(pictures) for _ in range(IN_ZIP)]), "pictures in zips", IN_ZIP)
            elif share < 0.03:
                put(f"{number}.eml", _mail(picture), "mails with a picture")
            elif share < 0.04:
                put(f"{number}.docx", _document(picture), "documents with a picture")
            elif share < 0.24:
                put(f"{number}.txt", b"nothing to see", "other files")
            else:
                put(f"{number}.jpg", picture, "pictures")
    return {f"{kind}": count for kind, count in wrote.items()} | {"different pictures": len(pictures)}


def _zip(contents: list[bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as opened:
        for number, content in enumerate(contents):
            opened.writestr(f"{number}.jpg", content)
    return held.getvalue()


def _document(picture: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as opened:
        opened.writestr("[Content_Types].xml", "<Types/>")
        opened.writestr("word/media/image1.jpeg", picture)
    return held.getvalue()


def _mail(picture: bytes) -> bytes:
    message = EmailMessage()
    message["From"], message["Subject"] = "a@example.org", "Pictures"
    message.set_content("See attached.")
    message.add_attachment(picture, maintype="image", subtype="jpeg", filename="a.jpg")
    return message.as_bytes()
