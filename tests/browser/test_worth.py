"""What a likeness is worth, as a person meets it: beside a candidate, on a collection, on System, in an evaluation."""

import pytest
from playwright.sync_api import Page, expect

from tests import faces
from tests.browser.test_search import choose
from tests.product import Product


def test_a_candidate_says_how_often_a_stranger_is_so_alike(page: Page):
    choose(page, "tip.jpg", faces.person(2))
    page.click("#search-form button.main")
    expect(page.locator(".candidate").first).to_contain_text("A stranger's best candidate among")


def test_a_search_is_narrowed_and_says_by_what(page: Page):
    choose(page, "tip.jpg", faces.person(2))
    page.click("summary")
    page.fill("#id_age_now_from", "60")
    page.fill("#id_age_now_to", "20")
    page.click("#search-form button.main")
    expect(page.locator("[role=alert].notice")).to_contain_text("from 60 to 20 leaves nobody")
    page.fill("#id_age_now_from", "")
    page.fill("#id_age_now_to", "99")
    page.select_option("#id_sex", "male")
    page.click("#search-form button.main")
    # Another test may have said of the same face that it is not this person: then it is folded.
    expect(page.locator(".portrait[aria-label*='Jordan Vale']")).to_have_count(1)
    expect(page.locator(".head .status", has_text="Sex male")).to_be_visible()


def test_a_collection_says_what_its_level_means(page: Page):
    page.goto("/collections/")
    page.locator("tr", has_text="Demo").get_by_role("link", name="Edit").click()
    expect(page.locator("tr.chosen")).to_contain_text("in force")
    expect(page.locator("text=What a level means here")).to_be_visible()


@pytest.mark.parametrize("width", [1440, 390])
def test_the_curves_are_drawn_for_light_and_dark(page: Page, width):
    page.set_viewport_size({"width": width, "height": 900})
    colours = set()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.goto("/system/accuracy/")
        line = page.locator("polyline.non-mates")
        expect(line).to_be_visible()
        colours.add(line.evaluate("line => getComputedStyle(line).stroke"))
        expect(page.locator("svg.chart text.mark")).to_have_count(3)
    assert len(colours) == 2
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_an_evaluation_is_begun_watched_compared_and_printed(page: Page, product: Product):
    folder = product.folder / "imports" / "known"
    for number in range(6):
        for name, content in (("a.jpg", faces.person(number)), ("b.jpg", faces.person(number) + b"again")):
            path = folder / f"person{number}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    (folder / "person0" / "broken.jpg").write_bytes(b"broken")
    for note in ("as they come", "again"):
        page.goto("/evaluations/")
        page.fill("#id_folder", "known")
        page.fill("#id_note", note)
        page.click("button.main")
        page.wait_for_selector("text=Found at rank 1", timeout=120_000)
    expect(page.locator("th", has_text="Before,")).to_be_visible()
    expect(page.locator("svg.chart polyline.before").first).to_be_attached()
    expect(page.locator("text=person0/broken.jpg")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator("nav.rail")).to_be_hidden()
    expect(page.locator("text=Found at rank 1").first).to_be_visible()
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    page.emulate_media(media="screen")
    page.goto("/evaluations/")
    page.fill("#id_folder", "unknown")
    page.click("button.main")
    expect(page.locator(".errorlist")).to_contain_text("There is no unknown")
