from django.db import migrations, models

# Whichever way a face goes, by its days, with its camera or by hand, its person is written down, to be said anew
# without it.
TRIGGER = """
CREATE FUNCTION matching_unnamed_lost() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO matching_unnamedloss (person) SELECT DISTINCT person_id FROM went;
    RETURN NULL;
END $$;
CREATE TRIGGER unnamed_faces_went AFTER DELETE ON matching_unnamedface
    REFERENCING OLD TABLE AS went FOR EACH STATEMENT EXECUTE FUNCTION matching_unnamed_lost();
"""
NO_TRIGGER = """
DROP TRIGGER unnamed_faces_went ON matching_unnamedface;
DROP FUNCTION matching_unnamed_lost;
"""


class Migration(migrations.Migration):
    dependencies = [("matching", "0054_gallery_log")]

    operations = [
        migrations.CreateModel(
            name="UnnamedLoss",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("person", models.BigIntegerField()),
            ],
        ),
        migrations.RunSQL(TRIGGER, NO_TRIGGER),
    ]
