import shutil
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.product import NAME, PASSWORD, Product

CHROMIUM = shutil.which("chromium")
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# Playwright's event loop stays the thread's own until it ends: later tests on this process want theirs.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Debian's chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield started
        started.close()


# Where the machine is busy with other things a page takes its time.
expect.set_options(timeout=60_000)


def until(page: Page, true: str, seconds: float = 60) -> None:
    """Wait for an expression. The page's policy lets nobody evaluate text in it, so it is asked from outside."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(true):
        assert time.monotonic() < deadline, true
        page.wait_for_timeout(50)


def press(page: Page, *keys: str) -> None:
    """Keys, once the page's scripts listen: a text stands before they do."""
    page.wait_for_load_state()
    for key in keys:
        page.keyboard.press(key)


def sign_in(page: Page) -> None:
    page.goto("/")
    page.fill("[name=login]", NAME)
    page.fill("[name=password]", PASSWORD)
    page.click("button.main")
    page.wait_for_selector("#live.on")


@pytest.fixture
def page(browser: Browser, product: Product) -> Iterator[Page]:
    """A page that has signed in. A script error anywhere fails the test."""
    context = browser.new_context(base_url=product.url, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(120_000)
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    # What the page's own policy refuses is a fault of the page.
    opened.on("console", lambda said: "Content Security Policy" in said.text and errors.append(said.text))
    # A test can close the page's sockets, as a lost network does.
    opened.add_init_script(
        """window.openSockets = [];
        window.WebSocket = class extends WebSocket {
            constructor(...a) { super(...a); window.openSockets.push(this); }
        };"""
    )
    sign_in(opened)
    yield opened
    context.close()
    assert errors == []
