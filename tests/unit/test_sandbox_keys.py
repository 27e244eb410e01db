"""A sandbox key is shown once, kept as a hash, and out of force when revoked."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from hokusai_register.sandbox.keys import Key, Keys


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "keys.db")


def test_a_key_has_the_form_of_the_service(keys: Keys) -> None:
    assert re.fullmatch(r"hk_test_[A-Za-z0-9]{43}", keys.create(["admin"]))


def test_no_two_keys_are_equal(keys: Keys) -> None:
    assert keys.create(["admin"]) != keys.create(["admin"])


def test_finds_its_record(keys: Keys) -> None:
    key = keys.create(["write", "admin", "admin"], "laptop")
    found = keys.find(key)
    assert found
    assert (found.name, found.scopes, found.revoked) == ("laptop", ("admin", "write"), None)
    assert found.created.endswith("Z")


@pytest.mark.parametrize("wrong", ["", "hk_test_", "hk_test_" + "a" * 43, "\udcff", "'; --"])
def test_finds_no_other(keys: Keys, wrong: str) -> None:
    keys.create(["admin"])
    assert keys.find(wrong) is None


def test_a_revoked_key_is_not_found_but_listed(keys: Keys) -> None:
    key = keys.create(["admin"])
    assert keys.revoke(1)
    assert keys.find(key) is None
    assert [bool(record.revoked) for record in keys.list()] == [True]


def test_revokes_once_and_only_what_is_there(keys: Keys) -> None:
    keys.create(["admin"])
    assert [keys.revoke(1), keys.revoke(1), keys.revoke(2)] == [True, False, False]


def test_another_process_sees_the_same_keys(keys: Keys, tmp_path: Path) -> None:
    key = keys.create(["admin"])
    assert Keys(tmp_path / "keys.db").find(key)


def test_the_files_hold_no_key_and_are_the_owners(keys: Keys, tmp_path: Path) -> None:
    key = keys.create(["admin"])
    files = list(tmp_path.iterdir())
    assert not any(key.encode() in file.read_bytes() for file in files)
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


@pytest.mark.parametrize(
    ("scope", "opens_registry", "may_write"),
    [
        ("admin", True, True),
        ("mlflow:admin", True, True),
        ("registry:admin", True, False),
        ("model-registry:admin", True, False),
        ("model:write", False, True),
        ("mlflow:write", False, True),
        ("mlflow:access", False, True),
        ("write", False, True),
        ("full_access", False, True),
        ("model:read", False, False),
        ("Admin", False, False),
    ],
)
def test_scopes_open_what_they_open_at_the_service(
    scope: str, opens_registry: bool, may_write: bool
) -> None:
    key = Key(1, "", ("model:read", scope), "")
    assert (key.opens_registry, key.may_write) == (opens_registry, may_write)


def test_eight_that_begin_at_the_same_moment_all_get_a_key(tmp_path: Path) -> None:
    together = Barrier(8)

    def create(_: int) -> str:
        together.wait()
        return Keys(tmp_path / "new.db").create(["admin"])

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(create, range(8)))
    assert len(Keys(tmp_path / "new.db").list()) == len(set(made)) == 8
