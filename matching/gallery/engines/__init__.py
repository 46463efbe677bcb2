"""Gallery engines: PostgreSQL always, its bits in memory, and one beside it where `GALLERY_URL` names one."""

from functools import lru_cache

from django.conf import settings

from matching.gallery.engines.base import Entry, FedGallery, Gallery, GalleryAway, Wanted
from matching.gallery.engines.memory import Memory
from matching.gallery.engines.milvus import Milvus
from matching.gallery.engines.postgres import Postgres

__all__ = ["MEMORY", "POSTGRES", "Entry", "FedGallery", "Gallery", "GalleryAway", "Wanted", "fed"]

POSTGRES, MEMORY = Postgres(), Memory()


def fed() -> FedGallery | None:
    """The engine that `GALLERY_URL` names. Raises `GalleryAway` for an address that names none."""
    return _milvus(settings.GALLERY_URL) if settings.GALLERY_URL else None


@lru_cache(maxsize=2)
def _milvus(url: str) -> Milvus:
    return Milvus(url)
