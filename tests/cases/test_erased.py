"""Erased stays erased: the next run leaves them out, says so, and a person can let them come back."""

import pytest

from cases import erased, importing
from cases.models import AuditEvent, Case, ImportProblem, ImportSource, Tombstone
from matching import keeping


@pytest.fixture
def source(collection, tmp_path) -> ImportSource:
    path = tmp_path / "list.csv"
    path.write_text("n,name\n1,Ann Secret\n2,Bob\n")
    return ImportSource.objects.create(
        name="List",
        kind="spreadsheet",
        collection=collection,
        options={"file": str(path), "columns": {"number": "n", "name": "name"}},
    )


def run(source):
    return importing.work(importing.start(source))


@pytest.fixture
def ann(source) -> Case:
    run(source)
    return Case.objects.get(number="1")


def test_the_sources_next_run_makes_the_case_not_again_and_says_so(ann, source, user, tmp_path):
    keeping.erase(ann, user)
    (tmp_path / "list.csv").write_text("n,name,extra\n1,Ann Secret,new\n2,Bob,x\n3,Cid,x\n")
    done = run(source)
    assert sorted(Case.objects.values_list("number", flat=True)) == ["2", "3"]
    assert done.counts["erased here before"] == 1
    assert not ImportProblem.objects.exists()


def test_nothing_that_is_kept_names_whom(ann, source, user):
    keeping.erase(ann, user)
    run(source)
    kept = (
        str(list(Tombstone.objects.values()))
        + str(list(ImportProblem.objects.values()))
        + str(source.runs.first().counts)
    )
    assert "Ann" not in kept
    assert len(Tombstone.objects.first().digest) == 64


def test_one_whose_number_people_changed_stays_erased_by_the_sources_own_key(ann, source, user):
    ann.number = "changed"
    ann.save()
    keeping.erase(ann, user)
    run(source)
    assert not Case.objects.filter(name="Ann Secret").exists()


def test_a_case_that_people_made_does_not_come_by_a_source_after_it_was_erased(collection, source, user):
    case = Case.objects.create(collection=collection, number="1", name="Ann")
    keeping.erase(case, user)
    assert run(source).counts["erased here before"] == 1


def test_a_person_lets_one_come_back(ann, source, user, as_admin):
    keeping.erase(ann, user)
    page = as_admin.get(source.get_absolute_url()).content.decode()
    assert "Erased stays erased" in page
    wrong = as_admin.post(f"/imports/{source.pk}/lift/", {"number": "7", "why": "x"}, follow=True).content.decode()
    assert "Nobody of this number was erased here" in wrong
    assert (
        "why it may come back"
        in as_admin.post(f"/imports/{source.pk}/lift/", {"number": "1"}, follow=True).content.decode()
    )
    as_admin.post(f"/imports/{source.pk}/lift/", {"number": "1", "why": "the family asked"})
    assert AuditEvent.objects.get(action="lifted erasure").why == "the family asked"
    run(source)
    assert Case.objects.filter(number="1").exists()


def test_another_collection_is_another_matter(ann, source, user, db):
    from cases.models import Collection

    keeping.erase(ann, user)
    other = Collection.objects.create(name="Other")
    assert not erased.is_erased("spreadsheet", other.pk, "1", "1")
