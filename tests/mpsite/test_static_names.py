"""Static files are named by what they hold, and asked for once."""

import re

import pytest
from django.conf import settings
from django.test import Client

from mpsite.static_names import fingerprint


def addresses(client: Client) -> list[str]:
    return re.findall(r'(?:src|href)="(/static/[^"]+)"', client.get("/accounts/login/").content.decode())


@pytest.mark.django_db
def test_it_works(client):
    found = addresses(client)
    assert len(found) > 4
    for address in found:
        answer = client.get(address)
        assert b"".join(answer), address
        answer.close()
        assert "immutable" in answer["Cache-Control"], address


@pytest.mark.django_db
def test_a_page_of_another_version_finds_what_it_asks_for(client):
    now = next(one for one in addresses(client) if one.endswith("console.js"))
    before = now.replace(settings.STATIC_URL.split("/")[-2], "0123456789ab")
    answer = client.get(before)
    assert (answer.status_code, answer["Location"]) == (302, now)
    climbing = ["%2e%2e/%2e%2e//evil.example/x", "..%2f..%2faccounts/login/", "../settings.py"]
    other = [now.replace("console", "nothing"), "/static/js/console.js"]
    for odd in [*other, *(f"/static/0123456789ab/{one}" for one in climbing)]:
        assert client.get(odd, follow=True).status_code == 404, odd


def test_a_name_changes_with_any_content_or_name(tmp_path):
    (tmp_path / "js").mkdir()
    script, lock = tmp_path / "js" / "one.js", tmp_path.parent / f"{tmp_path.name}.lock"
    script.write_text("1")
    lock.write_text("a")
    seen = [fingerprint(tmp_path, [lock])]
    assert seen[0] == fingerprint(tmp_path, [lock])
    script.write_text("2")
    seen.append(fingerprint(tmp_path, [lock]))
    script.rename(tmp_path / "js" / "two.js")
    seen.append(fingerprint(tmp_path, [lock]))
    lock.write_text("b")
    seen.append(fingerprint(tmp_path, [lock]))
    assert len(set(seen)) == 4
