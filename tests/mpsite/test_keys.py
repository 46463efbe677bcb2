"""Machines of one installation have its keys in common; one that has others does nothing and says what to do."""

import shutil
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from cases import audit_key
from cases.models import KeyPrint
from matching.telling import push
from mpsite import backup, keys


@pytest.fixture
def machine(settings, tmp_path, db):
    """Goes to the machine whose data folder has a name."""

    def go(name: str) -> Path:
        settings.DATA_DIR = tmp_path / name
        settings.DATA_DIR.mkdir(exist_ok=True)
        audit_key._key.cache_clear()
        push._vapid.cache_clear()
        return settings.DATA_DIR

    yield go
    audit_key._key.cache_clear()
    push._vapid.cache_clear()


def test_the_first_machine_makes_them_and_a_second_works_with_copies_alone(machine):
    first = machine("first")
    call_command("keys")
    second = machine("second")
    with pytest.raises(CommandError, match=r"audit_key, push_key\.pem, signing_key: missing here\. Copy") as refusal:
        call_command("keys")
    assert str(second) in str(refusal.value)
    assert not any(second.iterdir()), "no key was made that the others do not have"
    for path in first.iterdir():
        shutil.copy(path, second)
    call_command("keys")


def test_one_with_keys_of_its_own_is_refused_until_they_take_the_others_place(machine, settings):
    machine("first")
    call_command("keys")
    before = dict(KeyPrint.objects.values_list("name", "digest"))
    second = machine("second")
    for name in ("audit_key", "push_key.pem", "signing_key"):
        keys.KEYS[name]()
    settings.SECRET_KEY = "another-secret-of-fifty-letters"
    with pytest.raises(
        CommandError, match=r"audit_key, push_key\.pem, secret_key, signing_key: not this installation's"
    ):
        call_command("prepare", "--no-input", "--no-demo")
    assert dict(KeyPrint.objects.values_list("name", "digest")) == before
    call_command("keys", "--take-these")
    call_command("keys")
    assert {path.name for path in second.iterdir()} >= {"audit_key", "push_key.pem", "signing_key"}


def test_each_key_is_in_backups(machine):
    assert set(keys.KEYS) <= set(backup.KEYS)
