"""Only front views are searched from here on: photos tagged otherwise are indexed anew, which takes their faces out."""

from django.db import migrations


def wait(apps, schema_editor):
    apps.get_model("cases", "Photo").objects.filter(view="side").update(status="pending", status_note="")


class Migration(migrations.Migration):

    dependencies = [("cases", "0002_imports")]

    operations = [migrations.RunPython(wait, migrations.RunPython.noop)]
