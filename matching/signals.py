"""What the walks announce; `receivers` queues the task. Sent after the row is written, inside its transaction."""

from django.dispatch import Signal

# capture: the matching.models.Capture that is to be compared with the gallery
capture_waiting = Signal()
# delivery: the matching.models.Delivery that is to be sent
delivery_waiting = Signal()
# batch: the matching.models.Batch whose persons are told apart and searched
batch_done = Signal()
# candidate: the matching.models.Candidate that was found for somebody who is to be told
candidate_found = Signal()
