from django.db import migrations, models

# What came to the gallery or left it is written down for whoever holds it in memory, and while a gallery engine beside
# PostgreSQL is fed, for that one.
CHANGED = """
CREATE OR REPLACE FUNCTION matching_gallery_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO matching_gallerylog (template, model, transaction, at)
    SELECT template_id, model_id, pg_current_xact_id()::text::bigint, clock_timestamp() FROM changed;
    IF EXISTS (SELECT FROM matching_galleryengine) THEN
        INSERT INTO matching_gallerychange (template, model, at)
        SELECT template_id, model_id, clock_timestamp() FROM changed;
    END IF;
    RETURN NULL;
END $$;
"""
BEFORE = """
CREATE OR REPLACE FUNCTION matching_gallery_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM matching_galleryengine) THEN
        INSERT INTO matching_gallerychange (template, model, at)
        SELECT template_id, model_id, clock_timestamp() FROM changed;
    END IF;
    RETURN NULL;
END $$;
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
        migrations.RunSQL(CHANGED, BEFORE),
    ]
