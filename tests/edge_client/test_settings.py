"""What the client runs: its own options, and over them what the server asks."""

from datetime import UTC, datetime

import pytest

from edge_client.settings import LiveSettings, Settings


def at(hour: int) -> datetime:
    return datetime(2026, 1, 1, hour, tzinfo=UTC)


def test_it_works():
    settings = LiveSettings(Settings(fps=2, min_size=20))
    assert settings.take_up({"fps": 5, "zones": [[0, 0, 1, 0.5]], "preview": True})
    assert (settings.now.fps, settings.now.min_size) == (5, 20)
    assert not settings.take_up({"fps": 5, "zones": [[0, 0, 1, 0.5]]}), "nothing changed"
    settings.take_up({})
    assert settings.now == settings.own, "what is no longer asked is as it was started"


@pytest.mark.parametrize(
    "asked", [{"fps": 0}, {"fps": "x"}, {"min_score": 7}, {"zones": [[1]]}, {"zones": 3}, {"sleep": ["x", "y"]}]
)
def test_what_is_not_understood_is_said_and_the_rest_taken_up(asked):
    settings = LiveSettings(Settings())
    settings.take_up({**asked, "min_size": 30, "something newer": 1})
    assert settings.now == Settings(min_size=30)
    assert "is not understood" in settings.problem
    settings.take_up({})
    assert settings.problem == ""


@pytest.mark.parametrize(
    ("sleep", "hour", "asleep"),
    [
        (("22:00", "06:00"), 23, True), (("22:00", "06:00"), 5, True), (("22:00", "06:00"), 6, False),
        (("08:00", "18:00"), 12, True), (("08:00", "18:00"), 20, False), (None, 3, False),
    ],
)  # fmt: skip
def test_it_sleeps_by_the_hours_over_midnight_too(sleep, hour, asleep):
    assert Settings(sleep=sleep, time_zone="UTC").is_asleep(at(hour)) == asleep


def test_hours_are_those_of_the_server_where_the_device_knows_them():
    assert Settings(sleep=("12:00", "13:00"), time_zone="Asia/Tokyo").is_asleep(at(3))
    Settings(sleep=("12:00", "13:00"), time_zone="Nowhere/None").is_asleep(at(3))


def test_a_client_that_shows_nothing_shows_nothing_whoever_asks():
    settings = LiveSettings(Settings(), may_preview=False)
    settings.take_up({"preview": True})
    assert not settings.now.preview
