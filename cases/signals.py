"""What `cases` announces; `matching` listens. Each is sent after the row is written, inside its transaction."""

from django.dispatch import Signal

# photo: the cases.Photo that is to be indexed, because it is new or its view was changed
photo_waiting = Signal()
# case: the cases.Case that was closed or opened again
case_moved = Signal()
# run: the cases.ImportRun that has come to its end or a rest, and may have left photos that wait for the bulk indexing
photos_imported = Signal()
