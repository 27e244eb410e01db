"""Paths by the rules of Windows, and links as Windows and macOS have them."""

from __future__ import annotations

from pathlib import PureWindowsPath
from types import SimpleNamespace
from typing import Any

import pytest

from hokusai_register import artifact, files, paths


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let paths be those of Windows."""
    for module in (files, paths):
        monkeypatch.setattr(module, "Path", PureWindowsPath)


LEADS_OUT = ["", ".", "..", "a/../../b", "/etc/passwd"]
LEADS_OUT_THERE = ["a\\..\\..\\b", "\\x", "C:\\x", "C:x", "\\\\host\\share\\x"]


@pytest.mark.parametrize("path", LEADS_OUT)
def test_a_path_stays_inside_or_not(path: str) -> None:
    assert not files.inside(path)
    assert files.inside("a/b")


@pytest.mark.parametrize("path", LEADS_OUT_THERE)
def test_a_backslash_is_a_letter_here(path: str) -> None:
    assert files.inside(path)


@pytest.mark.usefixtures("windows")
@pytest.mark.parametrize("path", LEADS_OUT + LEADS_OUT_THERE)
def test_a_path_stays_inside_there_or_not(path: str) -> None:
    assert not files.inside(path)
    assert files.inside("a\\b/c")


def test_a_path_of_a_url() -> None:
    assert paths.of_url("/work/a%20b") == "/work/a b"
    assert paths.of_url("/C:/a%20b") == "/C:/a b"


@pytest.mark.usefixtures("windows")
def test_a_drive_of_a_url() -> None:
    assert paths.of_url("/C:/work/a%20b") == "C:/work/a b"
    assert paths.of_url("/work/a%20b") == "/work/a b"


def test_a_junction_is_a_link() -> None:
    entry: Any = SimpleNamespace(name="data", is_symlink=lambda: False, is_junction=lambda: True)
    assert artifact._left_out(entry) == "symbolic link"
