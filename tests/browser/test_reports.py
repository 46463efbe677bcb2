"""Questions asked in a real browser: chosen, drawn, taken along, kept and removed."""

import csv
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import until


@pytest.mark.parametrize(("size", "scheme"), [((1440, 900), "light"), ((390, 844), "dark")], ids=str)
def test_a_question_is_asked_drawn_kept_and_removed(page: Page, size, scheme):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=scheme)
    page.goto("/reports/")
    page.get_by_label("What is counted").select_option("cases")
    expect(page.get_by_role("columnheader", name="Cases")).to_be_visible()
    expect(page.locator("#report-chart canvas")).to_be_visible()
    page.get_by_label("By", exact=True).select_option("collection")
    expect(page.locator("tbody").first).to_contain_text("Demo")
    until(page, "location.search.includes('by=collection')")
    # Another thing has other groups: what was chosen of the first is asked of it no more.
    page.get_by_label("What is counted").select_option("captures")
    expect(page.get_by_label("By", exact=True)).to_have_value("")
    expect(page.get_by_role("alert")).to_have_count(0)
    page.get_by_label("What is counted").select_option("cases")
    expect(page.get_by_label("By", exact=True).locator("option[value=collection]")).to_have_count(1)
    # Two at once: none of them is lost.
    page.get_by_label("By", exact=True).select_option("collection")
    page.get_by_label("Over time").select_option("")
    expect(page.locator("td.bar meter").first).to_be_visible()
    expect(page.locator("#report-chart")).to_have_count(0)
    with page.expect_download() as taken:
        page.get_by_role("link", name="CSV").click()
    rows = list(csv.DictReader(Path(taken.value.path()).read_text().splitlines()))
    assert "Demo" in [row["Collection"] for row in rows]
    name = f"Cases by collection {size} {scheme}"
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Keep").click()
    page.locator("#kept").get_by_role("link", name=name).click()
    expect(page.locator("tbody").first).to_contain_text("Demo")
    page.locator("#kept tr", has_text=name).get_by_role("button", name="Remove").click()
    expect(page.locator("#kept")).not_to_contain_text(name)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_cannot_be_asked_is_said_beside_its_field(page: Page):
    page.goto("/reports/?subject=cases&since=2026-05-09&until=2026-05-01")
    expect(page.get_by_text("The last day is before the first.")).to_be_visible()
    page.goto("/reports/?subject=cases&near=Nowhere%20Atall")
    expect(page.get_by_text("No town is known as")).to_be_visible()
