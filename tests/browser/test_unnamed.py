"""People nobody has named, as an investigator meets them: one joins while the page is open, split, merged, marked."""

import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from tests import faces
from tests.browser.conftest import press
from tests.browser.test_accessibility import faults
from tests.browser.test_live_alert import _named as collection_named
from tests.product import Product


@pytest.fixture
def gate(product: Product) -> Iterator[str]:
    """The token of a camera whose faces resemble nobody, while unnamed people are kept together."""
    api = product.api()
    demo = f"{product.url}api/v1/collections/{collection_named(api, product, 'Demo')}/"
    level = api.get(demo, timeout=60).json()["alert_level"]
    api.patch(demo, {"alert_level": "off", "unnamed_days": 10}, timeout=60)
    made = api.post(f"{product.url}api/v1/cameras/", {"name": "Unnamed gate"}, timeout=60).json()
    yield made["token"]
    api.patch(demo, {"alert_level": level, "unnamed_days": 0}, timeout=60)


def send(product: Product, token: str, number: int) -> None:
    answer = product.api().post(
        f"{product.url}api/v1/captures/",
        data={
            "id": str(uuid.uuid4()),
            "captured_at": datetime.now(UTC).isoformat(),
            "detection_score": 0.9,
        },
        files={"image": ("face.jpg", faces.person(number), "image/jpeg")},
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
    )
    assert answer.status_code == 202, answer.text


def reloaded(page: Page, path: str, what: str, count: int) -> None:
    """Open a page again and again until it shows so many: a worker is on its way."""
    deadline = time.monotonic() + 60
    while True:
        page.goto(path)
        if page.locator(what).count() == count:
            return
        assert time.monotonic() < deadline, page.inner_text("main")
        page.wait_for_timeout(300)


def test_it_works(page: Page, product: Product, gate):
    # The one seen last stands first, whichever of the captures a worker has looked at by then.
    for number in (4, 3, 3):
        send(product, gate, number)
    reloaded(page, "/unnamed/", "article", 2)
    page.locator("article").first.get_by_role("link").click()
    person = page.url
    reloaded(page, person, ".picked img", 2)
    # While somebody chooses among the faces another one comes: the page shows it, and the choice stays.
    page.locator(".picked input").last.check()
    chosen = page.locator(".picked input:checked").get_attribute("value")
    send(product, gate, 3)
    expect(page.locator(".picked img")).to_have_count(3, timeout=60_000)
    expect(page.locator("main")).to_contain_text("Seen 1 time at 1 camera")
    assert page.locator(".picked input:checked").get_attribute("value") == chosen
    page.locator(".picked input:checked").uncheck()
    page.get_by_role("button", name="The chosen faces show somebody else").click()
    expect(page.locator("main")).to_contain_text("Choose the faces that show somebody else")
    page.locator(".picked input").first.focus()
    press(page, "Space")
    page.get_by_role("button", name="The chosen faces show somebody else").click()
    expect(page.locator(".picked img")).to_have_count(2)
    alike = page.locator("article", has=page.get_by_role("button", name="They are one"))
    alike.get_by_role("button").first.click()
    expect(page.locator(".picked img")).to_have_count(3)
    page.get_by_role("button", name="Take apart again").click()
    expect(page.locator(".picked img")).to_have_count(2)
    page.select_option("[name=mark]", "interest")
    page.fill("[name=note]", "Asked for the time")
    page.get_by_role("button", name="Keep").click()
    expect(page.locator(".head .status")).to_have_text("Of interest")
    for width, scheme in ((1440, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        for path in (person, "/unnamed/?who=interest", "/unnamed/visits/"):
            page.goto(path)
            assert faults(page) == []
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
