from django.db import migrations, models

# What came to the gallery or left it is written down for whoever holds it in memory.
TRIGGERS = """
CREATE FUNCTION matching_gallery_logged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO matching_gallerylog (template, model, transaction, at)
    SELECT template_id, model_id, pg_current_xact_id()::text::bigint, clock_timestamp() FROM changed;
    RETURN NULL;
END $$;
CREATE TRIGGER gallery_bits_came_log AFTER INSERT ON matching_gallerybits
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION matching_gallery_logged();
CREATE TRIGGER gallery_bits_went_log AFTER DELETE ON matching_gallerybits
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION matching_gallery_logged();
"""
NO_TRIGGERS = """
DROP TRIGGER gallery_bits_went_log ON matching_gallerybits;
DROP TRIGGER gallery_bits_came_log ON matching_gallerybits;
DROP FUNCTION matching_gallery_logged;
"""


class Migration(migrations.Migration):
    dependencies = [("matching", "0053_gallery_engine")]

    operations = [
        migrations.CreateModel(
            name="GalleryLog",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("template", models.BigIntegerField()),
                ("model", models.BigIntegerField()),
                ("transaction", models.BigIntegerField(help_text="The number of the one that did it.")),
                ("at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["model", "transaction"], name="gallery_log_by_transaction")],
            },
        ),
        migrations.RunSQL(TRIGGERS, NO_TRIGGERS),
    ]
