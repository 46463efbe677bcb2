"""The tests' database at another version, and back at this one."""

from collections.abc import Sequence
from dataclasses import dataclass

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


# The newest migrations of the release before this one.
LAST_RELEASE = [("cases", "0036_unnamed_of_batches"), ("matching", "0057_captures_by_time")]

COLUMNS = """
SELECT table_name, column_name, concat_ws(' ', data_type, udt_name), character_maximum_length, is_nullable = 'YES',
    column_default IS NOT NULL OR is_identity = 'YES'
FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
"""
# What a row must fulfil, with the columns that are asked.
RULES = """
SELECT rel.relname, con.conname, ARRAY(
    SELECT attname::text FROM pg_attribute WHERE attrelid = con.conrelid AND attnum = ANY (con.conkey))
FROM pg_constraint AS con JOIN pg_class AS rel ON rel.oid = con.conrelid
WHERE con.connamespace = 'public'::regnamespace AND con.contype <> 'n'
UNION ALL SELECT rel.relname, idx.relname, ARRAY(
    SELECT attname::text FROM pg_attribute WHERE attrelid = ind.indrelid AND attnum = ANY (ind.indkey))
FROM pg_index AS ind JOIN pg_class AS idx ON idx.oid = ind.indexrelid JOIN pg_class AS rel ON rel.oid = ind.indrelid
WHERE ind.indisunique AND rel.relnamespace = 'public'::regnamespace
"""


@dataclass(frozen=True)
class Column:
    """holds: its type. most: characters, if there is an end to them. has_default: whether the database fills it."""

    holds: str
    most: int | None
    may_be_empty: bool
    has_default: bool


@dataclass(frozen=True)
class Asked:
    """What a database asks of whoever writes into it. columns: by (table, column); rules: by (table, name), the columns
    that each is about."""

    columns: dict[tuple[str, str], Column]
    rules: dict[tuple[str, str], set[str]]


def asked() -> Asked:
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS)
        columns = {(table, name): Column(*column) for table, name, *column in cursor.fetchall()}
        cursor.execute(RULES)
        return Asked(columns, {(table, name): set(about) for table, name, about in cursor.fetchall()})


def in_the_way(before: Asked, after: Asked) -> list[str]:
    """What a release that knows the database as it was before could not go on with now, in words."""
    found = []
    tables = {table for table, _ in before.columns}
    for (table, name), was in before.columns.items():
        now, called = after.columns.get((table, name)), f"{table}.{name}"
        if now is None:
            found.append(f"{called} is gone: it is still read and written")
        elif now.holds != was.holds or (now.most or 2**31) < (was.most or 2**31):
            found.append(f"{called} holds something else")
        elif was.may_be_empty and not now.may_be_empty:
            found.append(f"{called} may be empty no longer")
        elif was.has_default and not now.has_default and not now.may_be_empty:
            found.append(f"{called} has no default any more")
    for (table, name), now in after.columns.items():
        is_new = table in tables and (table, name) not in before.columns
        if is_new and not now.may_be_empty and not now.has_default:
            found.append(f"{table}.{name} is new and must be filled: give it a db_default")
    for (table, name), about in after.rules.items():
        if (table, name) not in before.rules and any((table, column) in before.columns for column in about):
            found.append(f"{table}: {name} is a new rule for {', '.join(sorted(about))}")
    return found
