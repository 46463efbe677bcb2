"""The embedded database's user for what serves: it reads and writes rows, but owns no table and changes no audit row.

`manage.py` itself, which migrates and restores, stays the owner. Where DATABASE_URL names a server of one's own,
docs/deployment.md says how to make such a user there.
"""

from django.db import connection

from matching import analysis
from mpsite.embedded import SERVING as NAME

APPENDED = "cases_auditevent"


def grant() -> None:
    """Make the user, and let it do what the product does. May run again, after each migration."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [NAME])
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE ROLE {NAME} LOGIN")
        cursor.execute(
            f"""
            GRANT USAGE ON SCHEMA public TO {NAME};
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {NAME};
            GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO {NAME};
            REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON {APPENDED} FROM {NAME};
            """
        )
    analysis.make_role()
