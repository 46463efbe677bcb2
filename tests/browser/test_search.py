"""An investigator at the browser: a picture in, the right case first."""

import io
import re
import zipfile

from playwright.sync_api import Page, expect

from tests import faces
from tests.browser.conftest import press, until


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
    press(page, "Enter")
    expect(page.locator(".candidate").first).to_contain_text("Morgan Reed")


def several(page: Page, *files: tuple[str, bytes]) -> None:
    page.goto("/search/")
    page.set_input_files(
        "#id_image",
        [{"name": name, "mimeType": "application/octet-stream", "buffer": content} for name, content in files],
    )
    page.fill("#id_purpose", "several at once")


def test_several_pictures_ask_whether_they_show_one_person_or_many(page: Page):
    several(page, ("a.jpg", faces.person(1)), ("b.jpg", faces.person(3)))
    expect(page.locator("#one-or-many")).to_contain_text("Do the 2 pictures show one person, or many?")
    page.click("#search-form button.main")
    assert "/search/" in page.url
    page.check("[name=many][value=many]")
    page.click("#search-form button.main")
    page.wait_for_url("**/batches/*/")
    expect(page.locator(".people tbody tr")).to_have_count(2)
    several(page, ("a.jpg", faces.person(1)), ("b.jpg", faces.person(1)[:-40] + b"x" * 40))
    page.check("[name=many][value=one]")
    page.click("#search-form button.main")
    page.wait_for_url("**/batches/*/")
    expect(page.locator(".candidate, .people tbody tr").first).to_contain_text("Riley Marsh")


def test_a_zip_on_search_is_searched_as_a_batch_by_itself(page: Page):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as opened:
        opened.writestr("a.jpg", faces.person(2))
    several(page, ("phone.zip", held.getvalue()))
    expect(page.locator("#one-or-many")).to_be_hidden()
    expect(page.locator("#filename")).to_contain_text("phone.zip")
    page.click("#search-form button.main")
    page.wait_for_url("**/batches/*/")
    expect(page.locator(".people tbody tr")).to_contain_text("Jordan Vale")


def test_what_is_not_taken_of_several_is_said_and_one_by_itself_is_searched_as_ever(page: Page):
    several(page, ("a.jpg", faces.person(2)), ("empty.jpg", b""))
    page.check("[name=many][value=many]")
    page.click("#search-form button.main")
    expect(page.locator("#search-errors [role=alert]")).to_contain_text("empty.jpg: the file is empty")
    expect(page.locator("#filename a")).to_have_text("To the batch")
    choose(page, "tip.jpg", faces.person(2))
    expect(page.locator("#one-or-many")).to_be_hidden()
    page.click("#search-form button.main")
    expect(page.locator(".candidate").first).to_contain_text("Jordan Vale")


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
        "/system/accuracy/",
        "/system/model/",
        "/system/keeping/",
        "/system/servers/",
        "/subscriptions/new/",
        "/handover/",
        "/tasks/",
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
