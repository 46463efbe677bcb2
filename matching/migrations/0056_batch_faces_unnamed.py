import django.db.models.functions.datetime
from django.db import migrations, models

# So far all of them are captures'. An older version that runs beside this one meanwhile writes no time.
FILL = """
UPDATE matching_unnamedface face SET at = capture.captured_at
FROM matching_probe probe JOIN matching_capture capture ON capture.id = probe.capture_id WHERE probe.id = face.probe_id;

CREATE FUNCTION matching_unnamed_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.at := coalesce(
        (SELECT capture.captured_at FROM matching_probe probe JOIN matching_capture capture
            ON capture.id = probe.capture_id WHERE probe.id = NEW.probe_id),
        NEW.at
    );
    RETURN NEW;
END $$;
CREATE TRIGGER unnamed_face_at BEFORE INSERT ON matching_unnamedface
    FOR EACH ROW EXECUTE FUNCTION matching_unnamed_at();
"""
UNFILL = """
DELETE FROM matching_unnamedface WHERE probe_id IN (SELECT id FROM matching_probe WHERE search_id IS NOT NULL);
DROP TRIGGER unnamed_face_at ON matching_unnamedface;
DROP FUNCTION matching_unnamed_at;
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0036_unnamed_of_batches"), ("matching", "0055_unnamed_loss")]

    operations = [
        migrations.AddField(
            model_name="unnamedface",
            name="at",
            field=models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(),
                help_text="When it was seen, by what `dated_by` says.",
            ),
        ),
        migrations.AddField(
            model_name="unnamedface",
            name="dated_by",
            field=models.CharField(
                choices=[
                    ("clock", "Seen then, by a camera's clock or as somebody read it off the clip"),
                    ("posted", "Posted then, as a feed or an export says"),
                    ("file", "Taken then, as the picture's file says, which nobody has checked"),
                    ("searched", "Searched then: nothing says when it was seen"),
                ],
                db_default="clock",
                default="clock",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="unnamedface",
            name="begins_visit",
            field=models.BooleanField(
                default=True,
                help_text="The same person was not seen by this camera in the minutes before. In a batch each is one.",
            ),
        ),
        migrations.RunSQL(FILL, UNFILL),
        migrations.AddField(
            model_name="batchpicture",
            name="own_time",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="As its camera wrote it, by the camera's clock.", max_length=40
            ),
        ),
        migrations.AddField(
            model_name="batchpicture",
            name="own_latitude",
            field=models.FloatField(help_text="Degrees, north.", null=True),
        ),
        migrations.AddField(
            model_name="batchpicture",
            name="own_longitude",
            field=models.FloatField(help_text="Degrees, east.", null=True),
        ),
    ]
