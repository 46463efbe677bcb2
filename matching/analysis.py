"""Questions in SQL, for analysts: of views without faces, without names of persons or of users, asked by a user of the
database that can do nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from matching.reports import MOST_ROWS

ROLE = "sightline_analyst"
SECONDS, MOST_ROW_BYTES, AT_ONCE = 10, 100_000, 4

# By name: what a row is, and where it comes from.
VIEWS = {
    "alerts": (
        "Captures of one camera that resemble one case, within one episode",
        """SELECT id, kind, status, camera_id, case_id, first_captured_at, last_captured_at, capture_count, similarity,
        strength, gallery_size, visits, created_at FROM matching_alert WHERE joined_to_id IS NULL""",
    ),
    "alert_captures": (
        "Which captures an alert has",
        "SELECT alert_id, capture_id, similarity FROM matching_alertcapture",
    ),
    "alert_reviews": (
        "Words on alerts; whose is not told",
        "SELECT id, alert_id, status AS word, reason, at FROM matching_review",
    ),
    "cameras": (
        "Cameras; a phone on a walk is not named after its officer",
        """SELECT id, CASE WHEN officer_id IS NULL THEN name ELSE 'a phone' END AS name, place, latitude, longitude,
        created_at, last_seen_at, heartbeat_at, revoked_at FROM matching_camera""",
    ),
    "camera_minutes": (
        "What a camera counted in a minute",
        "SELECT camera_id, minute, frames, faces, most, tracks, score FROM matching_cameraminute",
    ),
    "candidates": (
        "Cases that searches returned",
        """SELECT c.id, p.search_id, p.capture_id, c.case_id, c.rank, c.similarity, c.strength, c.decision
        FROM matching_candidate c JOIN matching_probe p ON p.id = c.probe_id""",
    ),
    "candidate_opinions": (
        "Words on candidates; whose is not told",
        "SELECT id, candidate_id, word, at FROM matching_opinion",
    ),
    "captures": (
        "Faces that cameras sent, without their pictures",
        "SELECT id, camera_id, captured_at, received_at, track, detection_score, status FROM matching_capture",
    ),
    "cases": (
        "Persons who are looked for or were found, by their number",
        """SELECT id, collection_id, number, status, outcome, sex, category, age_from, age_to, last_seen_on, latitude,
        longitude, created_at, closed_at, ended_on FROM cases_case""",
    ),
    "collections": (
        "Sets of cases that are searched together",
        "SELECT id, name, kind, alert_level, reviewers, look_back_days, unnamed_days FROM cases_collection",
    ),
    "deliveries": (
        "Messages about alerts; to whom is not told",
        "SELECT id, alert_id, status, attempts, sent_at FROM matching_delivery WHERE alert_id IS NOT NULL",
    ),
    "photos": (
        "Photos of cases, without their pictures",
        """SELECT id, case_id, view, kind, status, taken_on, own_time, own_latitude, own_longitude, created_at
        FROM cases_photo""",
    ),
    "searches": (
        "Searches; whose and what for is not told",
        "SELECT id, gallery_size, milliseconds, image = '' AS is_batch, created_at FROM matching_search",
    ),
    "unnamed_faces": (
        "Whom cameras saw or batches met and nobody has named, by the number of their group; in a batch by no camera",
        """SELECT f.person_id, c.camera_id, f.at AS captured_at, f.begins_visit, p.search_id, f.dated_by
        FROM matching_unnamedface f JOIN matching_probe p ON p.id = f.probe_id
        LEFT JOIN matching_capture c ON c.id = p.capture_id""",
    ),
}


class QuestionRefused(Exception):
    """The database does not answer it; the text says why."""


@dataclass(frozen=True)
class Answer:
    """is_cut: there are more rows."""

    headings: Sequence[str]
    rows: Sequence[Sequence[Any]]
    is_cut: bool


def make_views(plan: Sequence[Any] = (), **kwargs: Any) -> None:
    """Make the views anew, after the last migration. Who may not make a schema makes none, and the page says so."""
    if not plan:
        return
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        # On the way to an older version, whose tables have other columns.
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_database_privilege(current_database(), 'CREATE')")
        if not cursor.fetchone()[0]:
            return
        drop_views(plan)
        cursor.execute("CREATE SCHEMA reports")
        for name, (_, rows) in VIEWS.items():
            cursor.execute(f"CREATE VIEW reports.{name} AS {rows}")
        cursor.execute(
            f"""
            CREATE FUNCTION reports.fits(said text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
                IF octet_length(said) > {MOST_ROW_BYTES} THEN
                    RAISE EXCEPTION 'a row is larger than {MOST_ROW_BYTES // 1000} kB';
                END IF;
                RETURN true;
            END $$
            """
        )
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE])
        if cursor.fetchone() is not None:
            let_in()


def drop_views(plan: Sequence[Any] = (), **kwargs: Any) -> None:
    """Before migrations, which may change what the views read."""
    if plan:
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA IF EXISTS reports CASCADE")


def make_role() -> None:
    """The embedded database's user for analysts. May run again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE])
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE ROLE {ROLE} LOGIN CONNECTION LIMIT {AT_ONCE}")
        cursor.execute(f"ALTER ROLE {ROLE} SET temp_file_limit = '256MB'")
    let_in()


def let_in() -> None:
    """The role reads the views, and nothing else."""
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT USAGE ON SCHEMA reports TO {ROLE}")
        cursor.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA reports TO {ROLE}")


def columns() -> dict[str, list[tuple[str, str]]]:
    """Of each view its columns with their types; nothing where there are no views."""
    found: dict[str, list[tuple[str, str]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname, a.attname, format_type(a.atttypid, NULL) FROM pg_class c
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
            WHERE c.relnamespace = to_regnamespace('reports') AND c.relkind = 'v' ORDER BY 1, a.attnum
            """
        )
        for view, name, kind in cursor.fetchall():
            found.setdefault(view, []).append((name, kind.replace(" with time zone", "")))
    return found


def ask(question: str) -> Answer:
    """The first `MOST_ROWS` rows of one SELECT. Raises `QuestionRefused`."""
    asked = question.strip().rstrip("; \n")
    before = "SELECT * FROM (\n"
    # One statement by PostgreSQL's own reckoning: what is prepared cannot be two.
    wrapped = f"{before}{asked}\n) AS _asked WHERE reports.fits(_asked::text) LIMIT {MOST_ROWS + 1}"
    try:
        with psycopg.connect(**_address(), connect_timeout=5, options=_options()) as analyst:
            analyst.read_only = True
            cursor = analyst.execute(wrapped, prepare=True)
            rows = [[_plain(cell) for cell in row] for row in cursor.fetchall()]
            headings = [column.name for column in cursor.description or ()]
    except psycopg.errors.QueryCanceled:
        raise QuestionRefused(
            f"It was stopped after {SECONDS} seconds. Ask about a shorter time, or join fewer rows."
        ) from None
    except psycopg.Error as error:
        raise QuestionRefused(_words(error, len(before), asked)) from None
    return Answer(headings, rows[:MOST_ROWS], len(rows) > MOST_ROWS)


def _address() -> dict[str, Any]:
    if settings.ANALYSIS_DATABASE_URL:
        return {"conninfo": settings.ANALYSIS_DATABASE_URL}
    if not settings.HAS_EMBEDDED_DATABASE:
        raise QuestionRefused(
            "No user of the database is set for such questions: an administrator sets ANALYSIS_DATABASE_URL."
        )
    own = connection.get_connection_params()
    return {name: own[name] for name in ("host", "port", "dbname") if name in own} | {"user": ROLE}


def _options() -> str:
    said = {
        "default_transaction_read_only": "on", "statement_timeout": f"{SECONDS}s", "search_path": "reports",
        "work_mem": "16MB", "max_parallel_workers_per_gather": 0, "timezone": settings.TIME_ZONE,
    }  # fmt: skip
    return " ".join(f"-c {name}={value}" for name, value in said.items())


def _words(error: psycopg.Error, offset: int, asked: str) -> str:
    if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
        # It was not let in. Why is the server's to know, and names its address.
        if "too many connections" in str(error):
            return f"{AT_ONCE} questions run already. Wait until one has ended."
        return "The database does not let the question in. An administrator looks at ANALYSIS_DATABASE_URL."
    said = error.diag.message_primary or str(error).strip()
    place = int(error.diag.statement_position or 0) - offset - 1
    line = f", at line {asked[:place].count(chr(10)) + 1}" if 0 <= place < len(asked) else ""
    return f"The database says: {said}{line}."


def _plain(cell: Any) -> Any:
    """As a table shows it."""
    if isinstance(cell, datetime):
        return timezone.localtime(cell).isoformat(" ", "seconds") if cell.tzinfo else cell.isoformat(" ", "seconds")
    if isinstance(cell, Decimal):
        return float(cell)
    return cell if cell is None or isinstance(cell, int | float | str) else str(cell)
