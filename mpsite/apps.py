from django.apps import AppConfig


class MpsiteConfig(AppConfig):
    name = "mpsite"

    def ready(self) -> None:
        # Makes the Celery application the one that tasks are queued with.
        from mpsite import celery  # noqa: F401
