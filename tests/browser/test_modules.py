"""What has logic in the pages' scripts, taken by itself: each module in the browser that runs it."""

import pytest

GEOMETRY = "geometry.js"


@pytest.fixture(scope="module")
def call(browser, product):
    """Calls `name` of a module with values, in a page of the product, under its policy."""
    context = browser.new_context(base_url=product.url)
    page = context.new_page()
    page.goto("/accounts/login/")
    base = page.evaluate("new URL('.', document.querySelector('script[type=module]').src).href")

    def call(module: str, name: str, *values):
        return page.evaluate(
            "async ([url, name, values]) => (await import(url))[name](...values)", [base + module, name, list(values)]
        )

    yield call
    context.close()


PLACE = {"w": 400, "h": 300, "width": 300, "height": 300}
STILL = {"scale": 1, "x": 0, "y": 0}


def test_a_picture_lies_whole_in_its_frame(call):
    assert call(GEOMETRY, "fitted", {"w": 400, "h": 300}, {"w": 1000, "h": 1000}) == PLACE
    assert call(GEOMETRY, "fitted", {"w": 400, "h": 300}, {"w": 100, "h": 10})["height"] == 40


@pytest.mark.parametrize("zoom", [STILL, {"scale": 2.5, "x": -40, "y": 17}])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_mark_is_pressed_where_it_is_shown(call, zoom, mirrored):
    for x, y in ((0, 0), (0.5, 0.5), (0.25, 0.9), (1, 1)):
        shown = call(GEOMETRY, "shownAt", PLACE, zoom, x, y, mirrored)
        assert call(GEOMETRY, "pressedAt", PLACE, zoom, *shown, mirrored) == pytest.approx([x, y])
    assert call(GEOMETRY, "shownAt", PLACE, STILL, 0, 0, False) == [50, 0]
    assert call(GEOMETRY, "shownAt", PLACE, STILL, 0, 0, True) == [350, 0]


def test_beside_the_picture_nothing_is_pressed(call):
    for x, y in ((49, 10), (351, 10), (200, -1), (200, 301)):
        assert call(GEOMETRY, "pressedAt", PLACE, STILL, x, y, False) is None


def test_the_wheel_has_ends_and_what_is_not_zoomed_is_not_moved(call):
    closest = {"scale": 8, "x": 5, "y": 6}
    assert call(GEOMETRY, "zoomed", closest, True) == closest
    assert call(GEOMETRY, "zoomed", {"scale": 1.1, "x": 5, "y": 6}, False) == STILL
    assert call(GEOMETRY, "zoomed", STILL, True)["scale"] == pytest.approx(1.15)


def test_eyes_are_laid_on_eyes(call):
    source, target = [[10, 20], [50, 20]], [[100, 100], [100, 180]]
    a, b, c, d, e, f = call(GEOMETRY, "laidOver", source, target)
    for (x, y), to in zip(source, target, strict=True):
        assert [a * x + c * y + e, b * x + d * y + f] == pytest.approx(to)
    same = call(GEOMETRY, "laidOver", [[5, 5], [5, 5]], target)
    assert all(abs(one) < 1e6 for one in same), "two eyes in one place are no division by nothing"


def test_names_stand_where_they_cover_no_face_and_no_other_name(call):
    frame = {"w": 300, "h": 200}
    boxes = [[20, 40, 60, 90], [70, 40, 110, 90], [120, 40, 160, 90], [250, 2, 298, 60]]
    sizes = [[60, 15], [60, 15], None, [70, 15]]
    places = call(GEOMETRY, "labelled", frame, boxes, sizes)
    assert places[2] is None
    assert places[0] == [20, 25]
    shown = [[x, y, x + w, y + h] for (x, y), (w, h) in ((places[n], sizes[n]) for n in (0, 1, 3))]
    for one in shown:
        assert min(one[:2]) >= 0, one
        assert one[2] <= 300, one
        assert one[3] <= 200, one
        for other in [*boxes, *(label for label in shown if label is not one)]:
            apart = one[2] <= other[0] or one[0] >= other[2] or one[3] <= other[1] or one[1] >= other[3]
            assert apart, (one, other)
    assert call(GEOMETRY, "labelled", {"w": 50, "h": 50}, [[0, 0, 50, 50]], [[40, 12]]) == [None]


CARD = {"camera": "3", "collection": "1", "kind": "sought", "strength": "strong", "assigned": "kim"}


@pytest.mark.parametrize(
    ("narrowed", "fits"),
    [
        ({}, True),
        ({"camera": "3", "strength": "strong", "kind": "sought", "collection": "1"}, True),
        ({"camera": "4"}, False),
        ({"cameras": "1 2 3"}, True),
        ({"cameras": "13 33"}, False),
        ({"cameras": ""}, False),
        ({"strength": "fair"}, False),
        ({"whose": "mine", "user": "kim"}, True),
        ({"whose": "mine", "user": "lee"}, False),
        ({"whose": "nobody", "user": "kim"}, False),
        ({"q": "AVERY  stone"}, True),
        ({"q": "avery gate"}, False),
    ],
)
def test_an_alert_that_comes_fits_what_the_board_is_narrowed_to(call, narrowed, fits):
    assert call("fits.js", "fits", narrowed, CARD, "Avery Stone at North door") is fits


def test_pauses_grow_to_an_end(call):
    pauses = [500]
    for _ in range(8):
        pauses.append(call("feed.js", "nextPause", pauses[-1]))
    assert pauses[:4] == [500, 1000, 2000, 4000]
    assert pauses[-1] == 10_000


def test_files_go_in_groups_of_forty_and_64_megabytes(call):
    def sizes(*chosen):
        return [[one["size"] for one in group] for group in call("sending.js", "groups", [{"size": n} for n in chosen])]

    mega = 2**20
    assert sizes() == []
    assert [len(group) for group in sizes(*[1] * 100)] == [40, 40, 20]
    assert sizes(60 * mega, 10 * mega, 200 * mega, 1) == [[60 * mega], [10 * mega], [200 * mega], [1]]


def test_land_on_both_sides_of_the_date_line_goes_on(call):
    rings = [[[170, 60], [179, 61], [-179, 62], [-170, 60]], [[-10, 0], [10, 0], [10, 5]]]
    for ring, after in zip(rings, [[170, 179, 181, 190], [-10, 10, 10]], strict=True):
        assert [lon for lon, _ in call("base_map.js", "unbroken", ring)] == after
