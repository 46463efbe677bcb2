"""Erased stays erased: what a source still names is not made again, and nothing here says whom that concerns."""

from django.contrib.auth.models import User

from cases import audit_key
from cases.models import Case, Tombstone


def remember(case: Case, by: User | None) -> None:
    """Keep a case that is being erased from coming back by its number or by its sources' own keys."""
    digests = {_number(case.collection_id, case.number)}
    for record in case.imported_from.select_related("source"):
        digests.add(_record(record.source.kind, case.collection_id, record.key))
        # Nor may a list of what could not be read of them name them.
        record.source.doubts.filter(key=record.key).delete()
        record.source.problems.filter(key=record.key).delete()
    for digest in digests:
        Tombstone.objects.get_or_create(digest=digest, defaults={"collection": case.collection, "by": by})


def is_erased(kind: str, collection_id: int, key: str, number: str) -> bool:
    """Whether a source's record is of somebody who was erased. kind: the source's."""
    digests = [_number(collection_id, number), _record(kind, collection_id, key)]
    return Tombstone.objects.filter(digest__in=digests).exists()


def lift(kind: str, collection_id: int, number: str) -> bool:
    """Let a record come back, by its number or key; False where it was not erased here."""
    digests = [_number(collection_id, number), _record(kind, collection_id, number)]
    return bool(Tombstone.objects.filter(digest__in=digests).delete()[0])


def _number(collection_id: int, number: str) -> str:
    return audit_key.mac("erased number", collection_id, number.strip().casefold())


def _record(kind: str, collection_id: int, key: str) -> str:
    return audit_key.mac("erased record", kind, collection_id, key.strip().casefold())
