"""A batch's addresses: what lies there becomes its files, or further addresses that are its files in turn.

Each is a row before it is asked, so that a batch that is killed goes on with the next one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db.models import Q
from django.utils import timezone

from matching.models import Batch, BatchFile
from matching.searching import pages, web
from matching.searching.pages import Link, Named

# Of a batch: with pages that name pages it would have no end.
MOST_ADDRESSES = 20_000
# A list of addresses is a small file.
MOST_LIST_BYTES = 2**20


class NotAPicture(Exception):
    """What lay there names others; they are in `rows`, not yet kept. The text says how many."""

    def __init__(self, rows: Sequence[BatchFile], note: str) -> None:
        super().__init__(note)
        self.rows = rows


def fetch(file: BatchFile, asked: web.Web) -> None:
    """Put what lies at a row's address into its file. Raises `NotAPicture`, `web.AddressRefused`."""
    found = asked.look_up(file.address, file.follow)
    if found.named is not None:
        raise NotAPicture(*further(file, found.named))
    file.fetched_at = timezone.now()
    file.file.save(Path(file.name).name[-80:] or "file", ContentFile(found.content), save=False)
    file.save(update_fields=["file", "fetched_at"])


def listed(file: BatchFile, path: Path) -> None:
    """Raises `NotAPicture` where somebody's file is a list of addresses."""
    if file.address or path.stat().st_size > MOST_LIST_BYTES:
        return
    content = path.read_bytes()
    named = pages.named(content, "") if content.lstrip(b"\xef\xbb\xbf \r\n").lower().startswith(b"http") else None
    if named is not None:
        raise NotAPicture(*further(file, named))


def row(batch: Batch, user: User | None, link: Link, found_on: str = "") -> BatchFile:
    """A row, not yet kept, for an address. Raises `web.AddressRefused` for one that is none."""
    address = web.address_of(link.address)
    return BatchFile(
        batch=batch,
        sent_by=user,
        name=web.name_of(address)[-255:],
        address=address,
        follow=link.follow,
        found_on=found_on,
        posted_at=link.posted_at,
    )


def further(file: BatchFile, named: Named) -> tuple[list[BatchFile], str]:
    """Rows, not yet kept, for what a page, feed or list names and the batch has not had; and a word on it."""
    batch, new, refused = file.batch, list[BatchFile](), list[str]()
    there = set(_addresses(batch))
    for link in named.links:
        try:
            made = row(batch, file.sent_by, replace(link, posted_at=link.posted_at or file.posted_at), file.address)
        except web.AddressRefused as refusal:
            refused.append(str(refusal))
            continue
        if made.address not in there:
            there.add(made.address)
            new.append(made)
    room = max(0, MOST_ADDRESSES - len(there) + len(new))
    said = [f"A {named.what} that names {len(named.links):,}; {min(len(new), room):,} new ones were looked at."]
    said.append(named.note)
    if len(new) > room:
        said.append(f"{len(new) - room:,} were not, for a batch takes {MOST_ADDRESSES:,}.")
    if refused:
        said.append(f"{len(refused):,} were not, the first because: {refused[0]}")
    return new[:room], " ".join(filter(None, said))


def _addresses(batch: Batch) -> Iterator[str]:
    """Those that a batch has had, and the earlier ones of its source."""
    own = Q(batch=batch) | (Q(batch__source=batch.source) if batch.source_id else Q())
    yield from BatchFile.objects.filter(own).exclude(address="").values_list("address", flat=True)
