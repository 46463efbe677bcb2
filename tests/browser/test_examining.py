"""The examiner's work in a real browser: a clip, marks, an adjusted picture, two reviewers, what was seen before."""

import re
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from matching.faces import images
from tests import faces
from tests.browser.conftest import press, until
from tests.browser.test_search import choose
from tests.product import PASSWORD, ROOT, Product

SIZES = [(1440, 900), (390, 844)]


def sign_in(page: Page, name: str, password: str) -> None:
    page.goto("/accounts/login/")
    page.fill("[name=login]", name)
    page.fill("[name=password]", password)
    page.click("button.main")
    page.wait_for_url("**/alerts/**")


def search(page: Page, content: bytes, purpose: str) -> None:
    choose(page, "tip.jpg", content, purpose)
    page.click("#search-form button.main")
    page.wait_for_selector(".workbench, #add-face")
    page.wait_for_load_state("load")


@pytest.fixture
def clip(tmp_path) -> bytes:
    """Casey Brook for two seconds."""
    path = tmp_path / "street.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (640, 480))
    person = cv2.resize(images.open_image(faces.person(3)).rgb[:, :, ::-1], (300, 300))
    for frame in range(20):
        picture = np.full((480, 640, 3), 110, np.uint8)
        picture[90:390, 100 + frame * 8 : 400 + frame * 8] = person
        writer.write(picture)
    writer.release()
    return path.read_bytes()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_clip_and_pictures_are_searched_as_one_and_the_clip_is_jumped_into(page: Page, clip, width, height):
    page.set_viewport_size({"width": width, "height": height})
    page.goto("/batches/")
    page.set_input_files(
        "#batch-input",
        [
            {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": faces.person(1)},
            {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture"},
            {"name": "street.mp4", "mimeType": "video/mp4", "buffer": clip},
        ],
    )
    expect(page.locator("#batch-chosen")).to_contain_text("3 files")
    page.fill("#batch-purpose", "the phone")
    page.click("#batch-go")
    people = page.locator("table.people tbody tr")
    expect(people).to_have_count(2, timeout=120_000)
    expect(page.locator("main")).to_contain_text("notes.txt")
    row = people.filter(has_text="Casey Brook")
    place = row.get_by_role("link", name=re.compile("street.mp4"))
    place.click()
    expect(page.locator("h1")).to_contain_text("street.mp4")
    picture = page.locator(".boxed.moment img")
    until(page, "document.querySelector('.boxed.moment img').naturalWidth === 640")
    expect(page.locator(".boxed .box.subject")).to_be_visible()
    page.get_by_role("link", name="+0.2 s").click()
    until(page, "document.querySelector('.boxed.moment img').naturalWidth === 640")
    expect(picture).to_have_attribute("src", re.compile(r"\?t="))
    page.get_by_role("link", name="Compare").click()
    expect(page.locator(".facts-of .person")).to_have_text("Casey Brook")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_batch_without_files_or_with_an_empty_one_says_so(page: Page):
    page.goto("/batches/")
    page.fill("#batch-purpose", "nothing")
    page.click("#batch-go")
    expect(page.locator("#batch-errors")).to_contain_text("Choose or drop at least one")
    page.set_input_files("#batch-input", [{"name": "empty.jpg", "mimeType": "image/jpeg", "buffer": b""}])
    page.click("#batch-go")
    expect(page.locator("#batch-errors")).to_contain_text("empty.jpg: the file is empty")
    expect(page.locator("#batch-go")).to_be_enabled()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_picture_on_its_side_is_turned_lightened_cut_and_searched_again(page: Page, width, height):
    page.set_viewport_size({"width": width, "height": height})
    rgb = np.rot90(images.open_image(faces.person(3)).rgb, 1)
    dark = images.to_jpeg((rgb * 0.4).astype(np.uint8))
    search(page, dark, "sideways")
    page.click("#open-adjust")
    canvas = page.locator("#adjust canvas")
    expect(canvas).to_be_visible()
    # It is drawn once the picture has come; until then it has another size.
    until(page, "document.querySelector('#adjust canvas').style.width !== ''")
    page.click("[data-adjust='90']")
    light = page.locator("#adjust [name=light]")
    light.evaluate("range => { range.value = 2; range.dispatchEvent(new Event('input', {bubbles: true})); }")
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 5, box["y"] + box["height"] - 5, steps=4)
    page.mouse.up()
    page.get_by_role("button", name="Search the adjusted picture").click()
    expect(page.locator(".workbench aside")).to_contain_text("turned by 90°")
    expect(page.locator(".workbench aside")).to_contain_text("lightened 2 times")
    expect(page.get_by_alt_text("The picture as it came")).to_be_visible()
    expect(page.locator(".facts-of .person")).to_have_text("Casey Brook")


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_marks_are_put_on_both_pictures_and_stay(page: Page, width, height):
    page.set_viewport_size({"width": width, "height": height})
    search(page, faces.person(4), "a scar")
    for number, words in enumerate(("scar on the chin", "the same scar")):
        press(page, "x")
        box = page.locator("#pair figure").nth(number).bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        expect(page.locator(".mark-form input")).to_be_focused()
        page.keyboard.type(words)
        press(page, "Enter")
        expect(page.locator(".marks li")).to_have_count(number + 1)
        expect(page.locator("#pair .dot")).to_have_count(number + 1)
    page.reload()
    expect(page.locator(".marks")).to_contain_text("the same scar")
    expect(page.locator("#pair .dot")).to_have_count(2)
    page.get_by_role("button", name="Remove the mark the same scar").click()
    expect(page.locator(".marks li")).to_have_count(1)


@pytest.fixture
def two_reviewers(page: Page, product: Product):
    """The demo's collection asks for two people, and there is a second one."""
    script = (
        "from django.contrib.auth.models import Group, User; from cases.models import Collection\n"
        "Collection.objects.update(reviewers={})\n"
        "User.objects.filter(username='lee').exists() or User.objects.create_user('lee', password='a-long-password')\n"
        "User.objects.get(username='lee').groups.add(Group.objects.get(name='Reviewer'))"
    )
    product.manage("shell", "-c", script.format(2))
    yield
    product.manage("shell", "-c", script.format(1))


def test_a_second_reviewer_in_another_browser_decides_without_the_first_ones_note(
    page: Page, browser: Browser, product: Product, two_reviewers
):
    search(page, faces.person(0), "two of us")
    press(page, "m")
    page.keyboard.type("the ears")
    press(page, "Escape")
    press(page, "p")
    expect(page.locator(".decide .status")).to_have_text("Possible match")
    expect(page.locator(".decide")).to_contain_text("A second person decides now")
    with browser.new_context(base_url=product.url) as context:
        other = context.new_page()
        sign_in(other, "lee", PASSWORD)
        other.goto("/leads/")
        lead = other.locator(".alert", has_text="two of us")
        lead.get_by_role("link", name="Compare", exact=True).click()
        other.wait_for_load_state("load")
        expect(other.locator(".decide")).to_contain_text("proposes it as a possible match")
        expect(other.locator(".decide")).not_to_contain_text("the ears")
        press(other, "p")
        expect(other.locator(".decide .status")).to_have_text("Confirmed lead")
        expect(other.locator(".decide")).to_contain_text("the ears")
        sheet = other.request.get(str(other.get_by_role("link", name="Lead sheet").get_attribute("href")))
        assert sheet.body().startswith(b"%PDF-")
    page.reload()
    expect(page.locator(".decide .status")).to_have_text("Confirmed lead")


def test_a_new_case_raises_an_alert_for_an_old_capture_and_comes_to_a_standing_search(
    page: Page, product: Product, tmp_path
):
    """Nobody looks for the woman from the portrait until her case comes."""
    api = product.api()
    known = api.get(f"{product.url}api/v1/cases/?q=Rowan", timeout=60).json()["results"][0]["id"]
    api.post(f"{product.url}api/v1/cases/{known}/close/", {"reason": "for this test"}, timeout=60)
    token = api.post(f"{product.url}api/v1/cameras/", {"name": "Old gate"}, timeout=60).json()["token"]
    (tmp_path / "frame.jpg").write_bytes(faces.astronaut())
    model = str(faces.PACK) if faces.PACK.is_dir() else "dlib"
    subprocess.run(
        [sys.executable, "-m", "edge_client", "--source", str(tmp_path), "--server", product.url, "--once",
         "--model", model, "--min-score", "0.6", "--queue", str(tmp_path / "queue")],
        cwd=ROOT, env={**product.environment(), "SIGHTLINE_TOKEN": token}, check=True, timeout=240,
    )  # fmt: skip
    search(page, faces.astronaut(), "woman in orange")
    page.get_by_role("button", name="Watch for this face").click()
    expect(page.get_by_role("link", name="You watch for this face")).to_be_visible()
    page.get_by_role("link", name="Seen before?").click()
    deadline = time.monotonic() + 30
    while "Old gate" not in page.inner_text("main"):
        # The capture may still be looked at.
        assert time.monotonic() < deadline
        page.reload()
    page.goto("/cases/new/")
    page.set_input_files("#begin-input", {"name": "new.jpg", "mimeType": "image/jpeg", "buffer": faces.astronaut()})
    page.wait_for_url("**/edit/")
    page.goto("/alerts/")
    card = page.locator(".alert", has_text="Old gate")
    expect(card).to_be_visible(timeout=90_000)
    expect(card).to_contain_text("Seen before")
    expect(page.get_by_role("status").filter(has_text="a face you watch for")).to_contain_text(
        "woman in orange", timeout=90_000
    )
    page.goto("/standing/")
    row = page.locator("tr", has_text="woman in orange")
    expect(row).to_contain_text(re.compile(r"\d new"))
    row.get_by_label("Why it ends").fill("identified")
    row.get_by_role("button", name="End").click()
    expect(page.locator("main")).to_contain_text("You no longer watch")
    api.post(f"{product.url}api/v1/cases/{known}/reopen/", timeout=60)
