"""Somebody at the browser imports a folder, sees it indexed without a reload, and works a list off."""

from playwright.sync_api import Page, expect

from tests import faces
from tests.product import Product


def test_a_folder_is_imported_indexed_and_its_double_linked(page: Page, product: Product):
    drop = product.folder / "imports" / "drop"
    drop.mkdir(parents=True)
    (drop / "X1-1.jpg").write_bytes(faces.person(4))
    (drop / "X2-1.jpg").write_bytes(faces.person(4) + b" ")
    (drop / "notes.txt").write_text("not a photo")
    page.goto("/imports/")
    page.click("text=Folder of photos")
    page.fill("[name=path]", "drop")
    page.click("button.main")
    page.click("text=Import now")
    expect(page.locator("#source")).to_contain_text("Done", timeout=90_000)
    expect(page.locator("#problems")).to_contain_text("notes.txt is not named")
    page.goto("/imports/")
    # Nobody presses anything: the scheduler sees that photos wait.
    expect(page.locator("#indexing")).to_contain_text("Ended", timeout=180_000)
    page.goto("/worklists/?list=duplicates")
    card = page.locator("article", has_text="X1").filter(has_text="X2")
    card.get_by_role("button", name="Link these").click()
    expect(card.locator(".status")).to_have_text("The same person")
    card.get_by_role("button", name="Undo").click()
    expect(card.get_by_role("button", name="Different people")).to_be_visible()
    # Other tests look for this face among the demo's people.
    api = product.api()
    for case in api.get(f"{product.url}api/v1/cases/?q=X", timeout=60).json()["results"]:
        if case["number"] in ("X1", "X2"):
            api.post(f"{product.url}api/v1/cases/{case['id']}/close/", {"reason": "the test is over"}, timeout=60)


def test_columns_are_mapped_and_the_preview_follows(page: Page, product: Product, tmp_path):
    table = tmp_path / "jail.csv"
    table.write_text("Ref,Person\n7,Ana Ruiz\n")
    page.goto("/imports/new/?kind=spreadsheet")
    page.set_input_files("[name=table]", table)
    page.fill("[name=collection]", "County jail")
    page.click("button.main")
    page.select_option("[name=number]", "Ref")
    expect(page.locator("#preview")).to_contain_text("7")
    page.select_option("[name=name]", "Person")
    expect(page.locator("#preview")).to_contain_text("Ana Ruiz")
    page.click("text=Save the columns")
    expect(page.locator("main")).to_contain_text("The columns are saved")
