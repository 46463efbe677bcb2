"""The first `make run` at a terminal: it shows the licence and asks once, and asks for the first administrator."""

import os
import pty
import select
import signal
import subprocess
import sys
import time

from tests.product import ROOT, environment, free_port


class Terminal:
    """A program at a terminal of its own."""

    def __init__(self, folder, **variables: str) -> None:
        self.terminal, inner = pty.openpty()
        kept = {k: v for k, v in environment(folder).items() if k not in ("FACE_MODEL", "ADMIN_PASSWORD")}
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "quickstart", "--no-demo", "--port", str(free_port())],
            cwd=ROOT, env={**kept, **variables}, stdin=inner, stdout=inner, stderr=inner, start_new_session=True,
        )  # fmt: skip
        os.close(inner)
        self.shown = ""

    def until(self, words: str, seconds: float = 90) -> float:
        """Seconds until the words were shown."""
        started = time.monotonic()
        while words not in self.shown:
            assert time.monotonic() - started < seconds, self.shown
            if select.select([self.terminal], [], [], 0.2)[0]:
                try:
                    self.shown += os.read(self.terminal, 4096).decode()
                except OSError:
                    raise AssertionError(f"it ended:\n{self.shown}") from None
        return time.monotonic() - started

    def type(self, text: str) -> None:
        os.write(self.terminal, f"{text}\n".encode())

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(40)
        os.close(self.terminal)


def test_it_asks_for_the_licence_once_and_for_an_administrator(tmp_path):
    for parent in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        parent.chmod(0o755)
    # An empty home has no pack, and the proxy that nothing listens at keeps the download on this machine.
    variables = {"HOME": str(tmp_path), "HTTPS_PROXY": "http://127.0.0.1:9"}
    first = Terminal(tmp_path / "data", **variables)
    first.until("accept that licence? [y/N]")
    assert "non-commercial" in first.shown
    first.type("y")
    assert first.until("Using the fallback, dlib") < 10
    assert "could not be downloaded" in first.shown
    first.until("Name [admin]:")
    first.type("kim")
    first.until("Password:")
    first.type("short")
    first.until("too short")
    # What came in the same breath, perhaps the next question, stays to be read.
    first.shown = first.shown.partition("too short")[2]
    first.until("Password:")
    first.type("a-long-enough-secret")
    first.until("Sightline runs at")
    assert "a-long-enough-secret" not in first.shown
    first.stop()

    second = Terminal(tmp_path / "data", **variables)
    second.until("Sightline runs at")
    assert "licence" not in second.shown
    assert "Password" not in second.shown
    second.stop()
