from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Cameras send on meanwhile.
    atomic = False

    dependencies = [("matching", "0056_batch_faces_unnamed")]

    operations = [
        AddIndexConcurrently("capture", models.Index(fields=["camera", "captured_at"], name="captures_by_time")),
    ]
