"""axe-core finds no serious fault on any page, at both widths, light and dark."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests import faces
from tests.browser.test_examining import search
from tests.product import Product

PAGES = [
    "/alerts/?status=all", "/search/", "/search/history/", "/batches/", "/leads/?list=confirmed", "/standing/",
    "/cases/", "/cases/1/", "/cases/1/seen/", "/cases/1/time/", "/places/time/",
    "/cases/1/seen/?purpose=x", "/cases/new/", "/collections/", "/collections/1/edit/", "/worklists/",
    "/imports/", "/cameras/", "/cameras/plans/", "/cameras/places/", "/map/", "/walk/", "/offline/", "/system/",
    "/system/accuracy/", "/system/model/", "/system/keeping/", "/system/capacity/",
    "/system/servers/", "/subscriptions/new/", "/handover/", "/tasks/",
    "/unnamed/", "/unnamed/visits/", "/reports/sql/", "/reports/?subject=cases&step=day",
    "/reports/?subject=cases&by=collection", "/evaluations/",
]  # fmt: skip


def faults(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{page.url}: {fault['id']}: {node['target']}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]


# Each width and each scheme once: what a width shows has the same colours at the other.
@pytest.mark.parametrize(("width", "height", "scheme"), [(1440, 900, "dark"), (390, 844, "light")])
def test_no_page_has_a_serious_fault(page: Page, product: Product, width, height, scheme):
    api = product.api()
    api.post(f"{product.url}api/v1/cameras/", {"name": "Looked at by axe"}, timeout=60)
    camera = api.get(f"{product.url}api/v1/cameras/", timeout=60).json()["results"][0]["id"]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)
    search(page, faces.GROUP.read_bytes(), f"{scheme} {width}")
    seen = page.get_by_role("link", name="Seen before?").get_attribute("href")
    found = faults(page)
    camera_pages = [f"/cameras/{camera}/{part}" for part in ("", "edit/", "settings/", "time/")]
    for path in [*PAGES, str(seen), *camera_pages]:
        assert page.goto(path).status == 200, path
        page.wait_for_load_state("load")
        found += faults(page)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
    assert found == []
