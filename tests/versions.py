"""The tests' database at another version, and back at this one."""

from collections.abc import Sequence

from django.apps.registry import Apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from matching import analysis


def become(targets: Sequence[tuple[str, str]] = ()) -> Apps:
    """Migrate to these migrations, or to the newest; the models as they were then. What signals of `migrate` do is done
    here too."""
    analysis.drop_views([targets])
    executor = MigrationExecutor(connection)
    wanted = list(targets) or executor.loader.graph.leaf_nodes()
    executor.migrate(wanted)
    analysis.make_views([targets])
    return MigrationExecutor(connection).loader.project_state(wanted).apps
