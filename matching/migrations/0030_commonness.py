import pgvector.django.vector
from django.db import migrations, models

# What a search takes its probe's mean similarity from is kept with the count of cases, by the same triggers.
# pgvector has no negative of a vector: a sum less itself, twice.
TRIGGERS = """
CREATE OR REPLACE FUNCTION matching_templates_came() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO matching_gallerybits (template_id, model_id, case_id, collection_id, poorness, bits)
    SELECT t.id, t.model_id, t.case_id, c.collection_id, t.poorness, t.bits
    FROM came t JOIN cases_case c ON c.id = t.case_id WHERE c.status = 'open';
    INSERT INTO matching_gallerycount (model_id, collection_id, cases, total)
    SELECT t.model_id, c.collection_id, count(*), sum(t.embedding::vector)
    FROM came t JOIN cases_case c ON c.id = t.case_id WHERE c.status = 'open' AND t.is_main GROUP BY 1, 2;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION matching_templates_went() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM matching_gallerybits b USING went t WHERE b.template_id = t.id;
    INSERT INTO matching_gallerycount (model_id, collection_id, cases, total)
    SELECT t.model_id, c.collection_id, -count(*),
        sum(t.embedding::vector) - sum(t.embedding::vector) - sum(t.embedding::vector)
    FROM went t JOIN cases_case c ON c.id = t.case_id WHERE c.status = 'open' AND t.is_main GROUP BY 1, 2;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION matching_cases_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM was JOIN became USING (id)
        WHERE was.status <> became.status OR was.collection_id <> became.collection_id
    ) THEN
        RETURN NULL;
    END IF;
    DELETE FROM matching_gallerybits b USING was, became
    WHERE b.case_id = was.id AND was.id = became.id
        AND (was.status <> became.status OR was.collection_id <> became.collection_id);
    INSERT INTO matching_gallerybits (template_id, model_id, case_id, collection_id, poorness, bits)
    SELECT t.id, t.model_id, t.case_id, became.collection_id, t.poorness, t.bits
    FROM was JOIN became USING (id) JOIN matching_template t ON t.case_id = became.id
    WHERE became.status = 'open' AND (was.status <> became.status OR was.collection_id <> became.collection_id);
    INSERT INTO matching_gallerycount (model_id, collection_id, cases, total)
    SELECT t.model_id, was.collection_id, -count(*),
        sum(t.embedding::vector) - sum(t.embedding::vector) - sum(t.embedding::vector)
    FROM was JOIN became USING (id) JOIN matching_template t ON t.case_id = was.id AND t.is_main
    WHERE was.status = 'open' AND (was.status <> became.status OR was.collection_id <> became.collection_id)
    GROUP BY 1, 2;
    INSERT INTO matching_gallerycount (model_id, collection_id, cases, total)
    SELECT t.model_id, became.collection_id, count(*), sum(t.embedding::vector)
    FROM was JOIN became USING (id) JOIN matching_template t ON t.case_id = became.id AND t.is_main
    WHERE became.status = 'open' AND (was.status <> became.status OR was.collection_id <> became.collection_id)
    GROUP BY 1, 2;
    RETURN NULL;
END $$;

DELETE FROM matching_gallerycount;
INSERT INTO matching_gallerycount (model_id, collection_id, cases, total)
SELECT t.model_id, c.collection_id, count(*), sum(t.embedding::vector)
FROM matching_template t JOIN cases_case c ON c.id = t.case_id WHERE c.status = 'open' AND t.is_main GROUP BY 1, 2;
"""


class Migration(migrations.Migration):
    dependencies = [("matching", "0029_makers_of_plans")]

    operations = [
        *(
            migrations.AddField(
                model_name=model,
                name=name,
                field=models.FloatField(
                    default=0,
                    help_text="Taken off before the similarity is judged, because the face is like everybody searched.",
                ),
            )
            for model, name in (("alert", "commonness"), ("candidate", "commonness"), ("candidate", "second_commonness"))
        ),
        migrations.AddField(
            model_name="gallerycount",
            name="total",
            field=pgvector.django.vector.VectorField(
                null=True, help_text="The sum of those that came less the sum of those that left."
            ),
        ),
        migrations.RunSQL(TRIGGERS, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="gallerycount",
            name="total",
            field=pgvector.django.vector.VectorField(
                help_text="The sum of those that came less the sum of those that left."
            ),
        ),
    ]
