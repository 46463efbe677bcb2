"""What lies around the work: tabs, menus, forms, at a desk and on a phone."""

import pytest
from playwright.sync_api import Page, expect


def test_on_a_phone_the_tab_one_is_on_is_in_sight_and_the_menu_says_what_it_is(page: Page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/system/servers/")
    tab = page.locator(".chips [aria-current]")
    expect(tab).to_have_text("Message servers")
    box = tab.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    for words in ("Theme", "Sign out"):
        expect(page.locator(".rail .account").get_by_text(words)).to_be_visible()


@pytest.mark.parametrize("width", [1440, 390])
def test_the_first_alert_is_near_the_top(page: Page, width):
    """Between the page's name and the first card stand two rows at a desk."""
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/alerts/")
    top = page.locator("#alerts").bounding_box()["y"]
    assert top <= (130 if width == 1440 else 200)


def test_a_way_to_be_told_is_added_with_one_field(page: Page):
    page.goto("/subscriptions/new/")
    expect(page.locator("legend")).to_have_text(["1. Where?", "2. Of what?", "3. When?"])
    expect(page.get_by_text("Wait", exact=False).first).to_be_hidden()
    page.fill("#id_address", "jsons://alerts.example/sightline")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("shown this once")).to_be_visible()
    page.goto("/subscriptions/")
    expect(page.get_by_text("Jsons", exact=True)).to_be_visible()
    # What cannot be delivered there would stand on every page of the tests that follow.
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("is removed")).to_be_visible()
