"""An investigator at the browser: a picture in, the right case first."""

import re

from playwright.sync_api import Page, expect

from tests import faces
from tests.browser.conftest import until


def choose(page: Page, name: str, content: bytes, purpose: str = "tip 4711") -> None:
    page.goto("/search/")
    page.set_input_files("#id_image", {"name": name, "mimeType": "image/jpeg", "buffer": content})
    page.fill("#id_purpose", purpose)


def test_it_works(page: Page):
    choose(page, "tip.jpg", faces.person(2))
    page.click("#search-form button.main")
    first = page.locator(".candidate").first
    expect(first).to_contain_text("Jordan Vale")
    expect(first).to_contain_text("Strong", ignore_case=True)
    until(page, "[...document.querySelectorAll('#pair img')].every((i) => i.complete && i.naturalWidth > 50)")
    page.goto("/search/")
    expect(page.locator("text=tip 4711").first).to_be_visible()


def test_a_file_that_is_no_picture_says_so_and_keeps_the_purpose(page: Page):
    choose(page, "notes.txt", b"hello")
    page.click("#search-form button.main")
    expect(page.locator("[role=alert].notice")).to_contain_text("notes.txt: The file is not an image")
    assert page.input_value("#id_purpose") == "tip 4711"


def test_a_picture_is_pasted(page: Page):
    page.goto("/search/")
    page.evaluate(
        """async (bytes) => {
            const carrier = new DataTransfer();
            carrier.items.add(new File([new Uint8Array(bytes)], "pasted.jpg", {type: "image/jpeg"}));
            const how = {clipboardData: carrier, bubbles: true, cancelable: true};
            document.dispatchEvent(new ClipboardEvent("paste", how));
        }""",
        list(faces.person(4)),
    )
    expect(page.locator("#filename")).to_contain_text("pasted.jpg")
    page.fill("#id_purpose", "pasted")
    page.keyboard.press("Enter")
    expect(page.locator(".candidate").first).to_contain_text("Morgan Reed")


def test_photos_are_added_to_a_case_and_their_faces_boxed(page: Page):
    page.goto("/cases/new/")
    page.select_option("#id_collection", label="Demo")
    page.fill("#id_number", "B-1")
    page.fill("#id_name", "Browser Person")
    page.click("button.main")
    files = [("ok.jpg", faces.person(3)), ("broken.jpg", b"broken"), ("again.jpg", faces.person(3))]
    page.set_input_files(
        "#photo-input", [{"name": name, "mimeType": "image/jpeg", "buffer": content} for name, content in files]
    )
    expect(page.locator("#photos .status.indexed")).to_have_count(1, timeout=90_000)
    expect(page.locator("#photos .status.unreadable")).to_have_count(1, timeout=90_000)
    expect(page.locator("#uploads")).to_contain_text("again.jpg: B-1 has this very photo already")
    expect(page.locator("#photos .box.subject")).to_have_count(1)


def test_nothing_is_fetched_from_another_host_and_nothing_runs_over_at_phone_width(page: Page, product):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": 390, "height": 844})
    for path in (
        "/alerts/",
        "/search/",
        "/cases/",
        "/cases/new/",
        "/collections/",
        "/imports/",
        "/imports/new/?kind=spreadsheet",
        "/worklists/",
        "/cameras/",
        "/system/",
        "/evaluations/",
        "/api/docs/",
    ):
        page.goto(path)
        page.wait_for_load_state("load")
        if "api" not in path:
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    assert [url for url in asked if not re.match(rf"({product.url}|ws://|data:|blob:)", url)] == []


def test_signing_out_closes_the_door(page: Page):
    page.click("form[action='/accounts/logout/'] button")
    page.goto("/cases/")
    assert "/accounts/login/" in page.url
