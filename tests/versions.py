"""The tests' database at another version, and back at this one."""

from collections.abc import Sequence

from django.apps.registry import Apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from matching import analysis

# Whatever a migration can make: a row each, the same however the database came to it.
SHAPE = """
SELECT 'column', table_name || '.' || column_name,
    concat_ws(' ', data_type, character_maximum_length, is_nullable, column_default)
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'function', proname, prosrc FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND (proname LIKE 'cases%' OR proname LIKE 'matching%')
"""


def _executor() -> MigrationExecutor:
    """One that knows each migration by itself, and not those that stand for many."""
    executor = MigrationExecutor(connection)
    executor.loader = loader = MigrationLoader(connection, replace_migrations=False)
    for key, migration in loader.replacements.items():
        # What depends on it depends on the last of them.
        loader.graph.remove_replacement_node(key, migration.replaces)
    return executor


def become(targets: Sequence[tuple[str, str]] = ()) -> Apps:
    """Migrate to these migrations, or to the newest; the models as they were then. What signals of `migrate` do is done
    here too."""
    analysis.drop_views([targets])
    executor = _executor()
    wanted = list(targets) or executor.loader.graph.leaf_nodes()
    executor.migrate(wanted)
    analysis.make_views([targets])
    return _executor().loader.project_state(wanted).apps


def shape() -> list[tuple[str, str, str]]:
    """All that migrations made of the database."""
    with connection.cursor() as cursor:
        cursor.execute(SHAPE)
        return sorted(cursor.fetchall())
