import cases.sealed
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
import django.utils.timezone
import matching.models.template
import pgvector.django.halfvec
import pgvector.django.vector
import uuid
from django.conf import settings
from django.db import migrations, models

# What a search reads of a gallery is kept by the database itself, so that it is true in each transaction, whoever
# indexes, closes, moves or deletes a case: bits of the open cases' templates, how many open cases there are, and the sum
# from which a search takes its probe's mean similarity. pgvector has no negative of a vector: a sum less itself, twice.
TRIGGERS = """
CREATE FUNCTION matching_templates_came() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO matching_gallerybits (template_id, model_id, case_id, collection_id, poorness, bits)
    SELECT t.id, t.model_id, t.case_id, c.collection_id, t.poorness, t.bits
    FROM came t JOIN cases_case c ON c.id = t.case_id WHERE c.status = 'open';
    INSERT INTO matching_gallerycount (model_id, collection_id, cases, total)
    SELECT t.model_id, c.collection_id, count(*), sum(t.embedding::vector)
    FROM came t JOIN cases_case c ON c.id = t.case_id WHERE c.status = 'open' AND t.is_main GROUP BY 1, 2;
    RETURN NULL;
END $$;

CREATE FUNCTION matching_templates_went() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM matching_gallerybits b USING went t WHERE b.template_id = t.id;
    INSERT INTO matching_gallerycount (model_id, collection_id, cases, total)
    SELECT t.model_id, c.collection_id, -count(*),
        sum(t.embedding::vector) - sum(t.embedding::vector) - sum(t.embedding::vector)
    FROM went t JOIN cases_case c ON c.id = t.case_id WHERE c.status = 'open' AND t.is_main GROUP BY 1, 2;
    RETURN NULL;
END $$;

CREATE FUNCTION matching_cases_changed() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE TRIGGER gallery_templates_came AFTER INSERT ON matching_template
    REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION matching_templates_came();
CREATE TRIGGER gallery_templates_went AFTER DELETE ON matching_template
    REFERENCING OLD TABLE AS went FOR EACH STATEMENT EXECUTE FUNCTION matching_templates_went();
CREATE TRIGGER gallery_cases_changed AFTER UPDATE ON cases_case
    REFERENCING OLD TABLE AS was NEW TABLE AS became
    FOR EACH STATEMENT EXECUTE FUNCTION matching_cases_changed();
"""
NO_TRIGGERS = """
DROP TRIGGER gallery_cases_changed ON cases_case;
DROP TRIGGER gallery_templates_went ON matching_template;
DROP TRIGGER gallery_templates_came ON matching_template;
DROP FUNCTION matching_cases_changed, matching_templates_went, matching_templates_came;
"""


class Migration(migrations.Migration):

    initial = True

    replaces = [
        ('matching', '0001_initial'),
        ('matching', '0002_worklists'),
        ('matching', '0003_templates'),
        ('matching', '0004_calibration'),
        ('matching', '0005_evaluations'),
        ('matching', '0006_captures_compared'),
        ('matching', '0007_notes_and_references'),
        ('matching', '0008_two_people_decide'),
        ('matching', '0009_looking_back'),
        ('matching', '0010_batches'),
        ('matching', '0011_marks_and_dates'),
        ('matching', '0012_second_opinion'),
        ('matching', '0013_tracks'),
        ('matching', '0014_fleet'),
        ('matching', '0015_troubles'),
        ('matching', '0016_fleet'),
        ('matching', '0017_teams'),
        ('matching', '0018_alerts'),
        ('matching', '0019_sealed_addresses'),
        ('matching', '0020_keeping'),
        ('matching', '0021_visitors'),
        ('matching', '0022_own_data'),
        ('matching', '0023_names_of_teams'),
        ('matching', '0024_standing_closed'),
        ('matching', '0025_captures_set_aside'),
        ('matching', '0026_signed_and_limited'),
        ('matching', '0027_kept_strengths'),
        ('matching', '0028_asked_settings'),
        ('matching', '0029_makers_of_plans'),
        ('matching', '0030_commonness'),
        ('matching', '0031_file_notes'),
        ('matching', '0032_kinds_of_pictures'),
        ('matching', '0033_turned_shots'),
        ('matching', '0034_missing_and_found'),
        ('matching', '0035_hashes_of_files'),
        ('matching', '0036_purpose_of_estimates'),
        ('matching', '0037_mates_by_age_and_years'),
        ('matching', '0038_face_named_in_file'),
        ('matching', '0039_clips_true_time'),
        ('matching', '0040_pictures_from_the_web'),
        ('matching', '0041_quiet_cameras'),
        ('matching', '0042_expected_visitor'),
        ('matching', '0043_handover'),
        ('matching', '0044_message_servers'),
        ('matching', '0045_old_news'),
        ('matching', '0046_watched_here'),
        ('matching', '0047_alert_clips'),
        ('matching', '0048_joined_alerts'),
        ('matching', '0049_reports'),
        ('matching', '0050_unnamed_people'),
        ('matching', '0051_query_database'),
    ]

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('cases', '0001_squashed_0033_unnamed_days'),
    ]

    operations = [
        pgvector.django.VectorExtension(),
        migrations.CreateModel(
            name='SitePlan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('image', models.FileField(max_length=200, upload_to='plans')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('created_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='FaceModel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('source', models.CharField(help_text='`dlib`, or the folder of an InsightFace pack.', max_length=500)),
                ('fingerprint', models.CharField(help_text='SHA-256 of the recognition weights.', max_length=64)),
                ('recipe', models.CharField(default='library', help_text='How faces are found and embedded beside the weights: `Recipe`.', max_length=30)),
                ('dimensions', models.PositiveSmallIntegerField()),
                ('licence', models.TextField()),
                ('is_active', models.BooleanField(default=False)),
                ('is_next', models.BooleanField(default=False, help_text='The gallery is being embedded with it, to change over.')),
                ('is_second', models.BooleanField(default=False, help_text='Kept beside the one in use, to be asked as well.')),
                ('is_fallback', models.BooleanField(default=False)),
                ('embedded_to', models.BigIntegerField(default=0, help_text='The last photo that was embedded before a change-over.')),
                ('compared_to', models.BigIntegerField(default=0, help_text='The last face that was compared with the gallery.')),
                ('poor_direction', pgvector.django.vector.VectorField(help_text='The direction, of unit length, that embeddings of poor pictures share; None: not known.', null=True)),
                ('poor_limit', models.FloatField(help_text='The poorness beyond which a face is too poor to compare.', null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('fingerprint', 'recipe'), name='face_model_once'), models.UniqueConstraint(condition=models.Q(('is_active', True)), fields=('is_active',), name='one_active_face_model'), models.UniqueConstraint(condition=models.Q(('is_next', True)), fields=('is_next',), name='one_next_face_model'), models.UniqueConstraint(condition=models.Q(('is_second', True)), fields=('is_second',), name='one_second_face_model'), models.CheckConstraint(condition=models.Q(('is_active', True), ('is_second', True), _negated=True), name='a_second_model_is_another')],
            },
        ),
        migrations.CreateModel(
            name='EstimatesPurpose',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('purpose', models.CharField(max_length=300)),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('since', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['-since'],
            },
        ),
        migrations.CreateModel(
            name='IndexRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('running', 'Running'), ('paused', 'Paused'), ('done', 'Done')], default='running', max_length=10)),
                ('total', models.PositiveIntegerField(default=0, help_text='Photos done and waiting.')),
                ('counts', models.JSONField(default=dict, help_text='Photos by how they ended.')),
                ('active_seconds', models.FloatField(default=0)),
                ('started_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('finished_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['-pk'],
                'constraints': [models.UniqueConstraint(models.F('finished_at'), condition=models.Q(('finished_at__isnull', True)), name='one_unfinished_index_run', nulls_distinct=False)],
            },
        ),
        migrations.CreateModel(
            name='KeepingRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('counts', models.JSONField(default=dict)),
            ],
            options={
                'ordering': ['-at'],
            },
        ),
        migrations.CreateModel(
            name='HashList',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True)),
                ('hashes', models.PositiveIntegerField(default=0)),
                ('added_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('added_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='MessageServer',
            fields=[
                ('kind', models.CharField(choices=[('mail', 'Mail'), ('sms', 'Text messages')], max_length=10, primary_key=True, serialize=False)),
                ('words', models.CharField(help_text='As it is named to everybody: without its password.', max_length=300)),
                ('said', cases.sealed.SealedField(help_text='What was filled in, as JSON.')),
                ('set_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('set_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name='MissingFoundRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('reached', models.DateTimeField(help_text='What was changed until then is compared.', null=True)),
                ('missing', models.PositiveIntegerField(default=0, help_text='Open cases of missing persons.')),
                ('found', models.PositiveIntegerField(default=0, help_text='Open cases of people found without a name.')),
                ('compared', models.PositiveIntegerField(default=0, help_text='How many of both were new or changed.')),
            ],
            options={
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='Report',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('asked', models.JSONField(help_text='As its form was filled in.')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reports', to=settings.AUTH_USER_MODEL)),
                ('is_shared', models.BooleanField(default=False, help_text='Whoever shares a team with you finds it; of nobody in a team, all.', verbose_name='for my teams')),
                ('on_mondays', models.BooleanField(default=False, help_text='At 7:00, wherever you are told of alerts by mail.', verbose_name='to me each Monday')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['name', 'pk'],
                'permissions': [('query_database', 'Can ask the database in SQL')],
            },
        ),
        migrations.CreateModel(
            name='WebSource',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='web_sources', to='cases.case')),
                ('address', models.TextField()),
                ('every', models.PositiveSmallIntegerField(choices=[(1, 'every hour'), (6, 'every six hours'), (24, 'every day'), (168, 'every week')], default=24)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('added_at', models.DateTimeField(auto_now_add=True)),
                ('next_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('looked_at', models.DateTimeField(null=True)),
                ('seen_at', models.DateTimeField(default=django.utils.timezone.now, help_text='When its owner last saw what was found.')),
                ('problem', models.TextField(blank=True, help_text='Why it could not be looked at the last time.')),
            ],
            options={
                'ordering': ['added_at'],
                'constraints': [models.UniqueConstraint(models.F('case'), django.db.models.functions.text.MD5('address'), name='web_source_once_a_case')],
            },
        ),
        migrations.CreateModel(
            name='Camera',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('place', models.CharField(blank=True, help_text='Where it looks: shown on each alert.', max_length=200)),
                ('token_hash', models.CharField(editable=False, max_length=64, unique=True)),
                ('notes', models.TextField(blank=True, help_text='Who has the ladder, what was mended, whom to call.')),
                ('latitude', models.FloatField(blank=True, help_text='Degrees, north.', null=True, validators=[django.core.validators.MinValueValidator(-90), django.core.validators.MaxValueValidator(90)])),
                ('longitude', models.FloatField(blank=True, help_text='Degrees, east.', null=True, validators=[django.core.validators.MinValueValidator(-180), django.core.validators.MaxValueValidator(180)])),
                ('plan', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='cameras', to='matching.siteplan')),
                ('plan_x', models.FloatField(editable=False, help_text='Across the plan, 0..1.', null=True)),
                ('plan_y', models.FloatField(editable=False, help_text='Down the plan, 0..1.', null=True)),
                ('thing', models.CharField(blank=True, error_messages={'unique': 'Choose another MQTT name: on a broker each is used once.'}, help_text="Where it speaks MQTT: the part of its topics after sightline/, or a DeepLens's thing.", max_length=100, null=True, unique=True, validators=[django.core.validators.RegexValidator('^[^+#/$][^+#/]*$', 'One level of a topic: without +, # and /.')], verbose_name='MQTT name')),
                ('asked_settings', models.JSONField(blank=True, default=dict, editable=False, help_text='What its client is asked to run; what is missing it decides.')),
                ('preview', models.BooleanField(default=True, help_text='People who may look through cameras see its picture, for as long as they look.')),
                ('pairing_hash', models.CharField(blank=True, db_index=True, editable=False, max_length=64)),
                ('pairing_until', models.DateTimeField(editable=False, null=True)),
                ('source', cases.sealed.SealedField(blank=True, default='', editable=False, help_text='The address of its stream, where this machine watches it.')),
                ('next_token_hash', models.CharField(blank=True, editable=False, help_text='Of a token that was given and not used yet.', max_length=64)),
                ('token_at', models.DateTimeField(editable=False, help_text='When its token was made.', null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('created_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('officer', models.OneToOneField(editable=False, help_text='Whose phone it is.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='walking_camera', to=settings.AUTH_USER_MODEL)),
                ('walk_until', models.DateTimeField(editable=False, null=True)),
                ('strangers', models.BooleanField(default=False, help_text='An alert for a face that is none of the known people here.', verbose_name='tell of strangers')),
                ('visits_from', models.PositiveSmallIntegerField(default=1, help_text='1: each stranger. Else only one who was seen so often, by the face, as far back as faces are kept.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100)], verbose_name='only from visit number')),
                ('quiet_until', models.DateTimeField(editable=False, help_text='Until then its alerts stand on the board, and nobody is told of them.', null=True)),
                ('quiet_reason', models.CharField(blank=True, editable=False, max_length=300)),
                ('quiet_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('revoked_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('limited_at', models.DateTimeField(editable=False, help_text='When it last sent more than it may.', null=True)),
                ('last_seen_at', models.DateTimeField(blank=True, editable=False, help_text='Sent a face.', null=True)),
                ('heartbeat_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('report', models.JSONField(blank=True, default=dict, editable=False, help_text='What its client last said of itself.')),
                ('clock_offset', models.FloatField(default=0, editable=False, help_text='Seconds that its clock is behind ours, where it is wrong.')),
                ('teams', models.ManyToManyField(blank=True, help_text='Who sees it, with all that is in it. None chosen: everybody.', to='cases.team')),
                ('greets', models.ManyToManyField(blank=True, help_text='Of which known people it tells that they came.', limit_choices_to={'kind': 'known'}, related_name='greeted_at', to='cases.collection')),
            ],
            options={
                'ordering': ['name'],
                'permissions': [('look_through_camera', 'Can look through cameras, live'), ('walk_with_camera', 'Can walk with a phone as a camera')],
            },
        ),
        migrations.CreateModel(
            name='Face',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='matching.facemodel')),
                ('embedding', pgvector.django.halfvec.HalfVectorField()),
                ('left', models.FloatField(help_text='The box, as fractions of the upright picture.')),
                ('top', models.FloatField()),
                ('right', models.FloatField()),
                ('bottom', models.FloatField()),
                ('landmarks', models.JSONField(help_text='Eyes, nose, mouth corners: five [x, y], as fractions of the picture.')),
                ('detection_score', models.FloatField()),
                ('size', models.FloatField(help_text='Shorter side of the box, pixels.')),
                ('sharpness', models.FloatField()),
                ('poorness', models.FloatField(help_text="The embedding's cosine to its model's poor direction; None where that is not known.", null=True)),
                ('yaw', models.FloatField()),
                ('pitch', models.FloatField()),
                ('roll', models.FloatField()),
                ('crop', models.FileField(max_length=200, upload_to='crops')),
                ('photo', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='faces', to='cases.photo')),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='faces', to='cases.case')),
                ('position', models.PositiveSmallIntegerField(help_text='0 for the face that was best detected.')),
                ('is_subject', models.BooleanField(default=False)),
                ('chosen_by', models.CharField(blank=True, choices=[('only', 'the only face'), ('agreement', "like the case's other photos"), ('position', 'the most central'), ('either', 'one of two that nothing tells apart'), ('file', "named in the picture's file"), ('person', 'chosen by a person')], max_length=10)),
                ('doubt', models.FloatField(default=0, help_text='0 sure to 1: how near another face of the photo came to be chosen.')),
            ],
            options={
                'ordering': ['photo', 'position'],
                'constraints': [models.UniqueConstraint(fields=('photo', 'model', 'position'), name='face_once_a_photo_and_model'), models.UniqueConstraint(condition=models.Q(('is_subject', True), models.Q(('chosen_by', 'either'), _negated=True)), fields=('photo', 'model'), name='one_chosen_subject_a_photo_and_model'), models.CheckConstraint(condition=models.Q(('is_subject', True), ('chosen_by', ''), _connector='XOR'), name='a_subject_says_how_chosen')],
            },
        ),
        migrations.CreateModel(
            name='Measurement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='measurements', to='matching.facemodel')),
                ('measured_at', models.DateTimeField(auto_now_add=True)),
                ('cases', models.PositiveIntegerField(help_text='In the gallery when it was measured.')),
                ('probes', models.PositiveIntegerField(help_text='Faces that were each compared with every other case.')),
                ('left_out', models.PositiveIntegerField(help_text='Pairs of cases that are, or may be, one person.')),
                ('non_mates', models.JSONField(help_text='A curve: the share of pairs of different cases that reach a similarity.')),
                ('mates', models.JSONField(help_text='The same of photos of one case; None where too few have several.', null=True)),
                ('mates_by', models.JSONField(default=dict, help_text='Curves of mates by the age on the other photos and by the years between, where enough are dated.')),
                ('check_of', models.JSONField(help_text="For 'once in n searches': n, and how often it happened to those faces, searched as strangers.")),
            ],
            options={
                'ordering': ['-measured_at'],
                'indexes': [models.Index(fields=['model', '-measured_at'], name='matching_me_model_i_cd72c3_idx')],
            },
        ),
        migrations.CreateModel(
            name='Template',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='matching.facemodel')),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='templates', to='cases.case')),
                ('poorness', models.FloatField(default=0, help_text="As a face's; 0 where the model has no poor direction.")),
                ('embedding', pgvector.django.halfvec.HalfVectorField()),
                ('bits', matching.models.template.AnyBitField(help_text='The embedding as bits: `gallery.signs`.')),
                ('is_main', models.BooleanField(default=True)),
                ('kind', models.CharField(choices=[('photograph', 'Photograph'), ('progression', 'Age progression'), ('sketch', 'Sketch or composite'), ('approximation', 'Facial approximation'), ('deceased', 'Photograph of the dead'), ('mark', 'Scar, mark or tattoo (not searched)'), ('object', 'Object (not searched)')], default='photograph', help_text='What kind of picture it was made of.', max_length=15)),
                ('faces', models.PositiveSmallIntegerField(help_text='How many faces it is the mean of.')),
                ('looked_back', models.BooleanField(default=False, help_text='Compared with what cameras and searches saw before.')),
                ('compared', models.BooleanField(default=False, help_text="A missing person's with the found ones', or the other way.")),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('looked_back', False)), fields=['model'], name='templates_to_look_back'), models.Index(condition=models.Q(('compared', False)), fields=['model'], name='templates_to_compare')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('is_main', True)), fields=('case', 'model'), name='one_main_template_a_case_and_model')],
            },
        ),
        migrations.CreateModel(
            name='GalleryCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('model', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, to='matching.facemodel')),
                ('collection', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, to='cases.collection')),
                ('cases', models.IntegerField()),
                ('total', pgvector.django.vector.VectorField(help_text='The sum of those that came less the sum of those that left.')),
            ],
        ),
        migrations.CreateModel(
            name='Evaluation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('folder', models.CharField(max_length=500)),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='matching.facemodel')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('note', models.CharField(blank=True, max_length=300)),
                ('status', models.CharField(choices=[('running', 'Running'), ('done', 'Done'), ('failed', 'Could not be done'), ('stopped', 'Stopped')], default='running', max_length=10)),
                ('error', models.TextField(blank=True, help_text='Why it could not be done.')),
                ('total', models.PositiveIntegerField(default=0, help_text='Photos to look at.')),
                ('done', models.PositiveIntegerField(default=0)),
                ('no_face', models.PositiveIntegerField(default=0)),
                ('people', models.PositiveIntegerField(default=0)),
                ('problems', models.JSONField(default=list, help_text='What was left out, and why.')),
                ('notes', models.JSONField(default=list)),
                ('figures', models.JSONField(null=True)),
                ('started_at', models.DateTimeField(auto_now_add=True)),
                ('finished_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='KnownHash',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hash_list', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='matching.hashlist')),
                ('digest', models.CharField(db_index=True, max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name='DueReport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('report', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='due', to='matching.report')),
                ('until', models.DateTimeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('report', 'until'), name='report_once_a_week')],
            },
        ),
        migrations.CreateModel(
            name='UnnamedPerson',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='matching.facemodel')),
                ('poorness', models.FloatField(default=0, help_text="The mean of its faces'.")),
                ('commonness', models.FloatField(default=0, help_text="The mean of its faces': how much each is like everybody.")),
                ('embedding', pgvector.django.halfvec.HalfVectorField(help_text="The mean of its faces', of unit length, the poor direction taken out.")),
                ('weight', models.FloatField(default=1, help_text='The length of their sum: what the mean counts for.')),
                ('mark', models.CharField(blank=True, choices=[('', 'No mark'), ('staff', 'Staff'), ('interest', 'Of interest')], default='', max_length=10)),
                ('note', models.CharField(blank=True, max_length=300)),
                ('case', models.ForeignKey(blank=True, help_text='That was made of it.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='cases.case')),
                ('is_settled', models.BooleanField(default=False, help_text='People said who belongs to it, so the nightly grouping leaves its faces together.')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'verbose_name_plural': 'unnamed people',
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='CameraMinute',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('camera', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='minutes', to='matching.camera')),
                ('minute', models.DateTimeField()),
                ('frames', models.PositiveIntegerField(help_text='Frames that were looked at.')),
                ('faces', models.PositiveIntegerField(help_text='In all of them together.')),
                ('most', models.PositiveIntegerField(help_text='In one frame.')),
                ('tracks', models.PositiveIntegerField(help_text='Persons who came into view.')),
                ('score', models.FloatField(help_text='Mean detection score.', null=True)),
            ],
            options={
                'ordering': ['minute'],
                'constraints': [models.UniqueConstraint(fields=('camera', 'minute'), name='minute_once_a_camera')],
            },
        ),
        migrations.CreateModel(
            name='Trouble',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('camera', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='troubles', to='matching.camera')),
                ('kind', models.CharField(choices=[('silent', 'Falls silent'), ('dropping', 'Drops faces'), ('blind', 'Sees nobody where it used to'), ('shared', 'Two clients use its token'), ('limited', 'Sends more than it may in an hour')], max_length=10)),
                ('began_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('ended_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['-began_at'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('camera', 'kind'), name='trouble_once_a_camera')],
            },
        ),
        migrations.CreateModel(
            name='Capture',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('camera', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='captures', to='matching.camera')),
                ('uid', models.UUIDField(help_text="The camera's own id of the capture: the same id is the same capture.")),
                ('image', models.FileField(max_length=200, upload_to='captures')),
                ('captured_at', models.DateTimeField()),
                ('camera_time', models.DateTimeField(blank=True, help_text="By the camera's own clock, where that is wrong and was corrected.", null=True)),
                ('received_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('track', models.UUIDField(blank=True, help_text='Somebody whom the camera followed: captures of a track show the same person.', null=True)),
                ('detection_score', models.FloatField(blank=True, null=True)),
                ('box', models.JSONField(blank=True, help_text='The face in the image sent: left, top, right, bottom, pixels.', null=True)),
                ('status', models.CharField(choices=[('pending', 'Waiting'), ('matched', 'Raised an alert'), ('no_candidate', 'Nobody it resembles'), ('known', 'Somebody known'), ('no_face', 'No face found'), ('too_poor', 'Too poor to compare'), ('set_aside', 'Set aside: it could not be looked at')], default='pending', max_length=15)),
            ],
            options={
                'ordering': ['-received_at', '-pk'],
                'indexes': [models.Index(condition=models.Q(('status', 'pending')), fields=['received_at'], name='captures_waiting'), models.Index(condition=models.Q(('status__in', ['matched', 'no_candidate', 'known'])), fields=['received_at'], name='captures_compared'), models.Index(fields=['camera', '-received_at'], name='matching_ca_camera__409369_idx'), models.Index(condition=models.Q(('track__isnull', False)), fields=['track'], name='captures_of_a_track')],
                'constraints': [models.UniqueConstraint(fields=('camera', 'uid'), name='capture_once_a_camera')],
            },
        ),
        migrations.CreateModel(
            name='Quiet',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='quiets', to='cases.case')),
                ('camera', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='quiets', to='matching.camera')),
                ('until', models.DateTimeField()),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('reason', models.CharField(max_length=300)),
                ('at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['-until'],
            },
        ),
        migrations.CreateModel(
            name='GalleryBits',
            fields=[
                ('template', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, serialize=False, to='matching.template')),
                ('model', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, to='matching.facemodel')),
                ('case', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, to='cases.case')),
                ('collection', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, to='cases.collection')),
                ('poorness', models.FloatField()),
                ('bits', matching.models.template.AnyBitField()),
            ],
        ),
        migrations.CreateModel(
            name='Search',
            fields=[
                ('own_time', models.CharField(blank=True, editable=False, help_text="As its camera wrote it, by the camera's clock.", max_length=40)),
                ('own_latitude', models.FloatField(blank=True, editable=False, help_text='Degrees, north.', null=True)),
                ('own_longitude', models.FloatField(blank=True, editable=False, help_text='Degrees, east.', null=True)),
                ('file_note', models.CharField(blank=True, editable=False, help_text='What is to be known of its file, as that it is cut short.', max_length=500)),
                ('turned', models.PositiveSmallIntegerField(default=0, editable=False, help_text='By how many degrees clockwise the picture was turned to have its faces upright.')),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('purpose', models.CharField(max_length=300)),
                ('reference', models.CharField(blank=True, max_length=100, verbose_name='case or tip number')),
                ('filename', models.CharField(blank=True, max_length=255)),
                ('image', models.FileField(blank=True, help_text='None: a batch of many.', max_length=200, upload_to='searches')),
                ('display', models.FileField(blank=True, max_length=200, upload_to='display')),
                ('adjusted_from', models.ForeignKey(help_text='The search whose picture was adjusted for this one.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='adjusted', to='matching.search')),
                ('adjustment', models.JSONField(blank=True, default=dict, help_text='How: turned, cut, lightened.')),
                ('filters', models.JSONField(blank=True, default=dict, help_text='What else narrowed the cases, as it was asked for.')),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='matching.facemodel')),
                ('measurement', models.ForeignKey(help_text='The error rates that its likenesses are judged by.', null=True, on_delete=django.db.models.deletion.SET_NULL, to='matching.measurement')),
                ('second', models.ForeignKey(help_text='The face model that was asked for a second opinion.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='matching.facemodel')),
                ('second_measurement', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='matching.measurement')),
                ('second_size', models.PositiveIntegerField(default=0, help_text='Cases that it compared with.')),
                ('gallery_size', models.PositiveIntegerField(help_text='Cases that were searched.')),
                ('milliseconds', models.PositiveIntegerField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('collections', models.ManyToManyField(blank=True, help_text='None named: all were searched.', to='cases.collection')),
            ],
            options={
                'ordering': ['-created_at'],
            },
        ),
        migrations.CreateModel(
            name='EvaluationPair',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('evaluation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pairs', to='matching.evaluation')),
                ('kind', models.CharField(choices=[('miss', 'Somebody enrolled who was not found first'), ('lookalike', 'A stranger who is like somebody enrolled')], max_length=10)),
                ('position', models.PositiveSmallIntegerField()),
                ('photo', models.CharField(max_length=500)),
                ('person', models.CharField(max_length=300)),
                ('other', models.CharField(help_text='The person who was found instead.', max_length=300)),
                ('similarity', models.FloatField(help_text='To that person.')),
                ('own_similarity', models.FloatField(null=True)),
                ('rank', models.PositiveIntegerField(help_text='At which the person themselves was found.', null=True)),
                ('crop', models.FileField(max_length=200, upload_to='evaluations')),
                ('other_crop', models.FileField(max_length=200, upload_to='evaluations')),
                ('own_crop', models.FileField(blank=True, max_length=200, upload_to='evaluations')),
            ],
            options={
                'ordering': ['kind', 'position'],
                'constraints': [models.UniqueConstraint(fields=('evaluation', 'kind', 'position'), name='evaluation_pair_once'), models.CheckConstraint(condition=models.Q(('kind', 'lookalike'), models.Q(('own_crop', ''), _negated=True), _connector='OR'), name='a_miss_shows_its_own')],
            },
        ),
        migrations.CreateModel(
            name='CasePair',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('first', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='cases.case')),
                ('second', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='cases.case')),
                ('first_face', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='matching.face')),
                ('second_face', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='matching.face')),
                ('similarity', models.FloatField(help_text='None: found or linked by something else than their faces.', null=True)),
                ('weight', models.FloatField(help_text='Of a missing and a found person: what speaks for it less what speaks against it.', null=True)),
                ('strength', models.CharField(blank=True, help_text='What the similarity was worth, in a word.', max_length=15)),
                ('strength_why', models.CharField(blank=True, max_length=400)),
                ('decision', models.CharField(blank=True, choices=[('', 'Not decided'), ('same', 'The same person'), ('related', 'Siblings or twins'), ('different', 'Different people'), ('pursued', 'Being compared'), ('ruled_out', 'Ruled out')], default='', max_length=10)),
                ('decided_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('decided_at', models.DateTimeField(null=True)),
                ('means', models.CharField(blank=True, choices=[('', 'Not stated'), ('dna', 'DNA'), ('dental', 'Dental records'), ('fingerprints', 'Fingerprints'), ('medical', 'X-rays or medical records'), ('description', 'Description'), ('circumstances', 'Circumstances')], max_length=15, verbose_name='by')),
                ('reason', models.CharField(blank=True, help_text='Why, as whoever decided it wrote.', max_length=500)),
                ('said_by', models.CharField(blank=True, help_text='Whose word it is, where it came with an import.', max_length=200)),
            ],
            options={
                'ordering': [models.OrderBy(models.F('similarity'), descending=True, nulls_last=True), 'pk'],
                'indexes': [models.Index(fields=['decision', '-similarity'], name='matching_ca_decisio_a98e1e_idx')],
                'constraints': [models.UniqueConstraint(fields=('first', 'second'), name='pair_of_cases_once'), models.CheckConstraint(condition=models.Q(('first__lt', models.F('second'))), name='pair_of_cases_in_order')],
            },
        ),
        migrations.CreateModel(
            name='OddPhoto',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('photo', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='oddity', to='cases.photo')),
                ('face', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='matching.face')),
                ('own_face', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='matching.face')),
                ('own_similarity', models.FloatField(help_text="To the most alike of its case's other photos.")),
                ('other_face', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='matching.face')),
                ('other_similarity', models.FloatField(help_text="To the most alike of another case's photos.", null=True)),
                ('decision', models.CharField(blank=True, choices=[('', 'Not decided'), ('right', 'The right person'), ('wrong', 'Another person')], default='', max_length=10)),
                ('decided_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('decided_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['own_similarity', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='Subscription',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='subscriptions', to=settings.AUTH_USER_MODEL)),
                ('name', models.CharField(blank=True, default='', help_text='As you know it: my phone. Empty: its address.', max_length=100)),
                ('way', models.CharField(choices=[('mail', 'Mail'), ('sms', 'Text message'), ('service', 'Chat or webhook'), ('browser', 'This browser')], default='service', editable=False, max_length=10)),
                ('address', cases.sealed.SealedField(help_text='A mail address, a mobile number as +44 7700 900123, or a chat room or webhook by its Apprise address: slack://…, msteams://…, jsons://host/path. Kept sealed and not shown again.')),
                ('signing_key', cases.sealed.SealedField(blank=True, default='', editable=False, help_text="By which a webhook's receiver checks that a message is ours.")),
                ('collection', models.ForeignKey(blank=True, help_text='None chosen: alerts of all collections.', null=True, on_delete=django.db.models.deletion.CASCADE, to='cases.collection')),
                ('only_mine', models.BooleanField(default=False, verbose_name='only cases that I see to')),
                ('case', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='cases.case')),
                ('camera', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='matching.camera')),
                ('place', models.CharField(blank=True, help_text="A word of the camera's place.", max_length=200)),
                ('strength', models.CharField(choices=[('weak', 'Every alert'), ('fair', 'Fair and strong ones'), ('strong', 'Only strong ones')], default='weak', help_text='How strong a likeness.', max_length=10, verbose_name='at least')),
                ('hours_from', models.TimeField(blank=True, help_text='Told of alerts from this time of day', null=True, verbose_name='from')),
                ('hours_until', models.TimeField(blank=True, help_text='until this one; both empty: day and night.', null=True, verbose_name='until')),
                ('wait_minutes', models.PositiveSmallIntegerField(default=0, help_text='0: at once. Else only where nobody has taken the alert by then: the next person to be told.', validators=[django.core.validators.MaxValueValidator(1440)], verbose_name='only after minutes')),
                ('digest_minutes', models.PositiveSmallIntegerField(default=0, help_text='0: each by itself. Else weak alerts are collected and told in one message.', validators=[django.core.validators.MaxValueValidator(1440)], verbose_name='weak ones together every (minutes)')),
                ('with_pictures', models.BooleanField(default=False, help_text='The two faces leave Sightline with each message.', verbose_name='send the pictures along')),
                ('visitors', models.BooleanField(default=False, help_text='Tell of strangers, and of known people who are greeted.', verbose_name='strangers and greetings')),
                ('operations', models.BooleanField(default=False, help_text='Tell of cameras in trouble as well.')),
                ('handover_times', models.CharField(blank=True, help_text='When shifts end, as 06:00 14:00 22:00: then comes what waits, and what happened since the time before. Empty: none.', max_length=100, verbose_name='handover at')),
                ('handover_set_at', models.DateTimeField(editable=False, help_text='Since when these times are set.', null=True)),
                ('is_active', models.BooleanField(default=True, verbose_name='switched on')),
                ('set_by', models.ForeignKey(editable=False, help_text='Who set it for somebody else.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('confirmed_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, help_text='When its owner showed that it is theirs; until then nothing goes there.', null=True)),
                ('code', cases.sealed.SealedField(blank=True, default='', editable=False, help_text='By which they show it.')),
                ('code_until', models.DateTimeField(editable=False, null=True)),
                ('code_tries', models.PositiveSmallIntegerField(default=0, editable=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['user', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='Alert',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('sought', 'Looked for'), ('stranger', 'Stranger'), ('greeting', 'Greeting')], db_index=True, default='sought', max_length=10)),
                ('case', models.ForeignKey(help_text='Nobody, of a stranger.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='alerts', to='cases.case')),
                ('camera', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='alerts', to='matching.camera')),
                ('status', models.CharField(choices=[('new', 'New'), ('proposed', 'Second reviewer'), ('disputed', 'Disagreement'), ('confirmed', 'Confirmed sighting'), ('dismissed', 'Dismissed'), ('closed', 'Case closed'), ('greeted', 'Expected visitor')], db_index=True, default='new', max_length=10)),
                ('first_captured_at', models.DateTimeField()),
                ('last_captured_at', models.DateTimeField()),
                ('capture_count', models.PositiveIntegerField(default=0)),
                ('folded_count', models.PositiveIntegerField(default=0, help_text='Captures of the same look-alike that came after the dismissal.')),
                ('best_capture', models.ForeignKey(on_delete=django.db.models.deletion.RESTRICT, related_name='+', to='matching.capture')),
                ('best_face', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='matching.face')),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='matching.facemodel')),
                ('similarity', models.FloatField(help_text='Of the best capture.')),
                ('allowance', models.FloatField(default=0, help_text='Taken off before the similarity is judged, because both pictures are poor.')),
                ('commonness', models.FloatField(default=0, help_text='Taken off before the similarity is judged, because the face is like everybody searched.')),
                ('measurement', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='matching.measurement')),
                ('visits', models.PositiveIntegerField(default=0, help_text='How often the face was seen, this visit with it; 0: not counted.')),
                ('last_visit_at', models.DateTimeField(help_text='When the visit before this one ended.', null=True)),
                ('gallery_size', models.PositiveIntegerField(help_text='Cases the best capture was compared with; seen before: captures that the case was compared with.')),
                ('found_by', models.CharField(choices=[('photograph', 'Photograph'), ('progression', 'Age progression'), ('sketch', 'Sketch or composite'), ('approximation', 'Facial approximation'), ('deceased', 'Photograph of the dead'), ('mark', 'Scar, mark or tattoo (not searched)'), ('object', 'Object (not searched)')], default='photograph', help_text='The kind of picture that it was found by.', max_length=15)),
                ('strength', models.CharField(blank=True, db_index=True, help_text='strong, fair, weak or unmeasured, as of the best capture.', max_length=10)),
                ('strength_why', models.CharField(blank=True, max_length=400)),
                ('assigned_to', models.ForeignKey(help_text='Who sees to it.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('assigned_at', models.DateTimeField(null=True)),
                ('seen_before', models.BooleanField(default=False, help_text='The captures are older than the case or the photo that they resemble.')),
                ('joined_to', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='joined', to='matching.alert')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
            ],
            options={
                'ordering': ['-last_captured_at', '-pk'],
                'indexes': [models.Index(fields=['case', 'camera', '-last_captured_at'], name='matching_al_case_id_6d4ce0_idx')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('case', None), ('kind', 'stranger')), models.Q(models.Q(('kind', 'stranger'), _negated=True), ('case__isnull', False)), _connector='OR'), name='alert_of_a_case_or_a_stranger')],
            },
        ),
        migrations.CreateModel(
            name='Probe',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='matching.facemodel')),
                ('embedding', pgvector.django.halfvec.HalfVectorField()),
                ('left', models.FloatField(help_text='The box, as fractions of the upright picture.')),
                ('top', models.FloatField()),
                ('right', models.FloatField()),
                ('bottom', models.FloatField()),
                ('landmarks', models.JSONField(help_text='Eyes, nose, mouth corners: five [x, y], as fractions of the picture.')),
                ('detection_score', models.FloatField()),
                ('size', models.FloatField(help_text='Shorter side of the box, pixels.')),
                ('sharpness', models.FloatField()),
                ('poorness', models.FloatField(help_text="The embedding's cosine to its model's poor direction; None where that is not known.", null=True)),
                ('yaw', models.FloatField()),
                ('pitch', models.FloatField()),
                ('roll', models.FloatField()),
                ('crop', models.FileField(max_length=200, upload_to='crops')),
                ('search', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='probes', to='matching.search')),
                ('capture', models.OneToOneField(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='probe', to='matching.capture')),
                ('position', models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                'ordering': ['position'],
                'constraints': [models.CheckConstraint(condition=models.Q(('search__isnull', False), ('capture__isnull', False), _connector='XOR'), name='probe_of_one_source')],
            },
        ),
        migrations.CreateModel(
            name='StandingSearch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('search', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='standing', to='matching.search')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='standing_searches', to=settings.AUTH_USER_MODEL)),
                ('opened_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('looked_at', models.DateTimeField(default=django.utils.timezone.now, help_text='When its owner last saw what was found.')),
                ('closed_at', models.DateTimeField(null=True)),
                ('closed_reason', models.CharField(blank=True, max_length=300)),
            ],
            options={
                'ordering': ['opened_at'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('closed_at', None)), fields=('search', 'user'), name='standing_once_a_person')],
            },
        ),
        migrations.CreateModel(
            name='Batch',
            fields=[
                ('search', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='batch', serialize=False, to='matching.search')),
                ('source', models.ForeignKey(help_text='Whose new pictures it has.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='batches', to='matching.websource')),
                ('one_person', models.BooleanField(default=False, help_text='All its pictures show the same unknown person.')),
                ('status', models.CharField(choices=[('collecting', 'Taking files'), ('running', 'Running'), ('paused', 'Paused'), ('done', 'Done'), ('failed', 'Could not be done'), ('cancelled', 'Cancelled')], default='collecting', max_length=10)),
                ('error', models.TextField(blank=True, help_text='Why it could not be done.')),
                ('total', models.PositiveIntegerField(default=0, help_text='Pictures and seconds of clips to look at.')),
                ('done', models.PositiveIntegerField(default=0)),
                ('reached', models.JSONField(default=list, help_text='File and place in it up to which all is kept: [id, place].')),
                ('problems', models.JSONField(default=list, help_text='What was not searched, or not whole, and why: [what, why].')),
                ('active_seconds', models.FloatField(default=0)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('finished_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name_plural': 'batches',
                'ordering': ['-created_at'],
            },
        ),
        migrations.CreateModel(
            name='Shift',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subscription', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='shifts', to='matching.subscription')),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField()),
            ],
            options={
                'ordering': ['-until'],
                'constraints': [models.UniqueConstraint(fields=('subscription', 'until'), name='shift_once_a_subscription')],
            },
        ),
        migrations.CreateModel(
            name='AlertCapture',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('alert', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='entries', to='matching.alert')),
                ('capture', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='entries', to='matching.capture')),
                ('case', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='cases.case')),
                ('similarity', models.FloatField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('capture', 'case'), name='capture_once_a_case'), models.UniqueConstraint(condition=models.Q(('case', None)), fields=('capture',), name='capture_of_one_stranger')],
            },
        ),
        migrations.CreateModel(
            name='Review',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('alert', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reviews', to='matching.alert')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('status', models.CharField(choices=[('new', 'Taken back'), ('confirmed', 'Confirmed sighting'), ('dismissed', 'Dismissed')], max_length=10)),
                ('reason', models.CharField(blank=True, choices=[('', 'Reason'), ('features', 'Features agree'), ('spoken_to', 'Spoken to on the spot'), ('other_person', 'Another person'), ('poor', 'Picture too poor to tell'), ('known_here', 'Known here: works or lives there'), ('other', 'Other, see the note')], default='', max_length=15)),
                ('note', models.TextField(blank=True)),
                ('at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['-at'],
            },
        ),
        migrations.CreateModel(
            name='AlertComment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('alert', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='comments', to='matching.alert')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('text', models.CharField(max_length=2000)),
                ('at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['at'],
            },
        ),
        migrations.CreateModel(
            name='AlertRead',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('alert', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reads', to='matching.alert')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('alert', 'user'), name='alert_read_once_a_person')],
            },
        ),
        migrations.CreateModel(
            name='ProbeBits',
            fields=[
                ('probe', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, serialize=False, to='matching.probe')),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='matching.facemodel')),
                ('bits', matching.models.template.AnyBitField()),
            ],
        ),
        migrations.CreateModel(
            name='Candidate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('probe', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='candidates', to='matching.probe')),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='candidates', to='cases.case')),
                ('face', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to='matching.face')),
                ('rank', models.PositiveSmallIntegerField()),
                ('similarity', models.FloatField()),
                ('allowance', models.FloatField(default=0, help_text='Taken off before the similarity is judged, because both pictures are poor.')),
                ('commonness', models.FloatField(default=0, help_text='Taken off before the similarity is judged, because the face is like everybody searched.')),
                ('found_by', models.CharField(choices=[('photograph', 'Photograph'), ('progression', 'Age progression'), ('sketch', 'Sketch or composite'), ('approximation', 'Facial approximation'), ('deceased', 'Photograph of the dead'), ('mark', 'Scar, mark or tattoo (not searched)'), ('object', 'Object (not searched)')], default='photograph', help_text='The kind of picture that it was found by.', max_length=15)),
                ('strength', models.CharField(blank=True, help_text='strong, fair, weak or unmeasured, as it was shown when it was found.', max_length=10)),
                ('strength_why', models.CharField(blank=True, max_length=400)),
                ('decision', models.CharField(blank=True, choices=[('', 'Not decided'), ('possible', 'Possible match'), ('confirmed', 'Confirmed lead'), ('rejected', 'Not this person'), ('disputed', 'Disagreement')], db_index=True, default='', help_text='What the opinions come to.', max_length=10)),
                ('second_rank', models.PositiveSmallIntegerField(help_text='By the second face model; None: not asked, or beyond its list.', null=True)),
                ('second_similarity', models.FloatField(help_text='None: not asked, or it has no face of one of the two.', null=True)),
                ('second_allowance', models.FloatField(default=0)),
                ('second_commonness', models.FloatField(default=0, help_text='Taken off before the similarity is judged, because the face is like everybody searched.')),
                ('second_strength', models.CharField(blank=True, max_length=10)),
                ('second_strength_why', models.CharField(blank=True, max_length=400)),
                ('found_at', models.DateTimeField(db_index=True, help_text='When a standing search found it; None for what the search itself found.', null=True)),
                ('remembered', models.ForeignKey(help_text='The same face and case, on which somebody had decided in an earlier search.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='matching.candidate')),
            ],
            options={
                'ordering': ['rank'],
                'constraints': [models.UniqueConstraint(fields=('probe', 'case'), name='candidate_once_a_probe')],
            },
        ),
        migrations.CreateModel(
            name='BatchFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('batch', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='files', to='matching.batch')),
                ('name', models.CharField(max_length=255)),
                ('file', models.FileField(blank=True, max_length=200, upload_to='batches')),
                ('address', models.TextField(blank=True, help_text='On the web; empty: it was sent.')),
                ('found_on', models.TextField(blank=True, help_text='The page or feed that names the address.')),
                ('follow', models.PositiveSmallIntegerField(default=0, help_text='How many pages deep the address is followed.')),
                ('fetched_at', models.DateTimeField(null=True)),
                ('posted_at', models.DateTimeField(help_text='As the feed says that names it.', null=True)),
                ('sent_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('began_at', models.DateTimeField(help_text='When a clip truly began, as somebody read it off.', null=True)),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='AlertClip',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('alert', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='clip', to='matching.alert')),
                ('capture', models.ForeignKey(help_text='The face around which.', on_delete=django.db.models.deletion.CASCADE, related_name='+', to='matching.capture')),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('kept_at', models.DateTimeField(null=True)),
                ('file', models.FileField(blank=True, max_length=200, upload_to='alert_clips')),
                ('sha256', models.CharField(blank=True, max_length=64)),
                ('begins_at', models.DateTimeField(help_text='When its first frame was taken.', null=True)),
                ('seconds', models.FloatField(default=0)),
                ('frames', models.PositiveSmallIntegerField(default=0, help_text='That the client sent.')),
                ('is_gone', models.BooleanField(default=False, help_text='The client no longer had these seconds.')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('file', ''), ('is_gone', False)), fields=['asked_at'], name='clips_asked_for')],
            },
        ),
        migrations.CreateModel(
            name='UnnamedFace',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('probe', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='unnamed', to='matching.probe')),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='faces', to='matching.unnamedperson')),
                ('commonness', models.FloatField(default=0, help_text='How much more than most it is like everybody.')),
                ('begins_visit', models.BooleanField(default=True, help_text='The same person was not seen by this camera in the minutes before.')),
                ('joined_from', models.PositiveBigIntegerField(help_text='The person whose face it was before people said that the two are one.', null=True)),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='Opinion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('candidate', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='opinions', to='matching.candidate')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('word', models.CharField(blank=True, choices=[('', 'Taken back'), ('possible', 'Possible match'), ('rejected', 'Not this person')], max_length=10)),
                ('note', models.CharField(blank=True, help_text='What speaks for or against it.', max_length=500)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'ordering': ['at', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='Mark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('candidate', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='marks', to='matching.candidate')),
                ('face', models.ForeignKey(help_text='On this case photo; None: the probe.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='matching.face')),
                ('x', models.FloatField(help_text="As a fraction of the face's crop.")),
                ('y', models.FloatField()),
                ('text', models.CharField(max_length=200)),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='BatchPicture',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('file', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pictures', to='matching.batchfile')),
                ('place', models.PositiveIntegerField(help_text='Which picture of its file; 0 of a clip.')),
                ('name', models.CharField(max_length=300)),
                ('sha256', models.CharField(blank=True, help_text='Of the file that holds it; empty: never read.', max_length=64)),
                ('page', models.PositiveIntegerField(help_text='Which of those that the file holds.', null=True)),
                ('faces', models.PositiveIntegerField(default=0)),
                ('why', models.TextField(blank=True, help_text='Why it was not looked at, or what is to be known of it.')),
            ],
            options={
                'ordering': ['pk'],
                'indexes': [models.Index(fields=['file', 'place'], name='matching_ba_file_id_a96099_idx')],
            },
        ),
        migrations.CreateModel(
            name='Shot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='matching.facemodel')),
                ('embedding', pgvector.django.halfvec.HalfVectorField()),
                ('left', models.FloatField(help_text='The box, as fractions of the upright picture.')),
                ('top', models.FloatField()),
                ('right', models.FloatField()),
                ('bottom', models.FloatField()),
                ('landmarks', models.JSONField(help_text='Eyes, nose, mouth corners: five [x, y], as fractions of the picture.')),
                ('detection_score', models.FloatField()),
                ('size', models.FloatField(help_text='Shorter side of the box, pixels.')),
                ('sharpness', models.FloatField()),
                ('poorness', models.FloatField(help_text="The embedding's cosine to its model's poor direction; None where that is not known.", null=True)),
                ('yaw', models.FloatField()),
                ('pitch', models.FloatField()),
                ('roll', models.FloatField()),
                ('crop', models.FileField(max_length=200, upload_to='crops')),
                ('file', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='shots', to='matching.batchfile')),
                ('probe', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='shots', to='matching.probe')),
                ('name', models.CharField(help_text="The picture's name, or the clip's.", max_length=300)),
                ('place', models.PositiveIntegerField(help_text='Which picture of its file.')),
                ('turned', models.PositiveSmallIntegerField(default=0, help_text='By how many degrees clockwise its picture was turned.')),
                ('sha256', models.CharField(blank=True, help_text="Of the picture's file, or the clip's.", max_length=64)),
                ('posted_at', models.DateTimeField(help_text="As a feed or a network's export says.", null=True)),
                ('second', models.FloatField(help_text='Of the clip.', null=True)),
                ('track', models.PositiveIntegerField(help_text='Somebody followed from frame to frame; by clip.', null=True)),
                ('since', models.FloatField(help_text='From when, second of the clip, somebody was followed.', null=True)),
                ('until', models.FloatField(null=True)),
            ],
            options={
                'ordering': ['pk'],
                'indexes': [models.Index(fields=['file', 'place'], name='matching_sh_file_id_fe83b6_idx')],
            },
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('alert', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='matching.alert')),
                ('candidate', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='matching.candidate')),
                ('trouble', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='matching.trouble')),
                ('standing', models.ForeignKey(help_text='That was closed.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='matching.standingsearch')),
                ('shift', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='matching.shift')),
                ('due_report', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='matching.duereport')),
                ('is_over', models.BooleanField(default=False, help_text='The trouble has ended.')),
                ('strength', models.CharField(blank=True, help_text='Of the alert when it was told: told again where it rises.', max_length=10)),
                ('in_digest', models.BooleanField(default=False, help_text='Told together with others.')),
                ('is_late', models.BooleanField(default=False, help_text='Of what came long after it was seen.')),
                ('subscription', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='matching.subscription')),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('sent', 'Sent'), ('failed', 'Given up'), ('not_needed', 'Not needed any more')], default='waiting', max_length=12)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('next_attempt_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('error', models.TextField(blank=True)),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'verbose_name_plural': 'deliveries',
                'indexes': [models.Index(condition=models.Q(('status', 'waiting')), fields=['next_attempt_at'], name='deliveries_waiting')],
                'constraints': [models.UniqueConstraint(fields=('alert', 'strength', 'subscription'), name='one_delivery_a_strength'), models.UniqueConstraint(fields=('candidate', 'subscription'), name='one_delivery_a_candidate'), models.UniqueConstraint(fields=('standing', 'subscription'), name='one_delivery_a_standing_search'), models.UniqueConstraint(fields=('trouble', 'is_over', 'subscription'), name='two_deliveries_a_trouble_at_most'), models.UniqueConstraint(fields=('shift', 'subscription'), name='one_delivery_a_shift'), models.UniqueConstraint(fields=('due_report', 'subscription'), name='one_delivery_a_due_report'), models.CheckConstraint(condition=django.db.models.lookups.Exact(models.Func(models.F('alert'), models.F('candidate'), models.F('trouble'), models.F('standing'), models.F('shift'), models.F('due_report'), function='num_nonnulls', output_field=models.IntegerField()), 1), name='delivery_of_one_thing')],
            },
        ),
        migrations.AddField(
            model_name='Alert',
            name='captures',
            field=models.ManyToManyField(related_name='alerts', through='matching.AlertCapture', to='matching.capture'),
        ),
        migrations.RunSQL(TRIGGERS, NO_TRIGGERS),
    ]
