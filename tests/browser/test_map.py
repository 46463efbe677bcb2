"""The map in a real browser, without a GPU: alerts come live, a list says the same, a day is played."""

import re
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests import faces
from tests.browser.test_accessibility import faults
from tests.browser.test_cameras import opened
from tests.product import Product

LISBON = {"latitude": 38.72, "longitude": -9.14}


def placed(product: Product, name: str, where: dict[str, float]) -> Iterator[dict[str, Any]]:
    """A camera, which is taken away again."""
    api = product.api()
    said = {"name": f"{name} {uuid.uuid4().hex[:6]}", **where}
    made = api.post(f"{product.url}api/v1/cameras/", json=said, timeout=60).json()
    yield made
    api.post(f"{product.url}api/v1/cameras/{made['id']}/revoke/", timeout=60).raise_for_status()


@pytest.fixture
def gate(product: Product) -> Iterator[dict[str, Any]]:
    yield from placed(product, "Lisbon", LISBON)


@pytest.fixture
def quay(product: Product) -> Iterator[dict[str, Any]]:
    yield from placed(product, "Quay", {"latitude": 38.73, "longitude": -9.13})


@pytest.fixture
def bridge(product: Product) -> Iterator[dict[str, Any]]:
    """So far away that no map shows it that is near the gate; of the whole world the two are one point."""
    yield from placed(product, "Valencia", {"latitude": 39.47, "longitude": -0.38})


def sends(product: Product, gate: dict[str, Any], number: int) -> None:
    said = {"id": str(uuid.uuid4()), "captured_at": timezone.now().isoformat(), "detection_score": "0.95"}
    answer = requests.post(
        f"{product.url}api/v1/captures/", files={"image": faces.person(number)}, data=said,
        headers={"Authorization": f"Bearer {gate['token']}"}, timeout=60,
    )  # fmt: skip
    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_an_alert_appears_on_the_map_by_itself_and_leads_to_its_page(browser, product, gate, size):
    with opened(browser, product, size) as page:
        page.goto("/map/")
        expect(page.locator("#map .land").first).to_be_attached()
        mark = page.get_by_role("button", name=gate["name"])
        expect(mark.first).to_be_visible()
        expect(page.locator("#map-live.on")).to_be_visible()
        near(page, gate)
        sends(product, gate, 1)
        alert = page.locator(".mark.alerts")
        expect(alert).to_have_count(1)
        expect(page.locator("#map-list")).to_contain_text(gate["name"])
        alert.press("Enter")
        expect(page).to_have_url(re.compile(r"/alerts/\d+/"))


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_at_first_it_shows_all_that_there_is(browser, product, gate, bridge, size):
    with opened(browser, product, size) as page:
        page.goto("/map/")
        for name in (gate["name"], bridge["name"]):
            expect(page.get_by_role("button", name=name).first).to_be_visible()
            expect(page.locator("#map-list")).to_contain_text(name)


@pytest.fixture
def hall(product: Product, gate: dict[str, Any], quay: dict[str, Any]) -> Iterator[str]:
    """The number of a plan, on which the two cameras stand."""
    person = product.browser()
    person.headers.update({"X-CSRFToken": person.cookies["csrftoken"], "Referer": product.url})
    said, picture = {"name": f"The hall {uuid.uuid4().hex[:6]}"}, {"image": ("plan.jpg", faces.person(0))}
    made = person.post(f"{product.url}cameras/plans/", said, files=picture, timeout=60)
    for camera, x in ((gate, 0.2), (quay, 0.8)):
        person.post(made.url, {"camera": camera["id"], "x": x, "y": 0.5}, timeout=60).raise_for_status()
    yield made.url.rstrip("/").rpartition("/")[2]
    person.post(f"{made.url}remove/", timeout=60).raise_for_status()


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_indoors_the_map_is_a_plan_of_the_site(browser, product, gate, quay, hall, size):
    with opened(browser, product, size) as page:
        page.goto("/map/")
        page.get_by_label("Where").select_option(hall)
        picture = page.locator("#map img.site-plan")
        expect(picture).to_be_visible()
        expect(page.locator(".mark.cameras")).to_have_count(2)
        expect(page.get_by_label("Last seen", exact=True)).to_have_count(0)
        expect(page.locator("#map-live.on")).to_be_visible()
        sends(product, gate, 1)
        alert = page.locator(".mark.alerts")
        expect(alert).to_have_count(1)
        seen, mark = picture.bounding_box(), page.get_by_role("button", name=gate["name"]).first.bounding_box()
        assert mark["x"] + mark["width"] / 2 == pytest.approx(seen["x"] + 0.2 * seen["width"], abs=3)
        assert mark["y"] + mark["height"] / 2 == pytest.approx(seen["y"] + 0.5 * seen["height"], abs=3)
        assert faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        alert.press("Enter")
        expect(page).to_have_url(re.compile(r"/alerts/\d+/"))
        page.get_by_role("link", name="On the plan").click()
        expect(page.locator(".mark.cameras")).to_have_count(1)
        expect(page.locator(".route li")).to_have_count(1)
        page.get_by_label("Where").select_option(label="The world")
        expect(page.locator("#map .land").first).to_be_attached()


def test_a_plan_whose_picture_is_lost_shows_all_the_same_what_stands_on_it(browser, product, hall):
    with opened(browser, product, (1440, 900)) as page:
        page.route("**/picture/", lambda route: route.abort())
        page.goto(f"/map/?plan={hall}")
        expect(page.locator(".mark.cameras")).to_have_count(2)
        expect(page.locator("#map-note")).to_contain_text("could not be loaded")


def near(page: Page, gate: dict[str, Any]) -> None:
    """By the list, which whoever uses no mouse has."""
    page.locator("#map-list li", has_text=gate["name"]).first.locator("button").press("Enter")
    expect(page.locator(".mark.cameras")).to_have_count(1)


SLOWLY = """() => {
  const text = Response.prototype.text;
  Response.prototype.text = async function () {
    const said = await text.call(this);
    await new Promise((done) => setTimeout(done, 800));
    return said;
  };
}"""


def test_an_answer_that_comes_late_is_not_shown_over_a_later_one(browser, product, gate):
    with opened(browser, product, (1440, 900)) as page:
        page.goto("/map/")
        near(page, gate)
        page.evaluate(SLOWLY)
        first, *others = page.locator("#map-form [name=show]").all()
        with page.expect_response(re.compile("/map/list/")):
            first.uncheck()
        for chosen in others:
            chosen.uncheck()
        page.wait_for_timeout(1500)
        expect(page.locator("#map-note")).to_contain_text("Nothing is chosen")
        expect(page.locator("#map-list li")).to_have_count(0)


def test_what_is_shown_is_chosen_and_a_day_is_played(browser, product, gate):
    sends(product, gate, 2)
    with opened(browser, product, (1440, 900)) as page:
        page.goto("/map/")
        near(page, gate)
        expect(page.locator(".mark.alerts")).to_have_count(1)
        page.get_by_label("Alerts", exact=True).uncheck()
        expect(page.locator(".mark.alerts")).to_have_count(0)
        page.get_by_label("Cameras", exact=True).uncheck()
        expect(page.locator(".mark.cameras")).to_have_count(0)
        page.get_by_label("Alerts", exact=True).check()
        expect(page.locator(".mark.alerts")).to_have_count(1)
        page.click("#play summary")
        page.fill("#play-day", "2001-01-01")
        page.locator("#play-day").dispatch_event("change")
        expect(page.locator(".mark.alerts")).to_have_count(0)
        expect(page.locator("#map-note")).to_contain_text("Nothing")
        page.click("#play-button")
        expect(page.locator("#play-button")).to_have_text("Pause")
        expect(page.locator("#play-said")).not_to_have_text("24:00")
        page.click("#play-end")
        expect(page.locator(".mark.alerts")).to_have_count(1)
        for word in ("Alerts", "Sightings", "Last seen", "Photos", "Searched pictures", "Pictures of batches"):
            page.get_by_label(word, exact=True).uncheck()
        expect(page.locator("#map-note")).to_contain_text("Nothing is chosen")


def test_a_map_that_cannot_be_filled_says_so_and_is_filled_when_it_can(browser, product, gate):
    with opened(browser, product, (1440, 900)) as page:
        page.goto("/map/")
        near(page, gate)
        page.route("**/api/v1/map/**", lambda route: route.abort())
        page.locator(".leaflet-control-zoom-out").click()
        expect(page.locator("#map-note")).to_contain_text("could not be filled")
        page.unroute("**/api/v1/map/**")
        page.locator(".leaflet-control-zoom-in").click()
        expect(page.locator("#map-note")).to_have_text("")


def test_a_place_is_picked_instead_of_typed(browser, product, gate):
    with opened(browser, product, (390, 844)) as page:
        page.goto(f"/cameras/{gate['id']}/edit/")
        page.click("#pick summary")
        expect(page.locator("#pick-map .mark")).to_have_count(1)
        page.locator("#pick-map").click(position={"x": 60, "y": 200})
        picked = page.input_value("[name=latitude]"), page.input_value("[name=longitude]")
        assert picked != ("38.72", "-9.14")
        expect(page.locator("#pick-said")).to_have_text(", ".join(str(float(side)) for side in picked))
        page.press("#pick-map", "ArrowRight")
        page.click("#pick-middle")
        assert (page.input_value("[name=latitude]"), page.input_value("[name=longitude]")) != picked
        page.click("button.main")
        expect(page.locator("h1")).to_have_text(gate["name"])


def alert_of(product: Product, gate: dict[str, Any]) -> int:
    """The number of the camera's first alert, once a worker has raised it."""
    deadline = time.monotonic() + 60
    while not (found := [one["id"] for one in product.alerts() if one["camera"] == gate["id"]]):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return int(found[0])


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_a_time_line_is_looked_at_nearer_and_nearer_by_keys(browser, product, gate, size):
    sends(product, gate, 4)
    alert_of(product, gate)
    with opened(browser, product, size) as page:
        page.goto(f"/cameras/{gate['id']}/")
        page.get_by_role("link", name="All it saw, over time").click()
        expect(page.locator(".moments li")).to_have_count(2)
        assert faults(page) == []
        page.fill("[name=since]", "2020-01-01T00:00")
        page.get_by_role("button", name="Show").click()
        expect(page.get_by_text("A bar is a month")).to_be_visible()
        page.locator(".chart a").last.press("Enter")
        expect(page.get_by_text(re.compile("A bar is (?!a month)"))).to_be_visible()
        expect(page.locator(".moments li")).to_have_count(2)
        page.fill("[name=since]", "2020-01-01T00:00:00")
        page.fill("[name=until]", "2020-02-01T00:00:00")
        page.get_by_role("button", name="Show").click()
        expect(page.get_by_text("Nothing in this time.")).to_be_visible()
        page.get_by_role("link", name="All", exact=True).click()
        expect(page.locator(".moments li")).to_have_count(2)


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_a_search_plan_says_where_to_look_first_and_becomes_tasks(browser, product, gate, quay, size):
    sends(product, gate, 3)
    with opened(browser, product, size) as page:
        page.goto(f"/alerts/{alert_of(product, gate)}/")
        page.get_by_role("link", name="Where to look next").click()
        expect(page.locator("#around-map .mark.sightings")).to_have_count(1)
        expect(page.locator("#around-map path.reach").first).to_be_attached()
        there = page.locator(".search-plan li", has_text=quay["name"])
        expect(there).to_contain_text("north-east")
        expect(there.get_by_text("Looked through by")).to_be_hidden()
        assert faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        page.locator("#around-map").get_by_role("button", name=re.compile(quay["name"])).press("Enter")
        expect(there).to_be_in_viewport()
        there.get_by_role("button", name="Make it a task").click()
        expect(there.get_by_role("button", name="On the case's list of tasks")).to_be_disabled()
        page.emulate_media(media="print")
        expect(there.get_by_text("Looked through by")).to_be_visible()
        page.emulate_media(media="screen")
        page.goto("/tasks/?list=nobody")
        expect(page.get_by_text(f"Look through {quay['name']}").first).to_be_visible()
