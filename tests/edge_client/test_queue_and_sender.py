"""The edge client keeps what it cannot send, sends it once the server is back, and sets aside what is refused."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from edge_client.over_http import Http
from edge_client.queue import DiskQueue
from edge_client.sender import Sender
from tests.listener import listening
from tests.product import ROOT

DETAILS = {"id": "1", "captured_at": "2026-01-01T00:00:00+00:00", "detection_score": 0.9, "box": "1,2,3,4"}


@pytest.fixture
def server():
    with listening() as running:
        yield running


@pytest.fixture
def queue(tmp_path) -> Iterator[DiskQueue]:
    made = DiskQueue(tmp_path / "queue")
    yield made
    made.close()


def put(queue: DiskQueue, *names: str) -> None:
    for number, name in enumerate(names):
        queue.put(name.encode(), {**DETAILS, "id": name, "captured_at": f"2026-01-01T00:00:{number % 60:02d}+00:00"})


def sender(queue, server, url=None) -> Sender:
    made = Sender(queue, Http(url or f"http://127.0.0.1:{server.server_port}", "cam_1"))
    made.start()
    return made


def test_it_works(queue, server):
    put(queue, "a", "b")
    assert sender(queue, server).finish(10)
    assert [headers["Authorization"] for headers, _ in server.got] == ["Bearer cam_1"] * 2
    assert b'name="captured_at"' in server.got[0][1]
    assert b"\r\n\r\na\r\n" in server.got[0][1]


def test_what_is_seen_now_is_sent_before_what_waited_for_days(queue):
    now = datetime.now(UTC)
    for name, at in (("a", now - timedelta(days=3)), ("b", now - timedelta(days=2)), ("c", now - timedelta(minutes=9)),
                     ("d", now)):  # fmt: skip
        queue.put(b"x", {**DETAILS, "id": name, "captured_at": at.isoformat()})
    assert [one.details["id"] for one in queue.first(3)] == ["c", "d", "a"]
    assert [one.details["id"] for one in queue.first(1)] == ["d"]
    for one in queue.first(3):
        queue.sent(one)
    assert [one.details["id"] for one in queue.first(3)] == ["b"]
    assert queue.waiting_since() == now - timedelta(days=2)


def test_what_waits_outlives_the_client_and_the_oldest_goes_first(queue, server, tmp_path):
    put(queue, "a", "b", "c")
    again = DiskQueue(tmp_path / "queue")
    assert len(again) == 3
    assert sender(again, server).finish(10)
    assert [next(n for n in (b"a", b"b", b"c") if b"\r\n\r\n" + n + b"\r\n" in body) for _, body in server.got] == [
        b"a",
        b"b",
        b"c",
    ]


def test_nothing_is_lost_while_the_server_is_away(queue, server):
    put(queue, "a")
    assert not sender(queue, server, "http://127.0.0.1:9").finish(1)
    assert len(queue) == 1
    server.status = 503
    assert not sender(queue, server).finish(1)
    assert len(queue) == 1
    server.status = 202
    assert sender(queue, server).finish(10)


def test_a_token_that_is_not_accepted_keeps_everything(queue, server, caplog):
    put(queue, "a")
    server.status = 401
    assert not sender(queue, server).finish(1)
    assert len(queue) == 1
    assert "does not accept the token" in caplog.text


def test_what_the_server_refuses_is_set_aside_with_the_reason(queue, server):
    put(queue, "a", "b")
    server.status = 400
    assert sender(queue, server).finish(10)
    assert queue.refused == ["because", "because"]
    assert len(queue) == 0


def test_a_full_queue_drops_the_oldest_says_so_and_counts_it(tmp_path, caplog):
    queue = DiskQueue(tmp_path, limit=2)
    put(queue, "a", "b", "c")
    assert len(queue) == 2
    assert queue.first()[0].details["id"] == "b"
    assert "the queue is full" in caplog.text
    assert DiskQueue(tmp_path, limit=2).dropped == 1


def test_a_full_queue_keeps_the_best_picture_of_each_and_the_newest(tmp_path):
    queue = DiskQueue(tmp_path, limit=3)
    for name, track, goodness in (("a1", "a", 0.9), ("b1", "b", 0.2), ("b2", "b", 0.8), ("c1", "c", 0.1)):
        queue.put(name.encode(), {**DETAILS, "id": name}, track, goodness)
    kept = []
    while found := queue.first():
        (entry,) = found
        kept.append(entry.details["id"])
        queue.sent(entry)
    assert kept == ["a1", "b2", "c1"]


def test_it_is_limited_in_bytes_too(tmp_path):
    queue = DiskQueue(tmp_path, most_bytes=250)
    for number in range(4):
        queue.put(b"x" * 100, {**DETAILS, "id": str(number)})
    assert (len(queue), queue.first()[0].details["id"]) == (2, "2")


def test_the_same_face_put_twice_waits_once(queue):
    put(queue, "a")
    put(queue, "a")
    assert len(queue) == 1


def test_while_the_disk_takes_nothing_faces_wait_in_memory_and_go_out(queue, server, caplog):
    queue._database.execute("PRAGMA query_only = ON")
    put(queue, "a", "b")
    assert len(queue) == 2
    assert "takes nothing" in caplog.text
    assert sender(queue, server).finish(10)
    assert len(server.got) == 2
    put(queue, "c")
    queue._database.execute("PRAGMA query_only = OFF")
    assert queue.first()[0].details["id"] == "c"
    assert len(DiskQueue(queue.folder)) == 1


def test_what_an_older_client_left_as_files_is_taken_over(tmp_path, server):
    (tmp_path / "1.jpg").write_bytes(b"old")
    (tmp_path / "1.json").write_text(json.dumps({**DETAILS, "id": "old"}))
    (tmp_path / "2.json").write_text("{")
    queue = DiskQueue(tmp_path)
    assert [path.name for path in tmp_path.glob("*.json")] == ["2.json"]
    assert sender(queue, server).finish(10)
    assert b"\r\n\r\nold\r\n" in server.got[0][1]


def test_killed_at_any_moment_what_was_put_is_there(tmp_path):
    """Put by a process that is killed without warning in the middle of it."""
    script = (
        "import sys; from pathlib import Path; from edge_client.queue import DiskQueue\n"
        "queue = DiskQueue(Path(sys.argv[1]))\n"
        "for n in range(100000):\n"
        "    queue.put(b'x' * 5000, {'id': str(n), 'captured_at': '2026-01-01T00:00:00+00:00'})\n"
        "    print(n, flush=True)"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    last = 0
    for line in writer.stdout:
        last = int(line)
        if last == 50:
            break
    writer.kill()
    writer.wait()
    writer.stdout.close()
    queue = DiskQueue(tmp_path)
    assert len(queue) > last
    assert queue.first()[0].details["id"] == "0"


def test_several_that_wait_go_together_and_each_has_its_own_answer(queue, server):
    put(queue, "a", "b", "c")
    results = [{"id": "a", "accepted": True}, {"id": "b", "accepted": False, "detail": "no picture"}]
    server.batch = json.dumps({"results": [*results, {"id": "c", "accepted": True}]}).encode()
    assert sender(queue, server).finish(10)
    assert len(server.got) == 1
    assert b'name="a"; filename=' in server.got[0][1]
    assert queue.refused == ["no picture"]


@pytest.mark.parametrize("answer", [b"<html>sign in to the hotel's network</html>", b"{}", b'{"results": [7]}', b"[]"])
def test_what_answers_and_is_no_sightline_takes_nothing(queue, server, answer, caplog):
    put(queue, "a", "b")
    server.batch = answer
    assert not sender(queue, server).finish(1)
    assert len(queue) == 2
    assert "no Sightline" in caplog.text


def test_one_that_spoils_the_batch_is_told_what_is_wrong_and_the_others_go(queue, server):
    put(queue, "a", "b")
    server.batch = b"because"
    server.status = 400
    assert sender(queue, server).finish(10)
    assert queue.refused == ["because", "because"]


def test_a_damaged_queue_is_set_aside_and_a_new_one_begun(tmp_path, caplog):
    folder = tmp_path / "queue"
    folder.mkdir()
    (folder / "queue.sqlite3").write_bytes(b"this was a queue" * 1000)
    made = DiskQueue(folder)
    put(made, "a")
    assert len(made) == 1
    assert "is damaged" in caplog.text
    assert len(list(folder.glob("damaged-*.sqlite3"))) == 1
    made.close()


def test_where_no_queue_can_be_opened_faces_wait_in_memory(tmp_path, caplog):
    (tmp_path / "file").write_text("no folder")
    made = DiskQueue(tmp_path / "file" / "queue")
    put(made, "a", "b")
    assert [entry.details["id"] for entry in made.first(5)] == ["a", "b"]
    put(made, *[str(number) for number in range(200)])
    assert len(made) == 100, "memory is small"
    assert "cannot be opened" in caplog.text
    made.close()
