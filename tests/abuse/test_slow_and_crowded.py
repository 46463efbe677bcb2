"""Who sends slowly holds nobody else up; a picture of a crowd, or of nothing but faces, is answered all the same."""

import socket
import time
from urllib.parse import urlsplit

import numpy as np
import pytest
import requests
from django.core.files.uploadedfile import SimpleUploadedFile

from matching.faces import images
from matching.faces.engines import MOST_FACES
from matching.models import Search
from tests import faces
from tests.product import Product

SLOW = 40


@pytest.mark.parametrize("path", ["search/", "api/v1/captures/"])
def test_forty_uploads_that_never_end_hold_nobody_up(product: Product, path):
    where = urlsplit(product.url)
    head = (
        f"POST /{path} HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        "Content-Length: 9000000\r\n\r\n--x\r\n"
    )
    slow = [socket.create_connection((where.hostname, where.port), timeout=20) for _ in range(SLOW)]
    try:
        for one in slow:
            one.sendall(head.encode())
        time.sleep(1)
        for _ in range(5):
            began = time.monotonic()
            assert requests.get(f"{product.url}accounts/login/", timeout=20).status_code == 200
            assert time.monotonic() - began < 5
            for one in slow:
                one.sendall(b"a")
    finally:
        for one in slow:
            one.close()


def test_a_picture_of_ten_thousand_faces_is_searched_by_the_clearest(any_model, six_cases, signed_in, user):
    small = images.open_image(faces.person(1)).rgb
    step = max(1, small.shape[0] // 24)
    tile = small[::step, ::step][:24, :24]
    crowd = np.tile(tile, (100, 100, 1))
    upload = SimpleUploadedFile("crowd.jpg", images.to_jpeg(crowd, max_side=2400, quality=95), "image/jpeg")
    answer = signed_in.post("/search/", {"image": upload, "purpose": "a stadium"}, follow=True)
    assert answer.status_code == 200
    assert Search.objects.get().probes.count() <= MOST_FACES


def test_of_a_crowd_that_is_too_large_the_page_says_which_faces_were_searched(
    any_model, six_cases, signed_in, monkeypatch
):
    monkeypatch.setattr("matching.faces.looking.MOST_FACES", 3)
    upload = SimpleUploadedFile("group.jpg", faces.GROUP.read_bytes(), "image/jpeg")
    page = signed_in.post("/search/", {"image": upload, "purpose": "a group"}, follow=True).content.decode()
    assert "the 3 best seen were searched" in page
    assert Search.objects.get().probes.count() == 3
