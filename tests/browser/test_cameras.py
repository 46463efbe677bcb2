"""Cameras in a real browser: looked through, paired, placed on a plan; and the phone that is a camera itself."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import pytest
from playwright.sync_api import Browser, Page, expect

from tests import faces
from tests.browser.conftest import CHROMIUM, OPTIONS, sign_in
from tests.edge_client.test_line import camera, client, group, report_of, street, wait_until  # noqa: F401
from tests.onvif import onvif_camera
from tests.product import Product

SIZES = [(1440, 900), (390, 844)]


@pytest.fixture(scope="module")
def phone(browser, tmp_path_factory) -> Iterator[Browser]:
    """A browser whose camera sees the group photo."""
    seen = tmp_path_factory.mktemp("phone") / "seen.mjpeg"
    jpeg = cv2.imencode(".jpg", group(), [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    seen.write_bytes(jpeg * 10)
    fake = [
        "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={seen}",
    ]  # fmt: skip
    started = browser.browser_type.launch(executable_path=CHROMIUM, args=[*OPTIONS, *fake])
    yield started
    started.close()


@contextmanager
def opened(browser: Browser, product: Product, size: tuple[int, int] = (390, 844)) -> Iterator[Page]:
    """A page that has signed in. A script error anywhere fails the test."""
    context = browser.new_context(
        base_url=product.url, viewport={"width": size[0], "height": size[1]},
        permissions=["camera"],
    )  # fmt: skip
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    sign_in(page)
    yield page
    context.close()
    assert errors == []


@pytest.mark.parametrize("size", SIZES)
def test_a_camera_is_looked_through_and_nothing_comes_after(browser, product, camera, street, tmp_path, size):  # noqa: F811
    with client(product, camera, tmp_path / "edge", street.url) as log:
        wait_until(lambda: report_of(product, camera), log)
        with opened(browser, product, size) as page:
            page.goto(f"/cameras/{camera['id']}/")
            expect(page.locator("#live-picture")).to_be_hidden()
            page.click("#look")
            expect(page.locator("#live-picture")).to_be_visible(timeout=90_000)
            expect(page.locator("#live-note")).to_contain_text(re.compile(r"[4-6] faces"))
            page.click("#test-picture")
            expect(page.locator("#live-note")).to_contain_text("Test picture of", timeout=90_000)
            expect(page.locator("#live-faces li").first).to_contain_text("pixels wide, detected with")
            page.click("#look")
            expect(page.locator("#live-picture")).to_be_hidden()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_camera_is_found_in_the_network_and_shown_before_it_is_saved(browser, product, street, size):  # noqa: F811
    """By its own words, with the password that is typed; the form then holds its address, and the page its picture."""
    with onvif_camera(main=(street.url, 1280, 720)) as found, opened(browser, product, size) as page:
        page.goto("/cameras/")
        page.get_by_text("Find a camera in this network").click()
        page.get_by_label("Address of the camera").fill(found.url.removeprefix("http://"))
        page.get_by_role("button", name="Look", exact=True).click()
        expect(page.locator("#found")).to_contain_text("asks for a name and password")
        page.get_by_label("Its user").fill(found.user)
        page.get_by_label("Its password").fill(found.password)
        page.get_by_role("button", name="Look", exact=True).click()
        page.get_by_role("button", name="Use").click()
        expect(page.locator("#add [name=source]")).to_have_value(street.url.replace("//", "//viewer:pass%2Fword@"))
        expect(page.locator("#tried img")).to_be_visible()
        assert found.password not in page.content()


def test_a_camera_whose_client_is_away_says_so_instead_of_a_picture(browser, product, camera):  # noqa: F811
    with opened(browser, product) as page:
        page.goto(f"/cameras/{camera['id']}/")
        page.click("#look")
        expect(page.locator("#live-note")).to_contain_text("No picture comes", timeout=90_000)


def test_a_camera_is_placed_on_a_plan_by_pressing_it(browser, product, camera, tmp_path):  # noqa: F811
    with opened(browser, product, SIZES[0]) as page:
        page.goto("/cameras/plans/")
        page.fill("#id_name", f"Floor {camera['id']}")
        page.set_input_files(
            "#id_image", files=[{"name": "p.png", "mimeType": "image/png", "buffer": faces.astronaut()}]
        )
        page.click("button.main")
        page.select_option("#place-camera", label=camera["name"])
        expect(page.locator("#place-note")).to_have_text("Now press its place on the plan.")
        expect(page.locator("#plan img")).to_have_js_property("complete", True)
        box = page.locator("#plan").bounding_box()
        page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + 200)
        expect(page.locator(".pin")).to_contain_text(camera["name"])
        pin = page.locator(".pin").bounding_box()
        assert abs(pin["x"] + 10 - box["x"] - box["width"] * 0.5) < 6


@pytest.mark.parametrize("size", SIZES)
def test_a_phone_walks_and_meets_somebody(phone, product, size):
    with opened(phone, product, size) as page:
        page.goto("/cameras/")
        page.click("text=Walk with this phone")
        page.fill("#id_purpose", "tip 4711")
        page.fill("#id_place", "Old Mill Road")
        page.click("button.main")
        expect(page.locator("#walk-left")).to_contain_text(re.compile(r"(29|30):\d\d left"))
        page.click("#walk-start")
        expect(page.locator("#walk-note")).to_contain_text("faces in the last frame", timeout=90_000)
        expect(page.locator("#walk-alerts .alert").first).to_be_visible(timeout=90_000)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.context.set_offline(True)
        expect(page.locator("#walk-note")).to_contain_text("No network", timeout=90_000)
        page.context.set_offline(False)
        expect(page.locator("#walk-note")).to_contain_text("could not be sent", timeout=90_000)
        page.click("text=End the walk")
        expect(page.locator("h2", has_text="Whom the last walk met")).to_be_visible()


def test_a_phone_that_may_not_use_its_camera_says_what_to_do(browser, product):
    with opened(browser, product) as page:
        page.context.grant_permissions(["geolocation"])
        page.goto("/walk/")
        page.fill("#id_purpose", "x")
        page.fill("#id_place", "y")
        page.click("button.main")
        page.click("#walk-start")
        expect(page.locator("#walk-note")).to_contain_text(re.compile("may not be used|No camera can be used"))
        page.click("text=End the walk")


def test_a_photo_taken_on_the_spot_is_searched_at_once_when_its_purpose_is_known(browser, product):
    with opened(browser, product) as page:
        page.goto("/search/")
        page.fill("#id_purpose", "tip 4711")
        for _ in range(2):
            with page.expect_file_chooser() as chooser:
                page.click("#take")
            chooser.value.set_files(files=[{"name": "p.jpg", "mimeType": "image/jpeg", "buffer": faces.person(1)}])
            page.wait_for_url(re.compile(r"/search/[0-9a-f-]{36}/"))
            page.goto("/search/")
            assert page.input_value("#id_purpose") == "tip 4711", "for the next photo of the round"


def test_without_a_network_the_app_says_so_and_shows_nothing_kept(browser, product):
    with opened(browser, product) as page:
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        page.reload()
        page.context.set_offline(True)
        page.goto("/cases/")
        expect(page.locator("h1")).to_have_text("No network")
        page.context.set_offline(False)
