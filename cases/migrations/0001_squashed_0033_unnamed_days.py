import cases.models.photo
import cases.text_search
import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

# A row's content as text: each value with its length in bytes, so that no two rows read the same. Emptied is removed: a
# test's database says that it may be emptied.
CHAIN = """
CREATE FUNCTION cases_audit_text(value text) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT octet_length(coalesce(value, ''))::text || ':' || coalesce(value, '') $$;

CREATE FUNCTION cases_audit_hash(event cases_auditevent) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT encode(sha256(convert_to(
    event.previous
    || cases_audit_text(event.id::text)
    || cases_audit_text((extract(epoch FROM event.at) * 1000000)::bigint::text)
    || cases_audit_text(event.user_id::text)
    || cases_audit_text(event.username)
    || cases_audit_text(event.action)
    || cases_audit_text(event.target_type)
    || cases_audit_text(event.target_id)
    || cases_audit_text(event.target_label)
    || cases_audit_text(event.why)
    || cases_audit_text(host(event.address)), 'UTF8')), 'hex') $$;

CREATE FUNCTION cases_audit_append() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- One writer at a time: each row names the one before it.
    PERFORM pg_advisory_xact_lock(7215403318);
    NEW.id := nextval(pg_get_serial_sequence('cases_auditevent', 'id'));
    NEW.previous := coalesce((SELECT hash FROM cases_auditevent ORDER BY id DESC LIMIT 1), '');
    NEW.hash := cases_audit_hash(NEW);
    RETURN NEW;
END $$;

CREATE FUNCTION cases_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is only ever added to' USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER audit_append BEFORE INSERT ON cases_auditevent
    FOR EACH ROW EXECUTE FUNCTION cases_audit_append();
CREATE TRIGGER audit_refuse BEFORE UPDATE OR DELETE ON cases_auditevent
    FOR EACH ROW EXECUTE FUNCTION cases_audit_refuse();

CREATE FUNCTION cases_audit_refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('sightline.emptying', true), '') <> 'yes' THEN
        RAISE EXCEPTION 'the audit trail is only ever added to' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER audit_refuse_truncate BEFORE TRUNCATE ON cases_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION cases_audit_refuse_truncate();
"""
UNDO = """
DROP TRIGGER audit_refuse_truncate ON cases_auditevent;
DROP FUNCTION cases_audit_refuse_truncate;

DROP TRIGGER audit_append ON cases_auditevent;
DROP TRIGGER audit_refuse ON cases_auditevent;
DROP FUNCTION cases_audit_append, cases_audit_refuse, cases_audit_hash, cases_audit_text;
"""


class Migration(migrations.Migration):

    initial = True

    replaces = [
        ('cases', '0001_initial'),
        ('cases', '0002_imports'),
        ('cases', '0003_side_views_wait'),
        ('cases', '0004_every_face_is_searched'),
        ('cases', '0005_calibration'),
        ('cases', '0006_two_people_decide'),
        ('cases', '0007_looking_back'),
        ('cases', '0008_marks_and_dates'),
        ('cases', '0009_teams'),
        ('cases', '0010_audit_chain'),
        ('cases', '0011_alerts'),
        ('cases', '0012_api_tokens'),
        ('cases', '0013_keeping'),
        ('cases', '0014_fair_use'),
        ('cases', '0015_known_people'),
        ('cases', '0016_own_data'),
        ('cases', '0017_names_of_teams'),
        ('cases', '0018_failed_work'),
        ('cases', '0019_keyed_trail_and_tombstones'),
        ('cases', '0020_manage_people'),
        ('cases', '0021_names_tell_nothing'),
        ('cases', '0022_file_notes'),
        ('cases', '0023_kinds_of_pictures'),
        ('cases', '0024_doubts'),
        ('cases', '0025_description'),
        ('cases', '0026_found_without_a_name'),
        ('cases', '0027_words_of_cases'),
        ('cases', '0028_alerts_say_why'),
        ('cases', '0029_the_desk_of_a_case'),
        ('cases', '0030_places_by_name'),
        ('cases', '0031_heartbeats'),
        ('cases', '0032_clip_days'),
        ('cases', '0033_unnamed_days'),
    ]

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Team',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('members', models.ManyToManyField(blank=True, related_name='teams', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['name'],
                'permissions': [('see_all_teams', 'Sees what belongs to any team'), ('manage_people', 'Sees to people, roles and teams')],
            },
        ),
        migrations.CreateModel(
            name='Town',
            fields=[
                ('id', models.PositiveIntegerField(help_text="GeoNames' own number.", primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=200)),
                ('region', models.CharField(blank=True, max_length=60)),
                ('region_code', models.CharField(blank=True, max_length=20)),
                ('country', models.CharField(max_length=100)),
                ('country_code', models.CharField(max_length=2)),
                ('population', models.PositiveIntegerField()),
                ('latitude', models.FloatField()),
                ('longitude', models.FloatField()),
                ('names', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=200), help_text='What it is called, as `gazetteer.fold` folds it.', size=None)),
            ],
            options={
                'ordering': ['-population', 'pk'],
                'indexes': [django.contrib.postgres.indexes.GinIndex(fields=['names'], name='names_of_towns'), models.Index(fields=['latitude', 'longitude'], name='places_of_towns')],
            },
        ),
        migrations.CreateModel(
            name='AuditEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ('user', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, to=settings.AUTH_USER_MODEL)),
                ('username', models.CharField(help_text='Kept when the account is gone.', max_length=150)),
                ('action', models.CharField(db_index=True, max_length=40)),
                ('target_type', models.CharField(max_length=40)),
                ('target_id', models.CharField(max_length=40)),
                ('target_label', models.CharField(max_length=300)),
                ('why', models.TextField(blank=True)),
                ('address', models.GenericIPAddressField(null=True)),
                ('mac', models.CharField(default='', editable=False, max_length=64)),
                ('previous', models.CharField(default='', editable=False, max_length=64)),
                ('hash', models.CharField(default='', editable=False, max_length=64)),
            ],
            options={
                'ordering': ['-at', '-pk'],
                'indexes': [models.Index(fields=['target_type', 'target_id'], name='cases_audit_target__23f55c_idx')],
            },
        ),
        migrations.CreateModel(
            name='Training',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='training', to=settings.AUTH_USER_MODEL)),
                ('good_until', models.DateField(help_text='After this day they make no new search until it is renewed.')),
                ('note', models.CharField(blank=True, help_text='Which course, by whom.', max_length=200)),
            ],
            options={
                'verbose_name_plural': 'training',
            },
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField(default='Sightline compares faces. What it shows is a lead: a likeness that a person has to check, never an\nidentification, and no reason by itself to stop, arrest or accuse anybody.\n\nSearch only for a case that you work on, and say which. Every search and every look at a case is kept with your name and\nmay be asked about. Somebody else confirms what you find before anybody acts on it.', help_text='Shown after each sign-in, to be accepted.')),
                ('is_active', models.BooleanField(default=True, verbose_name='switched on')),
                ('changed_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='ProcessBeat',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=20)),
                ('host', models.CharField(max_length=255)),
                ('at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('kind', 'host'), name='beat_once_a_process')],
            },
        ),
        migrations.CreateModel(
            name='ApiToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='api_tokens', to=settings.AUTH_USER_MODEL)),
                ('name', models.CharField(help_text='Which program has it.', max_length=100)),
                ('token_hash', models.CharField(editable=False, max_length=64, unique=True)),
                ('scopes', models.JSONField(default=list)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('expires_at', models.DateTimeField(null=True)),
                ('used_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['-created_at'],
            },
        ),
        migrations.CreateModel(
            name='FailedWork',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=20)),
                ('key', models.CharField(help_text='The id of what it is about.', max_length=40)),
                ('label', models.CharField(max_length=300)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('error', models.CharField(help_text='The last one, in words.', max_length=300)),
                ('failed_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('next_attempt_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('set_aside_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['-failed_at', '-pk'],
                'constraints': [models.UniqueConstraint(fields=('kind', 'key'), name='work_failed_once')],
            },
        ),
        migrations.CreateModel(
            name='Collection',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('description', models.TextField(blank=True)),
                ('kind', models.CharField(choices=[('sought', 'People who are looked for'), ('unidentified', 'People found without a name, dead or alive'), ('known', 'People who are known: staff, residents')], default='sought', help_text='People found without a name are compared with those who are looked for (work list Missing and found). Known people raise no alerts: cameras greet them, or tell of strangers who are none of them. Nobody is searched for among them unless the collection is chosen.', max_length=15, verbose_name='who is in it')),
                ('alert_level', models.CharField(choices=[('off', 'No alerts'), ('strict', 'Strict: 1 false alarm in 1,000 strangers'), ('standard', 'Standard: 10 in 1,000'), ('sensitive', 'Sensitive: 50 in 1,000')], default='standard', help_text='How many of 1,000 strangers whom a camera sees may raise an alert. A stricter level misses more of those who are looked for; of known people, more of them are taken for strangers.', max_length=10)),
                ('reviewers', models.PositiveSmallIntegerField(choices=[(1, 'One person'), (2, 'Two people')], default=2, help_text="How many must say that it may be the person before it is a confirmed lead or sighting. Of two, the second does not see the first one's note until their own word is said.", verbose_name='who confirms')),
                ('look_back_days', models.PositiveSmallIntegerField(default=30, help_text='A new case is compared with what cameras saw in so many days before; faces that raised no alert are kept for it, as long as the longest of all collections asks. 0: they are not kept.', validators=[django.core.validators.MaxValueValidator(3650)], verbose_name='days to look back')),
                ('needs_reference', models.BooleanField(default=False, help_text='Nobody searches here without one.', verbose_name='searches name a case or tip number')),
                ('needs_reason', models.BooleanField(default=False, help_text='Nobody confirms or dismisses an alert here without a reason or a note.', verbose_name='decisions on alerts say why')),
                ('clip_days', models.PositiveSmallIntegerField(default=0, help_text='Of each alert the ten seconds around it are asked of the camera and kept for so many days, with whoever else was in the picture. Cameras then hold their last minute in memory. 0: none is asked for.', validators=[django.core.validators.MaxValueValidator(3650)], verbose_name='days that clips are kept')),
                ('unnamed_days', models.PositiveSmallIntegerField(default=0, help_text='Faces that cameras sent and that resemble nobody are kept for so many days and grouped by whom they show: who came how often, where and when, without a name. It follows people who are looked for by nobody, so ask whether you may. 0: nobody is grouped.', validators=[django.core.validators.MaxValueValidator(3650)], verbose_name='days that unnamed people are kept together')),
                ('search_days', models.PositiveSmallIntegerField(default=0, help_text='Searches and batches that led to nothing are removed after so many days, with their pictures; of several collections the longest counts. 0: they are kept.', validators=[django.core.validators.MaxValueValidator(3650)], verbose_name='days that searches are kept')),
                ('episode_seconds', models.PositiveIntegerField(default=60, help_text='Captures of a camera that follow each other within so many seconds are one alert.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(86400)], verbose_name='one alert for (seconds)')),
                ('stop_when_confirmed', models.BooleanField(default=False, help_text='Once people confirmed a sighting of a case, what cameras see later joins it and wakes nobody.', verbose_name='a confirmed sighting ends alerts')),
                ('far_apart', models.CharField(choices=[('fair', 'As of others: fair ones and better'), ('half', 'Those that a stranger reaches in half of all searches'), ('all', 'All of them')], default='half', help_text='Where the photo shows a child, or lies more than ten years from the searched picture, a weak likeness may be the person. These are shown; weaker ones fold.', max_length=10, verbose_name='candidates shown of children, and across more than ten years')),
                ('teams', models.ManyToManyField(blank=True, help_text='Who sees it, with all that is in it. None chosen: everybody.', to='cases.team')),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='AuditQuestion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='question', to='cases.auditevent')),
                ('asked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('asked_at', models.DateTimeField(auto_now_add=True)),
                ('text', models.CharField(max_length=300)),
                ('answer', models.TextField(blank=True)),
                ('answered_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['asked_at'],
            },
        ),
        migrations.CreateModel(
            name='Case',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('collection', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='cases.collection')),
                ('number', models.CharField(max_length=50, verbose_name='case number')),
                ('name', models.CharField(blank=True, help_text='Leave empty for an unidentified person.', max_length=200)),
                ('other_names', models.CharField(blank=True, help_text='Aliases, nicknames, maiden name.', max_length=300)),
                ('sex', models.CharField(blank=True, choices=[('', 'Not stated'), ('female', 'Female'), ('male', 'Male'), ('other', 'Other')], default='', max_length=10)),
                ('age_from', models.PositiveSmallIntegerField(blank=True, null=True, validators=[django.core.validators.MaxValueValidator(130)], verbose_name='age when last seen, from')),
                ('age_to', models.PositiveSmallIntegerField(blank=True, null=True, validators=[django.core.validators.MaxValueValidator(130)], verbose_name='age when last seen, to')),
                ('born_on', models.DateField(blank=True, null=True, verbose_name='born on')),
                ('height_from', models.PositiveSmallIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(20), django.core.validators.MaxValueValidator(280)], verbose_name='height in cm, from')),
                ('height_to', models.PositiveSmallIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(20), django.core.validators.MaxValueValidator(280)], verbose_name='height in cm, to')),
                ('weight_from', models.PositiveSmallIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(500)], verbose_name='weight in kg, from')),
                ('weight_to', models.PositiveSmallIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(500)], verbose_name='weight in kg, to')),
                ('hair', models.CharField(blank=True, max_length=200)),
                ('eyes', models.CharField(blank=True, max_length=200)),
                ('complexion', models.CharField(blank=True, max_length=100)),
                ('marks', models.TextField(blank=True, help_text='What, and where on the body.', verbose_name='scars, marks and tattoos')),
                ('clothing', models.TextField(blank=True, verbose_name='clothing, jewellery, belongings')),
                ('dental', models.CharField(blank=True, choices=[('', 'Not known'), ('yes', 'On file'), ('no', 'Not on file')], max_length=3, verbose_name='dental records')),
                ('dna', models.CharField(blank=True, choices=[('', 'Not known'), ('yes', 'On file'), ('no', 'Not on file')], max_length=3, verbose_name='DNA')),
                ('vehicle', models.CharField(blank=True, help_text='Make, model, colour, plate.', max_length=300)),
                ('languages', models.CharField(blank=True, max_length=200)),
                ('category', models.CharField(blank=True, choices=[('', 'Not stated'), ('EMD', 'Missing, with a disability (EMD)'), ('EME', 'Missing, endangered (EME)'), ('EMI', 'Missing, not by their will (EMI)'), ('EMJ', 'Missing juvenile (EMJ)'), ('EMV', 'Missing after a catastrophe (EMV)'), ('EMO', 'Missing, other (EMO)'), ('EUD', 'Unidentified, deceased (EUD)'), ('EUL', 'Unidentified, living (EUL)'), ('EUV', 'Unidentified after a catastrophe (EUV)')], max_length=3, verbose_name='NCIC category')),
                ('other_numbers', models.CharField(blank=True, help_text='What others know the case by: NamUs, NCIC, NCMEC, an agency.', max_length=300)),
                ('race', models.CharField(blank=True, help_text='As the source words it.', max_length=200, verbose_name='race/ethnicity')),
                ('last_seen_on', models.DateField(blank=True, null=True)),
                ('last_seen_place', models.CharField(blank=True, max_length=300)),
                ('latitude', models.FloatField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(-90), django.core.validators.MaxValueValidator(90)])),
                ('longitude', models.FloatField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(-180), django.core.validators.MaxValueValidator(180)])),
                ('town', models.ForeignKey(editable=False, help_text='The town that the words for the place mean, for the map; coordinates go before it.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='cases.town')),
                ('located_from', models.CharField(blank=True, editable=False, help_text='The words by which its town was looked up.', max_length=300)),
                ('town_said', models.BooleanField(default=False, editable=False, help_text='A person said which town it is, or none.')),
                ('circumstances', models.TextField(blank=True)),
                ('agency', models.CharField(blank=True, max_length=200)),
                ('contact', models.CharField(blank=True, help_text='Whom to call, with the number.', max_length=300)),
                ('source_url', models.URLField(blank=True, max_length=500, verbose_name='source link')),
                ('exclusions', models.JSONField(blank=True, default=list, editable=False, help_text='People whom its source says it is not: name, and born (the year) where that is known.')),
                ('as_written', models.JSONField(blank=True, default=dict, editable=False, help_text='What its source wrote where that could not be read, by field.')),
                ('status', models.CharField(choices=[('open', 'Open'), ('closed', 'Closed')], default='open', editable=False, max_length=10)),
                ('closed_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('closed_reason', models.CharField(blank=True, editable=False, max_length=300)),
                ('closed_by', models.ForeignKey(editable=False, help_text="None: the case's source.", null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('outcome', models.CharField(blank=True, choices=[('', 'Not stated'), ('safe', 'Located safe'), ('returned', 'Returned by themselves'), ('identified', 'Identified'), ('deceased', 'Located deceased'), ('mistaken', 'Opened by mistake'), ('other', 'Other')], db_index=True, editable=False, max_length=10)),
                ('ended_on', models.DateField(editable=False, help_text='The day of the outcome.', null=True, verbose_name='outcome on')),
                ('assigned_to', models.ForeignKey(editable=False, help_text='Who sees to it.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='assigned_cases', to=settings.AUTH_USER_MODEL)),
                ('held_at', models.DateTimeField(blank=True, editable=False, help_text='Since when a legal hold keeps it.', null=True)),
                ('held_reason', models.CharField(blank=True, editable=False, max_length=300)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'ordering': ['-created_at', '-pk'],
                'indexes': [models.Index(fields=['status', 'collection'], name='cases_case_status_ae74d8_idx'), models.Index(fields=['updated_at'], name='cases_case_updated_cd653a_idx'), django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.search.SearchVector(cases.text_search.Folded('name'), cases.text_search.Folded('other_names'), cases.text_search.Folded('number'), cases.text_search.Folded('other_numbers'), cases.text_search.Folded('last_seen_place'), cases.text_search.Folded('agency'), cases.text_search.Folded('race'), cases.text_search.Folded('hair'), cases.text_search.Folded('eyes'), cases.text_search.Folded('complexion'), cases.text_search.Folded('marks'), cases.text_search.Folded('clothing'), cases.text_search.Folded('vehicle'), cases.text_search.Folded('languages'), cases.text_search.Folded('circumstances'), config='simple'), name='words_of_cases')],
                'constraints': [models.UniqueConstraint(fields=('collection', 'number'), name='case_number_once_a_collection', violation_error_message='This collection already has a case with this number.'), models.CheckConstraint(condition=models.Q(('age_from__isnull', True), ('age_to__isnull', True), ('age_from__lte', models.F('age_to')), _connector='OR'), name='case_ages_in_order', violation_error_message='The lower age must not be above the upper age.')],
            },
        ),
        migrations.CreateModel(
            name='ImportSource',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('kind', models.CharField(help_text='A name in `cases.sources.KINDS`.', max_length=30)),
                ('collection', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='import_sources', to='cases.collection')),
                ('options', models.JSONField(default=dict, help_text='What to read and how; each kind has its own.')),
                ('schedule', models.CharField(blank=True, choices=[('', 'By hand'), ('daily', 'Every day'), ('weekly', 'Every week'), ('watched', 'Within a minute of a change (files and folders)')], default='', max_length=10)),
                ('watched_state', models.CharField(blank=True, help_text='What the files looked like when last read.', max_length=64)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Tombstone',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64, unique=True)),
                ('collection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tombstones', to='cases.collection')),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-at'],
            },
        ),
        migrations.CreateModel(
            name='Photo',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('own_time', models.CharField(blank=True, editable=False, help_text="As its camera wrote it, by the camera's clock.", max_length=40)),
                ('own_latitude', models.FloatField(blank=True, editable=False, help_text='Degrees, north.', null=True)),
                ('own_longitude', models.FloatField(blank=True, editable=False, help_text='Degrees, east.', null=True)),
                ('file_note', models.CharField(blank=True, editable=False, help_text='What is to be known of its file, as that it is cut short.', max_length=500)),
                ('turned', models.PositiveSmallIntegerField(default=0, editable=False, help_text='By how many degrees clockwise the picture was turned to have its faces upright.')),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='photos', to='cases.case')),
                ('image', models.FileField(max_length=200, upload_to=cases.models.photo.original_path)),
                ('filename', models.CharField(blank=True, max_length=255)),
                ('sha256', models.CharField(max_length=64)),
                ('view', models.CharField(choices=[('front', 'Front'), ('side', 'Side (not searched)'), ('other', 'Other (not searched)'), ('withdrawn', 'Withdrawn by its source (not searched)')], default='front', max_length=10)),
                ('kind', models.CharField(choices=[('photograph', 'Photograph'), ('progression', 'Age progression'), ('sketch', 'Sketch or composite'), ('approximation', 'Facial approximation'), ('deceased', 'Photograph of the dead'), ('mark', 'Scar, mark or tattoo (not searched)'), ('object', 'Object (not searched)')], default='photograph', help_text='Only photographs of one case are searched as one; of the others each is searched by itself.', max_length=15)),
                ('status', models.CharField(choices=[('pending', 'Waiting to be indexed'), ('indexed', 'Indexed'), ('no_face', 'No face found'), ('unreadable', 'Unreadable'), ('not_searched', 'Kept, not searched'), ('duplicate', 'The same picture as another')], db_index=True, default='pending', max_length=15)),
                ('status_note', models.CharField(blank=True, max_length=300)),
                ('display', models.FileField(blank=True, max_length=200, upload_to=cases.models.photo.display_path)),
                ('picture_hash', models.CharField(blank=True, help_text='64 bits in hex; alike for alike pictures.', max_length=16)),
                ('duplicate_of', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='duplicates', to='cases.photo')),
                ('taken_on', models.DateField(blank=True, help_text='When it was taken, where that is known.', null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('uploaded_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['pk'],
                'constraints': [models.UniqueConstraint(fields=('case', 'sha256'), name='photo_once_a_case')],
            },
        ),
        migrations.CreateModel(
            name='CaseNote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notes', to='cases.case')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('text', models.TextField(max_length=5000)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('struck_at', models.DateTimeField(help_text='When its writer took it back.', null=True)),
            ],
            options={
                'ordering': ['-at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='CaseTask',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tasks', to='cases.case')),
                ('text', models.CharField(max_length=300, verbose_name='what is to be done')),
                ('due_on', models.DateField(blank=True, null=True, verbose_name='until')),
                ('assigned_to', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='case_tasks', to=settings.AUTH_USER_MODEL)),
                ('made_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('done_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('done_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': [models.OrderBy(models.F('due_on'), nulls_last=True), 'pk'],
                'indexes': [models.Index(condition=models.Q(('done_at', None)), fields=['assigned_to', 'due_on'], name='tasks_to_do')],
            },
        ),
        migrations.CreateModel(
            name='ImportRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='runs', to='cases.importsource')),
                ('status', models.CharField(choices=[('running', 'Running'), ('paused', 'Paused'), ('halted', 'Halted'), ('done', 'Done'), ('stopped', 'Stopped')], default='running', max_length=10)),
                ('note', models.CharField(blank=True, max_length=500)),
                ('options', models.JSONField(default=dict, help_text="The source's options when the run began.")),
                ('check_photos', models.BooleanField(default=False, help_text='Ask again for photos of unchanged cases too.')),
                ('cursor', models.JSONField(help_text="What has been read so far, in the source's own terms.", null=True)),
                ('total', models.PositiveIntegerField(help_text='Records to read, where the source knows.', null=True)),
                ('counts', models.JSONField(default=dict)),
                ('active_seconds', models.FloatField(default=0)),
                ('started_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('started_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('finished_at', models.DateTimeField(help_text='When it ended, or last halted.', null=True)),
            ],
            options={
                'ordering': ['-started_at', '-pk'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('status__in', ['running', 'paused', 'halted'])), fields=('source',), name='one_unfinished_import_a_source')],
            },
        ),
        migrations.CreateModel(
            name='ImportedCase',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='imported', to='cases.importsource')),
                ('key', models.CharField(help_text="The source's own name for the record.", max_length=200)),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='imported_from', to='cases.case')),
                ('fingerprint', models.CharField(max_length=64)),
                ('fields', models.JSONField(help_text='The values it gave, to tell them from what people changed here.')),
                ('photos', models.JSONField(default=dict, help_text='Its photos by key: their signature, and which photo here it is.')),
                ('validators', models.JSONField(default=dict, help_text='ETag and Last-Modified of the record.')),
                ('withdrawn', models.CharField(blank=True, help_text='Why the source no longer has it.', max_length=300)),
                ('closed_here', models.BooleanField(default=False, help_text='An import closed the case, so an import may reopen it.')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('source', 'key'), name='record_once_a_source')],
            },
        ),
        migrations.CreateModel(
            name='ImportDoubt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='doubts', to='cases.importsource')),
                ('key', models.CharField(help_text="The record's; or the file's name.", max_length=200)),
                ('column', models.CharField(max_length=100)),
                ('text', models.CharField(blank=True, help_text='As the source wrote it.', max_length=300)),
                ('why', models.CharField(max_length=400)),
            ],
            options={
                'ordering': ['pk'],
                'indexes': [models.Index(fields=['source', 'column'], name='cases_impor_source__1a1be4_idx'), models.Index(fields=['source', 'key'], name='cases_impor_source__1af1a7_idx')],
            },
        ),
        migrations.CreateModel(
            name='ImportSeen',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='seen', to='cases.importrun')),
                ('keys', models.JSONField()),
            ],
        ),
        migrations.CreateModel(
            name='ImportProblem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='problems', to='cases.importsource')),
                ('run', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='problems', to='cases.importrun')),
                ('key', models.CharField(max_length=200)),
                ('photo_key', models.CharField(blank=True, max_length=500)),
                ('reason', models.TextField()),
                ('status', models.CharField(choices=[('open', 'Open'), ('retrying', 'Trying again'), ('resolved', 'Resolved'), ('dismissed', 'Dismissed')], default='open', max_length=10)),
                ('found_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('ended_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['-pk'],
                'indexes': [models.Index(models.F('source'), models.F('status'), name='problem_by_source_and_status')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('source', 'key', 'photo_key'), name='problem_once_a_record')],
            },
        ),
        migrations.RunSQL(CHAIN, UNDO),
    ]
