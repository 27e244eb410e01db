"""Whole or not there at all, and whose it is."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from hokusai_register import keeping
from hokusai_register.errors import LocalStoreError


def test_it_takes_its_name_when_all_is_in_it(tmp_path: Path) -> None:
    target = tmp_path / "new" / "thing"
    with keeping.aside(target) as scratch:
        (scratch / "file").write_text("x")
        assert scratch.name.startswith(".thing.")
        assert not target.exists()
    assert [path.name for path in target.parent.iterdir()] == ["thing"]
    assert (target / "file").read_text() == "x"


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError), keeping.aside(tmp_path / "thing") as scratch:
        scratch.write_text("x")
    assert list(tmp_path.iterdir()) == []


def test_who_comes_second_finds_the_first(tmp_path: Path) -> None:
    target = tmp_path / "thing"
    with keeping.aside(target) as scratch:
        (scratch / "file").write_text("second")
        target.mkdir()
        (target / "file").write_text("first")
    assert (target / "file").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["thing"]


def test_only_what_was_left_long_ago_is_swept(tmp_path: Path) -> None:
    for name in (".thing.00000000", ".thing.11111111", "thing"):
        (tmp_path / name).mkdir()
    (tmp_path / ".other.22222222").write_text("")
    for name in (".thing.00000000", ".other.22222222", "thing"):
        os.utime(tmp_path / name, (0, time.time() - keeping.STALE - 9))
    keeping.sweep(tmp_path, ".*.????????")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".thing.11111111", "thing"]


def test_the_disk_has_the_word(tmp_path: Path) -> None:
    with pytest.raises(LocalStoreError, match="cannot be kept"), keeping.disk(tmp_path):
        raise OSError(28, "No space left on device")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root gives files away")
def test_it_is_given_to_the_owner_and_no_link_is_followed(tmp_path: Path) -> None:
    for name in ("owner", "given", "outside"):
        (tmp_path / name).mkdir()
    (tmp_path / "given" / "link").symlink_to(tmp_path / "outside")
    os.chown(tmp_path / "owner", 1001, 1002)
    keeping.give_to(tmp_path / "owner", tmp_path / "given")
    shown = (tmp_path / "given" / "link").lstat()
    assert (shown.st_uid, shown.st_gid) == (1001, 1002)
    assert (tmp_path / "outside").stat().st_uid == 0
