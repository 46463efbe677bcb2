"""The client says that it is there, how its queue is and what it counted, and keeps what does not arrive."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from edge_client.over_http import Http
from edge_client.queue import DiskQueue
from edge_client.reporting import Reporter
from tests.listener import listening

AT = datetime(2026, 1, 1, 12, 0, 5, tzinfo=UTC)


@pytest.fixture
def server():
    with listening() as running:
        running.status = 204
        yield running


@pytest.fixture
def reporter(tmp_path, server) -> Reporter:
    queue = DiskQueue(tmp_path)
    queue.put(b"x", {"id": "1", "captured_at": AT.isoformat()})
    return Reporter(queue, Http(f"http://127.0.0.1:{server.server_port}", "cam_1"), "rtsp://user:secret@gate/1")


def said(server, number: int = -1) -> dict:
    return json.loads(server.got[number][1])


def test_it_works(reporter, server):
    reporter.saw(AT, [0.9, 0.8], 2)
    reporter.saw(AT + timedelta(seconds=1), [0.7], 0)
    reporter.saw(AT + timedelta(minutes=1), [], 0)
    reporter.report()
    report = said(server)
    assert (report["queue"], report["dropped"], report["looks_at"]) == (1, 0, "rtsp://gate/1")
    assert report["queue_seconds"] > 0
    # Only minutes that have ended.
    assert report["minutes"] == [
        {"minute": "2026-01-01T12:00:00+00:00", "frames": 2, "faces": 3, "most": 2, "tracks": 2, "score": 0.8}
    ]
    reporter.report()
    assert said(server)["minutes"] == []


def test_what_does_not_arrive_is_sent_again(reporter, server, caplog):
    reporter.saw(AT, [0.9], 1)
    reporter.saw(AT + timedelta(minutes=1), [0.9], 1)
    server.status = 503
    reporter.report()
    assert "answered with 503" in caplog.text
    server.status = 204
    reporter.report()
    assert len(said(server)["minutes"]) == 1


def test_a_server_that_is_away_or_older_stops_nothing(reporter, server, caplog):
    server.status = 404
    reporter.report()
    assert "older than this client" in caplog.text
    reporter._url = "http://127.0.0.1:9/"
    reporter.report()
    assert "did not arrive" in caplog.text


def test_at_the_end_the_minute_that_has_not_ended_goes_out_too(reporter, server):
    reporter.saw(AT, [0.9], 1)
    reporter.start()
    reporter.finish(ended=True)
    assert len(said(server)["minutes"]) == 1
    assert [said(server, number)["ended"] for number in (0, -1)] == [False, True]
    assert not reporter.is_alive()
