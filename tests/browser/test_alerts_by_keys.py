"""A board of alerts decided by keys: they keep their place, a decided one leaves with an undo, several get one word."""

import pytest
from playwright.sync_api import Page, expect

from tests import faces
from tests.browser.conftest import press
from tests.browser.test_live_alert import run_edge_client
from tests.product import Product


@pytest.fixture(scope="module")
def camera(product: Product, tmp_path_factory) -> int:
    """A camera that saw six people: six new alerts."""
    made = (
        product.api()
        .post(f"{product.url}api/v1/cameras/", {"name": "By keys", "place": "A long street, " * 8}, timeout=60)
        .json()
    )
    folder = tmp_path_factory.mktemp("frames")
    (folder / "frame.jpg").write_bytes(faces.GROUP.read_bytes())
    run_edge_client(product, made["token"], folder)
    return made["id"]


@pytest.fixture
def board(page: Page, camera: int) -> Page:
    """The six, all new: what an earlier test decided is taken back."""
    page.goto(f"/alerts/?status=all&camera={camera}")
    expect(page.locator(".alert")).to_have_count(6, timeout=90_000)
    # Each that is taken back leaves those that are asked for.
    undo = page.locator(".alert:not(.new)").get_by_role("button", name="Undo")
    for left in reversed(range(undo.count())):
        undo.first.click()
        expect(undo).to_have_count(left)
    expect(page.locator(".alert.new")).to_have_count(6)
    page.goto(f"/alerts/?camera={camera}")
    # What came meanwhile has been drawn by then.
    expect(page.locator("#live.on")).to_be_visible()
    expect(page.locator(".alert")).to_have_count(6)
    return page


def names(page: Page) -> list[str]:
    return page.locator(".alert .person a").all_text_contents()


def focused(page: Page) -> str:
    return page.evaluate("document.activeElement.querySelector?.('.person a')?.textContent ?? ''")


def test_a_decided_one_leaves_and_the_next_stands_where_it_stood(board: Page):
    all_ = names(board)
    press(board, "j", "j", "c")
    expect(board.locator(".alert")).to_have_count(5)
    assert focused(board) == all_[2]
    expect(board.locator("#decided")).to_contain_text(f"{all_[1]}: Confirmed sighting.")
    press(board, "d")
    expect(board.locator(".alert")).to_have_count(4)
    assert focused(board) == all_[3]
    press(board, "k")
    assert focused(board) == all_[0]


def test_undo_brings_the_last_ones_back_to_where_they_stood(board: Page):
    all_ = names(board)
    press(board, "j", "j", "j", "c")
    expect(board.locator(".alert")).to_have_count(5)
    press(board, "d")
    expect(board.locator(".alert")).to_have_count(4)
    press(board, "u")
    expect(board.locator(".alert.new")).to_have_count(5)
    assert focused(board) == all_[3]
    press(board, "u")
    expect(board.locator(".alert.new")).to_have_count(6)
    assert (names(board), focused(board)) == (all_, all_[2])
    press(board, "u")
    expect(board.locator(".alert.new")).to_have_count(6)


def test_taking_one_and_writing_a_note_keep_the_place(board: Page):
    all_ = names(board)
    press(board, "j", "j", "t")
    expect(board.locator(".alert").nth(1)).to_contain_text("Taken by")
    assert focused(board) == all_[1]
    press(board, "m")
    board.keyboard.type("c is no key here")
    press(board, "Escape")
    assert focused(board) == all_[1]
    expect(board.locator(".alert")).to_have_count(6)
    press(board, "d")
    expect(board.locator(".alert")).to_have_count(5)
    board.goto("/alerts/?status=dismissed")
    expect(board.locator(".alert", has_text="c is no key here").first).to_be_visible()


def test_several_get_one_word_and_lose_it_together(board: Page):
    all_ = names(board)
    press(board, "j", "x", "j", "j", "x")
    expect(board.locator("#several")).to_contain_text("2 marked")
    board.select_option("#several [name=reason]", "other_person")
    board.fill("#several [name=note]", "a poster")
    board.locator("#several").get_by_role("button", name="Dismiss").click()
    expect(board.locator(".alert")).to_have_count(4)
    expect(board.locator("#several")).to_be_hidden()
    assert names(board) == [all_[1], *all_[3:]]
    board.get_by_role("button", name="Undo").click()
    expect(board.locator(".alert.new")).to_have_count(6)
    assert names(board) == all_


def test_what_was_typed_stays_when_the_card_is_drawn_anew(board: Page, product: Product):
    card = board.locator(".alert").first
    card.locator("[name=note]").fill("mole on the left cheek")
    card.locator("[name=reason]").select_option("features")
    card.locator(".pick").check()
    card.evaluate("(card) => { card.dataset.old = 'yes'; document.activeElement.blur(); }")
    number = card.get_attribute("id").removeprefix("alert-")
    said = {"status": "new", "note": "", "reason": ""}
    assert product.api().post(f"{product.url}api/v1/alerts/{number}/review/", json=said).status_code == 200
    card = board.locator(f"#alert-{number}:not([data-old])")
    expect(card).to_be_visible()
    expect(card.locator("[name=note]")).to_have_value("mole on the left cheek")
    expect(card.locator("[name=reason]")).to_have_value("features")
    expect(card.locator(".pick")).to_be_checked()
    # So does the place of whoever has yet to write.
    card.locator("[name=note]").fill("")
    card.evaluate("(card) => { card.dataset.old = 'yes'; }")
    assert product.api().post(f"{product.url}api/v1/alerts/{number}/review/", json=said).status_code == 200
    expect(board.locator(f"#alert-{number}:not([data-old])")).to_be_visible()
    assert board.evaluate("document.activeElement.name") == "note"


def test_a_collection_that_asks_why_is_told_why_before_anything_goes(board: Page, product: Product):
    api = product.api()
    demo = next(one for one in api.get(f"{product.url}api/v1/collections/").json()["results"] if one["name"] == "Demo")
    where = f"{product.url}api/v1/collections/{demo['id']}/"
    assert api.patch(where, {"needs_reason": True}).status_code == 200
    try:
        board.reload()
        expect(board.locator(".alert")).to_have_count(6)
        press(board, "j", "c")
        expect(board.locator("#toast")).to_contain_text("Say why")
        assert board.evaluate("document.activeElement.name") == "note"
        board.keyboard.type("features agree")
        press(board, "Escape", "c")
        expect(board.locator(".alert")).to_have_count(5)
        press(board, "x")
        board.locator("#several").get_by_role("button", name="Confirm").click()
        expect(board.locator("#toast")).to_contain_text("Demo asks why")
        expect(board.locator(".alert")).to_have_count(5)
    finally:
        api.patch(where, {"needs_reason": False})


def ten_stand_in_a_window(page: Page) -> bool:
    heights = page.locator(".alert").evaluate_all("(all) => all.map((one) => one.getBoundingClientRect().height)")
    return max(heights) * 10 + 4 * 9 < 900


def test_in_lines_ten_stand_in_a_window_and_the_choice_is_kept(board: Page):
    board.set_viewport_size({"width": 1440, "height": 900})
    board.get_by_role("button", name="Lines").click()
    assert ten_stand_in_a_window(board)
    # A long name, a long list of what is known, somebody whose own name is long.
    card = board.locator(".alert").first
    card.locator(".person a").evaluate("(name) => { name.textContent = 'Maria del Carmen '.repeat(6); }")
    card.locator(".line > span").evaluate(
        "(all) => { for (let i = 0; i < 3; i++) all.append(all.lastElementChild.cloneNode(true)); }"
    )
    card.locator(".take").evaluate(
        "(take) => { take.innerHTML = '<span class=quiet>Taken by <b>a.very.long.name.of.somebody</b></span>'; }"
    )
    for width in (1200, 1440):
        board.set_viewport_size({"width": width, "height": 900})
        assert ten_stand_in_a_window(board)
        assert board.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), width
    board.reload()
    expect(board.locator("#live.on")).to_be_visible()
    expect(board.locator("#alerts.dense .alert")).to_have_count(6)
    press(board, "j", "m")
    expect(board.locator(".alert [name=note]").first).to_have_css("opacity", "1")
    board.get_by_role("button", name="Lines").click()
