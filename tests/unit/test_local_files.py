"""The files of a local store: whole or not there, also when two processes put the same."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import pytest

from hokusai_register.errors import FileError
from hokusai_register.files import Parcel
from hokusai_register.model import File
from hokusai_register.registrars.local import LocalFiles

WEIGHTS = b"weights"
FILE = File("model.bin", len(WEIGHTS), hashlib.sha256(WEIGHTS).hexdigest())
RUN = "1/run/artifacts/model"


@pytest.fixture
def shelf(tmp_path: Path) -> LocalFiles:
    """A store beside a bundle that keeps the file."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / FILE.path).write_bytes(WEIGHTS)
    (tmp_path / "store" / "artifacts").mkdir(parents=True)
    return LocalFiles(tmp_path / "store" / "mlflow.db", tmp_path / "kept")


def put(shelf: LocalFiles, content: bytes = WEIGHTS) -> int:
    """Put the file; `content` is read where no link can be made. Return the bytes counted."""
    counted: list[int] = []
    parcel = Parcel(f"{RUN}/{FILE.path}", FILE, lambda: io.BytesIO(content))
    shelf.put([parcel], counted.append, lambda: None)
    return sum(counted)


def names(store: Path) -> list[str]:
    return [path.name for path in store.rglob("*") if path.is_file()]


def no_links(*_: object) -> None:
    raise PermissionError


@pytest.mark.parametrize("links", [True, False])
def test_a_file_is_put_and_put_again(
    shelf: LocalFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:
        monkeypatch.setattr(os, "link", no_links)
    for _ in range(2):
        assert put(shelf) == FILE.size
        assert shelf.digest(f"{RUN}/{FILE.path}") == (FILE.sha256, FILE.size)
        assert names(tmp_path / "store") == [FILE.path]
    kept = (tmp_path / "kept" / FILE.path).stat()
    assert (kept.st_nlink == 2) is links


def test_a_file_that_is_not_what_was_hashed_is_not_there(
    shelf: LocalFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", no_links)
    with pytest.raises(FileError):
        put(shelf, b"w3ights")
    assert names(tmp_path / "store") == []


def test_who_puts_the_same_meanwhile_does_no_harm(
    shelf: LocalFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def overtaken(source: Path, target: Path) -> None:
        monkeypatch.undo()
        put(shelf)
        link(source, target)

    monkeypatch.setattr(os, "link", overtaken)
    assert put(shelf) == FILE.size
    assert names(tmp_path / "store") == [FILE.path]
    assert shelf.files(RUN) == {FILE.path: FILE.size}
