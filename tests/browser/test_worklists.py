"""Confirming which face of a photo is the person: many on a screen, a key each."""

import uuid
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests import faces
from tests.browser.conftest import press
from tests.product import Product


@pytest.fixture
def two_photos(product: Product) -> Iterator[None]:
    """Two cases, each with a photo of two people that nothing tells apart; closed when the test is done."""
    api = product.api()
    collection = api.get(f"{product.url}api/v1/collections/", timeout=60).json()["results"][0]["id"]
    cases = []
    for extra in (b"", b" "):
        case = {"collection": collection, "number": f"W{uuid.uuid4().hex[:6]}", "name": "Two people"}
        cases.append(api.post(f"{product.url}api/v1/cases/", case, timeout=60).json()["id"])
        picture = {"image": ("two.jpg", faces.two() + extra)}
        photo = api.post(f"{product.url}api/v1/photos/", {"case": cases[-1]}, files=picture, timeout=60)
        assert photo.status_code == 201, photo.text
    yield
    for case in cases:
        closed = api.post(f"{product.url}api/v1/cases/{case}/close/", {"reason": "tested"}, timeout=60)
        assert closed.status_code == 200, closed.text


def test_it_works(page: Page, two_photos):
    page.goto("/worklists/?list=subject")
    for _ in range(20):
        if page.locator(".subject-choice").count() >= 2:
            break
        page.wait_for_timeout(250)
        page.reload()
    photos = page.locator(".subject-choice")
    first, second = photos.nth(0), photos.nth(1)
    press(page, "ArrowRight")
    expect(first).to_be_focused()
    press(page, "2")
    expect(first.locator(".status.confirmed")).to_have_text("Confirmed")
    expect(second).to_be_focused()
    press(page, "ArrowLeft")
    press(page, "u")
    expect(first.locator(".status.confirmed")).to_have_count(0)
    expect(first).to_be_focused()
    press(page, "1")
    expect(first.locator(".box.subject")).to_have_count(1)
    page.reload()
    expect(page.locator(".subject-choice")).to_have_count(1)
