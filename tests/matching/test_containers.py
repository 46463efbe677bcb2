"""What lies in zips and mails, one in the other; hashes of all, the same picture once, and files that are known."""

import csv
import gzip
import hashlib
import io
import json
import mailbox
import tarfile
import zipfile
from email.message import EmailMessage

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from matching.faces import children
from matching.models import BatchPicture, HashList, Shot
from matching.searching import containers, evidence, known_files
from tests import faces, needs
from tests.archives import HAS_LIBARCHIVE, rar, written
from tests.compound_files import compound_file, outlook_mail
from tests.matching.test_batches import batch, clip, who, why, zipped  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)


def packed(**members: bytes) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as folder:
        for name, content in members.items():
            folder.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return whole.getvalue()


def mail(*attached: tuple[str, bytes, str], subject: str = "Pictures") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.org", "b@example.org", subject
    message.set_content("See attached.")
    for name, content, kind in attached:
        main, sub = kind.split("/")
        message.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return message


def test_a_picture_is_found_however_deep_it_lies(batch):  # noqa: F811
    letter = mail(("photos.zip", packed(in_dot_jpg=faces.person(3)), "application/zip"))
    made = batch(("phone.zip", packed(mails__one_dot_eml=letter.as_bytes(), read_dot_txt=b"hello")))
    assert who(made) == [("MP3", 1)]
    assert Shot.objects.get().name == "mails/one.eml/photos.zip/in.jpg"
    assert why(made)["read.txt"] == "It is no picture."


def test_a_mailbox_and_a_forwarded_mail(batch, tmp_path, signed_in):  # noqa: F811
    box = mailbox.mbox(tmp_path / "box", create=True)
    inner = mail(("inner.jpg", faces.person(3), "image/jpeg"))
    outer = mail()
    outer.add_attachment(inner)
    box.add(mail(subject="nothing in it"))
    box.add(outer)
    box.close()
    made = batch(("old.mbox", (tmp_path / "box").read_bytes()))
    assert who(made) == [("MP3", 1)]
    shot = Shot.objects.get()
    assert shot.name == "mail 2/inner.jpg"
    assert signed_in.get(f"/shots/{shot.pk}/picture/").status_code == 200
    assert hashlib.sha256(faces.person(3)).hexdigest() in signed_in.get(f"/shots/{shot.pk}/").content.decode()


def tarred(how: str = "", **members: bytes) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode=f"w:{how}") as folder:
        for name, content in members.items():
            entry = tarfile.TarInfo(name.replace("__", "/").replace("_dot_", "."))
            entry.size = len(content)
            folder.addfile(entry, io.BytesIO(content))
    return whole.getvalue()


@pytest.mark.parametrize(
    ("name", "how", "inside"),
    [
        ("phone.tar", "", "dcim/a.jpg"),
        ("phone.tar.gz", "gz", "phone.tar/dcim/a.jpg"),
        ("phone.tgz", "gz", "phone.tar/dcim/a.jpg"),
        ("phone.tar.bz2", "bz2", "phone.tar/dcim/a.jpg"),
        ("phone.bin", "xz", "phone/dcim/a.jpg"),
    ],
)
def test_a_tar_is_opened_however_it_is_packed(batch, name, how, inside):  # noqa: F811
    letter = mail(("b.jpg", faces.person(1), "image/jpeg")).as_bytes()
    whole = tarred(how, dcim__a_dot_jpg=faces.person(3), mails__b_dot_eml=letter, notes_dot_txt=b"hello")
    made = batch((name, whole))
    assert sorted(who(made)) == [("MP1", 1), ("MP3", 1)]
    assert inside in {shot.name for shot in Shot.objects.all()}
    assert [words for path, words in why(made).items() if path.endswith("notes.txt")] == ["It is no picture."]


def test_a_picture_that_is_packed_by_itself(batch):  # noqa: F811
    made = batch(("x.zip", packed(a_dot_jpg_dot_gz=gzip.compress(faces.person(3)), b_dot_gz=b"\x1f\x8b\x08 cut")))
    assert who(made) == [("MP3", 1)]
    assert Shot.objects.get().name == "a.jpg.gz/a.jpg"
    assert "cannot be unpacked" in why(made)["b.gz"]


def test_what_a_tar_holds_that_is_no_file_is_said(batch):  # noqa: F811
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as folder:
        for name, kind in (("link.jpg", tarfile.SYMTYPE), ("../out.jpg", tarfile.REGTYPE), ("dir", tarfile.DIRTYPE)):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "/etc/passwd"
            folder.addfile(entry, io.BytesIO())
        entry = tarfile.TarInfo("./a.jpg")
        entry.size = len(faces.person(3))
        folder.addfile(entry, io.BytesIO(faces.person(3)))
    made = batch(("x.tar", whole.getvalue()))
    assert who(made) == [("MP3", 1)]
    assert "link or a device" in why(made)["link.jpg"]
    assert "leads out" in why(made)["../out.jpg"]
    assert "dir" not in why(made)


def test_a_tar_that_breaks_off_gives_what_it_has(batch):  # noqa: F811
    whole = tarred(a_dot_jpg=faces.person(3), b_dot_jpg=faces.person(1))
    made = batch(("x.tar", whole[: len(faces.person(3)) + 2000]), ("good.jpg", faces.person(1)))
    assert ("MP1", 1) in who(made)
    assert any("cannot be" in words or "not an image" in words for words in why(made).values())


def test_a_bomb_that_is_one_stream_is_refused(batch, monkeypatch):  # noqa: F811
    monkeypatch.setattr(containers, "MOST_NESTED", 1_000_000)
    bomb = gzip.compress(tarred(a_dot_jpg=b"\0" * 5_000_000))
    made = batch(("bomb.tar.gz", bomb), ("good.jpg", faces.person(3)))
    assert who(made) == [("MP3", 1)]
    assert "GB" in why(made)["bomb.tar"]


def test_a_mail_as_outlook_saves_it(batch, signed_in):  # noqa: F811
    inner = outlook_mail(("inner.jpg", faces.person(1)), ("notes.txt", b"hello"))
    whole = compound_file(outlook_mail(("Zoë.jpg", faces.person(3)), ("Fwd: photos", inner)))
    made = batch(("tip.msg", whole))
    assert sorted(who(made)) == [("MP1", 1), ("MP3", 1)]
    assert {shot.name for shot in Shot.objects.all()} == {"zoë.jpg", "inner.jpg"}
    assert why(made) == {"notes.txt": "It is no picture."}
    shot = Shot.objects.get(name="inner.jpg")
    assert signed_in.get(f"/shots/{shot.pk}/picture/").status_code == 200


@pytest.mark.parametrize(
    "content",
    [compound_file({"WordDocument": b"an old document"}), compound_file(outlook_mail())[:1000]],
    ids=["an old document", "cut short"],
)
def test_other_compound_files_are_no_mails(batch, content):  # noqa: F811
    made = batch(("x.zip", packed(old_dot_doc=content, good_dot_jpg=faces.person(3))))
    assert who(made) == [("MP3", 1)]
    assert "The document" in why(made)["old.doc"]


def test_the_same_picture_is_looked_at_once_and_said(batch):  # noqa: F811
    made = batch(("a.jpg", faces.person(3)), ("b.zip", packed(c_dot_jpg=faces.person(3), d_dot_jpg=faces.person(1))))
    assert why(made)["c.jpg"] == "The same file as a.jpg, which was looked at."
    assert BatchPicture.objects.filter(sha256=hashlib.sha256(faces.person(3)).hexdigest()).count() == 2
    assert Shot.objects.count() == 2


def nested(depth: int) -> bytes:
    whole = faces.person(3)
    for number in range(depth):
        whole = packed(**{"x.jpg" if not number else "inner.zip": whole})
    return whole


def test_how_deep_it_goes_has_an_end(batch):  # noqa: F811
    assert who(batch(("fine.zip", nested(containers.DEEPEST)))) == [("MP3", 1)]
    made = batch(("deep.zip", nested(containers.DEEPEST + 1)))
    assert [one for one in why(made).values() if "lie in each other" in one]


def test_a_bomb_in_a_zip_is_refused_and_the_rest_is_searched(batch, monkeypatch):  # noqa: F811
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as folder:
        folder.writestr("a.bin", b"PK" + b"\0" * 5_000_000)
        folder.writestr("z.jpg", faces.person(3))
    monkeypatch.setattr(containers, "MOST_NESTED", 1_000_000)
    made = batch(("bomb.zip", bomb.getvalue()))
    assert "GB" in why(made)["a.bin"]
    assert who(made) == [("MP3", 1)]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("clip.mp4", b"x", "not an image that can be read"),
        ("disk.e01", b"EVF", "the image of a disk"),
        ("cut.zip", b"PK\x03\x04 broken", "cannot be read"),
        ("notes.txt", b"hello", "It is no picture."),
        ("cut.jpg", b"\xff\xd8\xff\xe0", "not an image that can be read"),
    ],
)
def test_what_is_not_opened_says_why(batch, name, content, words):  # noqa: F811
    made = batch(("x.zip", packed(**{name: content, "good.jpg": faces.person(3)})))
    assert words in why(made)[name]
    assert who(made) == [("MP3", 1)]


def test_an_archive_that_is_not_opened_says_so_where_it_is_sent_by_itself(batch):  # noqa: F811
    made = batch(("phone.dd", b"\xeb\x63\x90"), ("good.jpg", faces.person(3)))
    assert "Mount it and send what it holds" in why(made)["phone.dd"]
    assert who(made) == [("MP3", 1)]


INSIDE = {"DCIM/1.jpg": faces.person(3), "notes.txt": b"hello", "deep.zip": packed(in_dot_jpg=faces.person(1))}


@needs.libarchive
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("phone.rar", rar(INSIDE)),
        ("phone.7z", written(INSIDE, "7zip") if HAS_LIBARCHIVE else b""),
        ("phone.tar.zst", written(INSIDE, "pax", "zstd") if HAS_LIBARCHIVE else b""),
        ("disc.iso", written(INSIDE, "iso9660") if HAS_LIBARCHIVE else b""),
    ],
    ids=["RAR", "7-Zip", "Zstandard", "disc"],
)
@pytest.mark.parametrize("is_inside", [False, True], ids=["sent", "in a zip"])
def test_archives_of_other_programs_are_opened_as_zips_are(batch, name, content, is_inside):  # noqa: F811
    if is_inside:
        whole = io.BytesIO()
        with zipfile.ZipFile(whole, "w") as folder:
            folder.writestr(name, content)
        made, before = batch(("all.zip", whole.getvalue())), f"{name}/"
    else:
        made, before = batch((name, content)), ""
    assert sorted(who(made)) == [("MP1", 1), ("MP3", 1)]
    rows = {row.name: row.sha256 for row in BatchPicture.objects.filter(file__batch=made)}
    assert rows[f"{before}DCIM/1.jpg"] == hashlib.sha256(faces.person(3)).hexdigest()
    assert rows[f"{before}notes.txt"] == hashlib.sha256(b"hello").hexdigest()
    assert why(made) == {f"{before}notes.txt": "It is no picture."}


@needs.libarchive
def test_of_an_archive_that_is_cut_short_what_can_be_had_is_taken_and_the_rest_said(batch):  # noqa: F811
    whole = rar({"1.jpg": faces.person(3), "2.jpg": faces.person(1), "3.jpg": faces.person(2)})
    made = batch(("a.rar", whole[: whole.index(faces.person(1)) + 500]))
    assert who(made) == [("MP3", 1)]
    said = why(made)
    assert set(said) == {"2.jpg", "what lies behind"}
    assert BatchPicture.objects.filter(file__batch=made).count() == 3, "half a file is not listed as a whole one, too"
    assert all("cannot be unpacked" in words for words in said.values())


@needs.libarchive
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (rar({"1.jpg": faces.person(3)}, locked=True), "locked by a password"),
        (b"Rar!\x1a\x07\x00 no archive", "cannot be unpacked"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(60), "holds no file, or is damaged"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(range(200)), "cannot be unpacked: it is damaged. Pack"),
        (b"MSCF\0\0\0\0" + bytes(60), "cannot be unpacked"),
        (b"\x28\xb5\x2f\xfd" + bytes(60), "cannot be unpacked"),
    ],
    ids=["locked", "no RAR", "empty 7-Zip", "no 7-Zip", "no cabinet", "no Zstandard"],
)
def test_an_archive_that_cannot_be_opened_says_why_and_loses_nothing_else(batch, content, words):  # noqa: F811
    made = batch(("x.zip", packed(a_dot_rar=content)), ("good.jpg", faces.person(2)))
    assert words in " ".join(why(made).values())
    assert who(made) == [("MP2", 1)]


@needs.libarchive
def test_an_archive_of_too_much_is_ended(batch, monkeypatch):  # noqa: F811
    monkeypatch.setattr(containers, "MOST_UNPACKED", 2**20)
    made = batch(("a.7z", written({"zeros": bytes(2**24)}, "7zip")), ("good.jpg", faces.person(3)))
    assert "Send what it holds in parts." in why(made)["a.7z"]
    assert who(made) == [("MP3", 1)]


@needs.libarchive
def test_names_in_an_archive_lead_nowhere_and_hide_nothing(batch):  # noqa: F811
    inside = {
        "../../out.jpg": faces.person(1),
        "/etc/passwd.jpg": faces.person(2),
        "Jos\u00e9 \u5bab.jpg": faces.person(3),
    }
    made = batch(("a.7z", written(inside, "7zip")))
    assert who(made) == [("MP3", 1)]
    assert set(why(made).values()) == {"Its path leads out of the archive, so it was left alone."}
    assert Shot.objects.get().name == "Jos\u00e9 \u5bab.jpg"


def test_without_libarchive_it_says_what_is_missing(batch, monkeypatch):  # noqa: F811
    monkeypatch.setitem(children.ENVIRONMENT, "LIBARCHIVE", "/nowhere.so")
    made = batch(("a.rar", rar({"1.jpg": faces.person(3)})), ("good.jpg", faces.person(2)))
    assert "by installing libarchive" in why(made)["a.rar"]
    assert who(made) == [("MP2", 1)]


def test_a_broken_mail_costs_only_itself(batch):  # noqa: F811
    broken = (
        b"From: a\xff\nSubject: =?x?y?z\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: image/jpeg\n"
    )
    broken += b"Content-Disposition: attachment; filename*=bad''%zz\nContent-Transfer-Encoding: base64\n\n!!!!\n"
    made = batch(("mail.eml", broken), ("good.jpg", faces.person(3)))
    assert who(made) == [("MP3", 1)]


def test_it_goes_on_where_it_was(tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(
        packed(
            a_dot_jpg=faces.person(1),
            b_dot_eml=mail(("c.jpg", faces.person(3), "image/jpeg")).as_bytes(),
            d_dot_jpg=b"x",
        )
    )
    whole = [(one.place, one.name) for one in evidence.pictures(path, "x.zip")]
    assert whole == [(0, "a.jpg"), (1, "b.eml/c.jpg"), (2, "d.jpg")]
    assert [one.name for one in evidence.pictures(path, "x.zip", 0)] == ["b.eml/c.jpg", "d.jpg"]
    assert evidence.amount(path) == 3


def test_all_files_are_listed_with_their_hashes(batch, signed_in):  # noqa: F811
    made = batch(("x.zip", packed(a_dot_jpg=faces.person(3), b_dot_txt=b"x")))
    answer = signed_in.get(f"/batches/{made.pk}/files.csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [(one["picture"], one["faces"]) for one in rows] == [("a.jpg", "1"), ("b.txt", "0")]
    assert rows[0]["sha256"] == hashlib.sha256(faces.person(3)).hexdigest()
    assert rows[1]["to know"] == "It is no picture."


def test_what_nobody_looks_into_has_its_hash_too(batch, monkeypatch):  # noqa: F811
    monkeypatch.setattr(containers, "DEEPEST", 2)
    # A zip says when it was packed.
    deepest = packed(b_dot_txt=b"x")
    inside = {
        "notes.txt": b"hello",
        "chat.db": b"SQLite format 3\0" + bytes(3 * 2**20),
        "old.rar": b"Rar!" + bytes(50),
        "broken.zip": b"PK\x03\x04 no zip",
        "deep.zip": packed(a_dot_zip=deepest),
        "../out.jpg": faces.person(3),
    }
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as folder:
        for name, content in inside.items():
            folder.writestr(name, content)
    made = batch(("phone.zip", whole.getvalue()), ("alone.7z", b"7z\xbc\xaf"), ("alone.txt", b"words"))
    inside |= {"deep.zip/a.zip": deepest, "alone.7z": b"7z\xbc\xaf", "alone.txt": b"words"}
    del inside["deep.zip"]
    rows = BatchPicture.objects.filter(file__batch=made)
    assert {row.name: row.sha256 for row in rows} == {
        name: hashlib.sha256(content).hexdigest() for name, content in inside.items()
    }
    assert all(row.why for row in rows)


def test_of_what_comes_out_without_an_end_only_so_much_is_hashed(batch, monkeypatch):  # noqa: F811
    monkeypatch.setattr(containers, "MOST_UNPACKED", 2**20)
    made = batch(("a.tar", tarred(a_dot_bin=bytes(2**20), b_dot_bin=b"x", c_dot_jpg=faces.person(3))))
    sums = dict(BatchPicture.objects.filter(file__batch=made).values_list("name", "sha256"))
    assert sums["a.bin"] == hashlib.sha256(bytes(2**20)).hexdigest()
    assert sums["b.bin"] == ""
    assert who(made) == [("MP3", 1)]


def listed(content: bytes) -> HashList:
    return known_files.add("Project", io.BytesIO(content), None)


@pytest.mark.parametrize("kind", ["md5", "sha1", "sha256"])
def test_a_known_file_is_never_opened(batch, kind):  # noqa: F811
    listed(f"# a list\n{hashlib.new(kind, faces.person(3)).hexdigest().upper()}  x.jpg\n".encode())
    made = batch(("a.jpg", faces.person(3)))
    assert why(made)["a.jpg"] == "The list Project knows this file; it was not opened."
    assert not Shot.objects.exists()


def test_a_known_clip_or_zip_is_never_opened_either(batch, tmp_path):  # noqa: F811
    street, pictures = clip(tmp_path), packed(a_dot_jpg=faces.person(3))
    listed(f"{hashlib.md5(street).hexdigest()} {hashlib.sha1(pictures).hexdigest()}".encode())
    made = batch(("street.mp4", street), ("x.zip", pictures), ("b.jpg", faces.person(1)))
    known = "The list Project knows this file; it was not opened."
    assert why(made) == {"street.mp4": known, "x.zip": known}
    assert who(made) == [("MP1", 1)]
    assert (made.done, made.total) == (5, 5)


def test_the_same_clip_is_looked_at_once(batch, tmp_path):  # noqa: F811
    street = clip(tmp_path)
    made = batch(("a.mp4", street), ("b.mp4", street))
    assert why(made) == {"b.mp4": "The same file as a.mp4, which was looked at."}
    assert sorted(who(made)) == [("MP1", 1), ("MP3", 1)]


def test_a_member_without_a_name_costs_no_other(batch):  # noqa: F811
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as opened:
        for name in (".", "a.jpg"):
            opened.writestr(name, faces.person(3))
    made = batch(("x.zip", held.getvalue()))
    assert who(made) == [("MP3", 1)]
    assert "leads out of the archive" in why(made)["."]


def test_lists_of_vic_and_caid_are_read():
    vic = {
        "value": [
            {"Cases": [{"Media": [{"MD5": "A" * 32, "SHA1": "b" * 40, "Category": 1}, {"Hash-Value": "c" * 64}]}]}
        ]
    }
    assert listed(json.dumps(vic).encode()).hashes == 3


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("", b"a" * 32, "Give the list a name"),
        ("x", b"no hash here", "holds no MD5"),
        ("x", b'{"value": [', "no JSON that can be read"),
        ("Project", b"a" * 32, "There is a list Project already"),
        ("x", b"\xff\xfe\0\0" + b"\0" * 100, "holds no MD5"),
    ],
)
def test_a_bad_list_is_refused_whole(as_admin, name, content, words):
    listed(b"b" * 32)
    sent = {"name": name, "file": SimpleUploadedFile("list.txt", content)}
    assert words in as_admin.post("/batches/known-files/", sent, follow=True).content.decode()
    assert HashList.objects.count() == 1


def test_a_list_is_added_and_removed_by_an_administrator(as_admin, signed_in):
    assert signed_in.get("/batches/known-files/").status_code == 403
    sent = {"name": "Ours", "file": SimpleUploadedFile("list.txt", b"a" * 32 + b"\n" + b"b" * 40)}
    shown = as_admin.post("/batches/known-files/", sent, follow=True).content.decode()
    assert "Ours: hashes known now: 2" in shown
    as_admin.post(f"/batches/known-files/{HashList.objects.get().pk}/remove/")
    assert not HashList.objects.exists()
