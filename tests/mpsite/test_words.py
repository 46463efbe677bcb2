"""Each hint on a page leads to its word, and the words are there for everybody who signs in."""

import re
from importlib import import_module

import django_filters
import pytest
from django.conf import settings

pytestmark = pytest.mark.django_db

TEMPLATES = settings.BASE_DIR / "templates"


def test_each_hint_leads_to_a_word_that_is_explained(signed_in):
    asked = {
        word
        for path in TEMPLATES.rglob("*.html")
        for word in re.findall(r'"_word.html" with word="([^"]+)"', path.read_text())
    }
    page = signed_in.get("/words/").content.decode()
    assert len(asked) >= 5
    assert asked <= set(re.findall(r'<dt id="([^"]+)"', page))


def test_a_searched_face_has_its_hint(any_model, six_cases, user, signed_in):
    from matching.searching import pictures
    from tests import faces

    search = pictures.search_image(faces.person(1), "x.jpg", user=user, purpose="x")
    page = signed_in.get(search.get_absolute_url()).content.decode()
    assert 'href="/words/#similarity"' in page
    assert "cosine" not in page


def test_each_filter_of_a_list_says_what_it_is():
    """One that names no field of its model is called "invalid name" by the library."""
    for module in ("cases.filters", "cases.desk_api", "matching.filters"):
        import_module(module)
    found = [one for one in _every(django_filters.FilterSet) if one.__module__.startswith(("cases.", "matching."))]
    assert len(found) >= 4
    for filters in found:
        # Without a model of its own it takes that of its list.
        for name, one in filters.base_filters.items() if filters._meta.model else ():
            one.model = filters._meta.model
            assert "invalid name" not in str(one.label), f"{filters.__name__}.{name}"


def _every(base: type) -> list[type]:
    return [one for child in base.__subclasses__() for one in (child, *_every(child))]
