"""Whole or not there at all, and whose it is."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from hokusai_register import keeping
from hokusai_register.errors import LocalStoreError


def test_it_takes_its_name_when_all_is_in_it(tmp_path: Path) -> None:
    target = tmp_path / "new" / "thing"
    with keeping.aside(target, Path.exists) as scratch:
        (scratch / "file").write_text("x")
        assert scratch.name.startswith(".thing.")
        assert not target.exists()
    assert [path.name for path in target.parent.iterdir()] == ["thing"]
    assert (target / "file").read_text() == "x"


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError), aside(tmp_path / "thing") as scratch:
        scratch.write_text("x")
    assert list(tmp_path.iterdir()) == []


def aside(target: Path) -> AbstractContextManager[Path]:
    """Put a directory in the place of all but one with the right `file` in it."""
    return keeping.aside(target, lambda path: content(path / "file") == "right")


def content(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def test_who_comes_second_finds_the_first(tmp_path: Path) -> None:
    target = tmp_path / "thing"
    with aside(target) as scratch:
        (scratch / "file").write_text("second")
        target.mkdir()
        (target / "file").write_text("right")
    assert content(target / "file") == "right"
    assert [path.name for path in tmp_path.iterdir()] == ["thing"]


def damaged_file(target: Path) -> None:
    target.write_text("wrong")


def damaged_link(target: Path) -> None:
    outside = target.with_name("outside")
    outside.mkdir()
    (outside / "file").write_text("kept")
    target.symlink_to(outside)


def damaged_directory(target: Path) -> None:
    (target / "deep").mkdir(parents=True)
    (target / "deep" / "file").write_text("wrong")


@pytest.mark.parametrize("damaged", [damaged_file, damaged_link, damaged_directory])
def test_what_is_not_whole_is_replaced(tmp_path: Path, damaged: Callable[[Path], None]) -> None:
    target = tmp_path / "thing"
    damaged(target)
    with aside(target) as scratch:
        (scratch / "file").write_text("right")
    assert content(target / "file") == "right"
    assert not target.is_symlink()
    left = {path.name for path in tmp_path.iterdir()} - {"thing"}
    assert left == ({"outside"} if damaged is damaged_link else set())
    assert "outside" not in left or content(tmp_path / "outside" / "file") == "kept"


def test_what_another_process_has_repaired_meanwhile_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "thing"
    damaged_directory(target)
    rename = Path.rename

    def overtaken(path: Path, to: Path) -> Path:
        if path == target:
            monkeypatch.undo()
            with aside(target) as scratch:
                (scratch / "file").write_text("right")
                (scratch / "first").touch()
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", overtaken)
    with aside(target) as scratch:
        (scratch / "file").write_text("right")
    assert content(target / "file") == "right"
    assert [path.name for path in tmp_path.iterdir()] == ["thing"]


@pytest.mark.parametrize("links", [True, False])
def test_the_first_file_of_a_name_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    if not links:
        monkeypatch.setattr(os, "link", no_links)
    target = tmp_path / "thing"
    for word in ("first", "second"):
        scratch = keeping.beside(target)
        scratch.write_text(word)
        keeping.appear(scratch, target)
        assert target.read_text() == "first"


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


only_root = pytest.mark.skipif(
    os.name == "nt" or os.geteuid() != 0, reason="only root gives files away"
)


@only_root
def test_what_another_process_removes_meanwhile_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name / "deep").mkdir(parents=True)
    seen: list[str] = []

    def chown(path: Path, *_: int, **__: bool) -> None:
        seen.append(path.name)
        for name in ("a", "b", "c"):
            shutil.rmtree(tmp_path / name, ignore_errors=True)

    monkeypatch.setattr(os, "chown", chown)
    keeping.give_to(tmp_path, tmp_path)
    assert tmp_path.name in seen


@only_root
def test_it_is_given_to_the_owner_and_no_link_is_followed(tmp_path: Path) -> None:
    for name in ("owner", "given", "outside"):
        (tmp_path / name).mkdir()
    (tmp_path / "given" / "link").symlink_to(tmp_path / "outside")
    os.chown(tmp_path / "owner", 1001, 1002)
    keeping.give_to(tmp_path / "owner", tmp_path / "given")
    shown = (tmp_path / "given" / "link").lstat()
    assert (shown.st_uid, shown.st_gid) == (1001, 1002)
    assert (tmp_path / "outside").stat().st_uid == 0
