"""The edge client keeps what it cannot send, sends it once the server is back, and sets aside what is refused."""

import pytest

from edge_client.queue import DiskQueue
from edge_client.sender import Sender
from tests.listener import listening

DETAILS = {"id": "1", "captured_at": "2026-01-01T00:00:00+00:00", "detection_score": 0.9, "box": "1,2,3,4"}


@pytest.fixture
def server():
    with listening() as running:
        yield running


@pytest.fixture
def queue(tmp_path) -> DiskQueue:
    return DiskQueue(tmp_path / "queue")


def put(queue: DiskQueue, *names: str) -> None:
    for number, name in enumerate(names):
        queue.put(name.encode(), {**DETAILS, "id": name, "captured_at": f"2026-01-01T00:00:0{number}+00:00"})


def sender(queue, server, url=None) -> Sender:
    made = Sender(queue, url or f"http://127.0.0.1:{server.server_port}", "cam_1")
    made.start()
    return made


def test_it_works(queue, server):
    put(queue, "a", "b")
    assert sender(queue, server).finish(10)
    assert [headers["Authorization"] for headers, _ in server.got] == ["Bearer cam_1"] * 2
    assert b'name="captured_at"' in server.got[0][1]
    assert b"\r\n\r\na\r\n" in server.got[0][1]


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
    assert sorted(p.suffix for p in queue.refused.iterdir()) == [".jpg", ".jpg", ".json", ".json", ".txt", ".txt"]
    assert next(queue.refused.glob("*.txt")).read_text() == "because"


def test_a_full_queue_drops_the_oldest_and_says_so(tmp_path, caplog):
    queue = DiskQueue(tmp_path, limit=2)
    put(queue, "a", "b", "c")
    assert len(queue) == 2
    assert queue.oldest().details["id"] == "b"
    assert "the queue is full" in caplog.text


def test_a_broken_entry_does_not_stop_the_others(queue, server):
    (queue.folder / "0.json").write_text("{")
    put(queue, "a")
    assert sender(queue, server).finish(10)
    assert len(server.got) == 1
