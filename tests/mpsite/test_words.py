"""Each hint on a page leads to its word, and the words are there for everybody who signs in."""

import re

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
