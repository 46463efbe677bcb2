from django.apps import AppConfig, apps
from django.contrib.admin import apps as administration
from django.db.models.signals import post_migrate, pre_migrate


class AdministrationConfig(administration.AdminConfig):
    default_site = "mpsite.administration.Administration"
    default = False


class MpsiteConfig(AppConfig):
    default = True
    name = "mpsite"

    def ready(self) -> None:
        # Makes the Celery application the one that tasks are queued with.
        from cases import heartbeat
        from cases.models import ProcessBeat
        from cases.stores import copies
        from matching import analysis
        from mpsite import (
            celery,  # noqa: F401
            metrics,
        )
        from mpsite.access import make_roles

        metrics.register()

        def beat(kind: str) -> None:
            ProcessBeat.keep(kind)
            # Also where nobody reads or writes a file for hours.
            copies.tidy()

        heartbeat.begin(beat)

        matching = apps.get_app_config("matching")
        post_migrate.connect(make_roles, sender=matching)
        pre_migrate.connect(analysis.drop_views, sender=matching)
        post_migrate.connect(analysis.make_views, sender=matching)
