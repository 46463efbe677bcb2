from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('matching', '0027_kept_strengths'),
    ]

    operations = [
        migrations.RenameField(model_name='camera', old_name='settings', new_name='asked_settings'),
    ]
