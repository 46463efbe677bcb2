"""What `matching` does when `cases` announces something."""

from typing import Any

from django.db import transaction
from django.dispatch import receiver

from cases.models import Photo
from cases.signals import photo_waiting
from matching import tasks


@receiver(photo_waiting)
def index_photo(sender: type[Photo], photo: Photo, **kwargs: Any) -> None:
    # Robust: with the broker away the photo stays pending, and the sweep picks it up.
    transaction.on_commit(lambda: tasks.index_photo.delay(photo.pk), robust=True)
