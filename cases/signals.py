"""What `cases` announces; `matching` listens. Each is sent after the row is written, inside its transaction."""

from django.dispatch import Signal

# photo: the cases.Photo that was added
photo_added = Signal()
