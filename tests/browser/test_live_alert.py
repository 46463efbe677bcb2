"""The dashboard stays open while the edge client sends: the alert appears by itself."""

import subprocess
import sys

import pytest
from playwright.sync_api import Page, expect

from tests import faces
from tests.browser.conftest import until
from tests.product import ROOT, Product


@pytest.fixture
def token(product: Product, request) -> str:
    return product.api().post(f"{product.url}api/v1/cameras/", {"name": request.node.name}, timeout=60).json()["token"]


def run_edge_client(product: Product, token: str, folder) -> None:
    model = str(faces.PACK) if faces.PACK.is_dir() else "dlib"
    subprocess.run(
        [sys.executable, "-m", "edge_client", "--source", str(folder), "--server", product.url, "--once",
         "--model", model, "--min-score", "0.6", "--queue", str(folder / "queue")],
        cwd=ROOT, env={**product.environment(), "SIGHTLINE_TOKEN": token}, check=True, timeout=240,
    )  # fmt: skip


def test_an_alert_appears_without_a_reload_is_confirmed_and_undone(page: Page, product: Product, token, tmp_path):
    page.evaluate("window.notReloaded = true")
    (tmp_path / "frame.jpg").write_bytes(faces.person(5))
    run_edge_client(product, token, tmp_path)
    # Other tests' cameras see the same persons.
    card = page.locator(".alert", has_text="Quinn Harper").filter(has_text="test_an_alert_appears")
    expect(card).to_be_visible(timeout=90_000)
    until(page, "[...document.querySelectorAll('.alert img')].every((i) => i.complete && i.naturalWidth > 50)")
    assert page.evaluate("window.notReloaded")
    card.locator("[name=note]").fill("mole on the left cheek")
    card.get_by_role("button", name="Confirm").click()
    expect(card).to_have_count(0)
    expect(page.locator("#decided")).to_contain_text("Quinn Harper: Confirmed sighting.")
    page.get_by_role("button", name="Undo").click()
    expect(card.locator(".status").first).to_have_text("New")


def test_what_came_while_the_connection_was_lost_appears_after_it(page: Page, product: Product, token, tmp_path):
    # The page's own way out is cut: its socket closes and new ones fail, while the server goes on.
    page.evaluate(
        """() => {
            window.RealWebSocket = window.WebSocket;
            window.WebSocket = function () { return new window.RealWebSocket(`ws://${location.host}/ws/nowhere/`); };
            window.openSockets.forEach((socket) => socket.close());
        }"""
    )
    expect(page.locator("#live.off")).to_be_visible()
    (tmp_path / "frame.jpg").write_bytes(faces.person(0))
    run_edge_client(product, token, tmp_path)
    page.wait_for_timeout(1500)
    card = page.locator(".alert", has_text="Avery Stone").filter(has_text="test_what_came_while")
    expect(card).to_have_count(0)
    page.evaluate("() => { window.WebSocket = window.RealWebSocket; }")
    expect(card).to_be_visible(timeout=90_000)


def test_the_demo_camera_raises_an_alert_within_a_minute_and_the_seconds_around_it_are_played(
    page: Page, product: Product
):
    api = product.api()
    demo = f"{product.url}api/v1/collections/{_named(api, product, 'Demo')}/"
    assert api.patch(demo, {"clip_days": 1}, timeout=60).json()["clip_days"] == 1
    try:
        page.goto("/cameras/")
        page.click("text=Play the demo camera")
        page.wait_for_selector("#live.on")
        card = page.locator(".alert", has_text="Demo camera")
        expect(card).to_be_visible(timeout=120_000)
        page.goto(card.locator("a[href^='/alerts/']").first.get_attribute("href"))
        expect(page.locator("#clip video")).to_be_visible(timeout=60_000)
        until(page, "document.querySelector('#clip video').readyState >= 2")
        assert page.evaluate("document.querySelector('#clip video').duration") > 2
    finally:
        api.patch(demo, {"clip_days": 0}, timeout=60)


def _named(api, product: Product, name: str) -> int:
    found = api.get(f"{product.url}api/v1/collections/", timeout=60).json()
    return next(one["id"] for one in found["results"] if one["name"] == name)
