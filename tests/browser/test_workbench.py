"""The workbench: a search on one screen, gone through and decided by key, its pictures compared."""

import pytest
from playwright.sync_api import Page, expect

from tests import faces, needs
from tests.browser.conftest import press
from tests.browser.test_search import choose
from tests.matching.test_by_hand import far_away

# Whether a page was loaded again since the mark was left.
MARK, MARKED = "window.marked = true", "window.marked === true"


@pytest.fixture
def group(page: Page) -> Page:
    page.set_viewport_size({"width": 1440, "height": 900})
    choose(page, "group.jpg", faces.GROUP.read_bytes(), "the poker night")
    page.click("#search-form button.main")
    page.wait_for_selector(".workbench")
    # Keys work, and pictures can be drawn, once all of it is there.
    page.wait_for_load_state("load")
    page.evaluate(MARK)
    return page


def name(page: Page) -> str:
    return page.locator(".facts-of .person").inner_text()


def test_all_of_a_search_is_on_one_screen(group: Page):
    assert group.evaluate("document.documentElement.scrollHeight <= window.innerHeight")
    for part in (".boxed", "#pair", ".facts-of", ".strip", "[value=possible]"):
        box = group.locator(part).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 900
    sides = group.locator("#pair figure:not(.overlaid)").first.bounding_box()
    assert sides is not None
    assert min(sides["width"], sides["height"]) > 300


def test_the_face_with_the_strongest_candidate_comes_first_and_weak_ones_are_folded(group: Page):
    expect(group.locator(".likeness .strength")).to_have_text("strong")
    expect(group.locator(".boxed .box")).to_have_count(6)
    expect(group.locator(".met a")).to_have_count(6)
    expect(group.locator(".met a").first).to_have_attribute("aria-current", "true")
    fold = group.locator(".fold")
    expect(fold).to_contain_text("weaker")
    weaker = group.locator(".portrait.weaker").first
    expect(weaker).to_be_hidden()
    fold.click()
    expect(weaker).to_be_visible()
    fold.click()
    expect(weaker).to_be_hidden()


def test_keys_go_from_candidate_to_candidate_and_from_face_to_face(group: Page):
    first = name(group)
    press(group, "j")
    expect(group.locator(".rank")).to_have_text("Rank 2")
    expect(group.locator(".portrait[aria-current]")).to_be_visible()
    press(group, "ArrowLeft")
    expect(group.locator(".facts-of .person")).to_have_text(first)
    press(group, "f")
    expect(group.locator(".met a").nth(1)).to_have_attribute("aria-current", "true")
    expect(group.locator(".facts-of .person")).not_to_have_text(first)
    press(group, "Shift+F")
    expect(group.locator(".facts-of .person")).to_have_text(first)
    press(group, "?")
    expect(group.locator("#key-help")).to_be_visible()
    press(group, "Escape")
    expect(group.locator("#key-help")).to_be_hidden()
    assert group.evaluate(MARKED)


def test_a_decision_with_its_note_is_made_and_undone_by_key_without_loading_the_page(group: Page):
    press(group, "m")
    group.keyboard.type("scar on the chin, pun intended")
    press(group, "Escape")
    press(group, "p")
    expect(group.locator(".decide .status")).to_have_text("Confirmed lead")
    expect(group.locator(".decide")).to_contain_text("scar on the chin")
    expect(group.locator(".portrait[aria-current] .mark.confirmed")).to_be_visible()
    press(group, "u")
    expect(group.locator("[value=possible]")).to_be_visible()
    expect(group.locator(".portrait[aria-current] .mark")).to_be_hidden()
    assert group.input_value("[name=note]") == "scar on the chin, pun intended"
    press(group, "n")
    expect(group.locator(".portrait[aria-current] .mark.rejected")).to_be_visible()
    assert group.evaluate(MARKED)
    group.reload()
    expect(group.locator(".decide .status")).to_have_text("Not this person")
    # What is said is remembered: other searches of this face are not to know of it.
    press(group, "u")
    expect(group.locator("[value=possible]")).to_be_visible()


def test_the_pictures_are_laid_over_each_other_on_the_eyes(group: Page):
    press(group, "l")
    canvas = group.locator("#pair canvas")
    expect(canvas).to_be_visible()
    middle = """canvas => [...canvas.getContext('2d').getImageData(300, 300, 40, 40).data].reduce((a, b) => a + b)"""
    both = canvas.evaluate(middle)
    group.locator("[name=blend]").evaluate(
        "range => { range.value = 0; range.dispatchEvent(new Event('input', {bubbles: true})); }"
    )
    assert canvas.evaluate(middle) != both
    press(group, "j")
    expect(group.locator(".rank")).to_have_text("Rank 2")
    expect(group.locator("#pair canvas")).to_be_visible()
    press(group, "l")
    expect(group.locator("#pair canvas")).to_be_hidden()


def test_a_view_that_is_adjusted_says_so_holds_for_the_next_and_goes_back(group: Page):
    adjusted = group.locator(".adjusted")
    expect(adjusted).to_be_hidden()
    group.locator("[data-do=grey]").click()
    group.locator("[data-do=flip]").click()
    group.locator("#pair").hover()
    group.mouse.wheel(0, -300)
    expect(adjusted).to_be_visible()
    image = group.locator("#pair img").first
    assert "grayscale(1)" in str(image.evaluate("image => image.style.filter"))
    press(group, "j")
    expect(group.locator(".rank")).to_have_text("Rank 2")
    expect(adjusted).to_be_visible()
    press(group, "0")
    expect(adjusted).to_be_hidden()


def test_on_a_phone_the_pair_is_on_top_and_candidates_below_it(group: Page):
    group.set_viewport_size({"width": 390, "height": 844})
    assert group.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    tops = [group.locator(part).first.bounding_box() for part in (".met", "#pair", ".strip", ".facts-of", ".boxed")]
    heights = [box["y"] for box in tops if box]
    assert heights == sorted(heights)
    assert heights[1] < 330


@needs.pack
def test_a_face_that_was_missed_is_drawn_and_searched(page: Page):
    content, (left, top, right, bottom) = far_away(3)
    choose(page, "square.jpg", content, "far away")
    page.click("#search-form button.main")
    page.wait_for_selector("text=No face was found")
    page.click("#add-face")
    picture = page.locator(".boxed").bounding_box()
    assert picture is not None

    def at(x: float, y: float) -> tuple[float, float]:
        return picture["x"] + x * picture["width"], picture["y"] + y * picture["height"]

    page.mouse.move(*at(left - 0.002, top - 0.002))
    page.mouse.down()
    page.mouse.move(*at(right + 0.002, bottom + 0.002), steps=4)
    page.mouse.up()
    expect(page.locator(".facts-of .person")).to_have_text("Casey Brook")
    press(page, "a")
    expect(page.locator(".boxed.drawing")).to_be_visible()
    picture = page.locator(".boxed").bounding_box()
    assert picture is not None
    page.mouse.move(*at(0.1, 0.1))
    page.mouse.down()
    page.mouse.move(*at(0.4, 0.4), steps=4)
    page.mouse.up()
    expect(page.locator("#toast")).to_contain_text("No face is seen there")
