"""A package that waits is run when something is asked of it, and looks as if it always had been."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from hokusai_register import later

PACKAGE = "package_that_waits"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    place = tmp_path / PACKAGE
    place.mkdir()
    (place / "__init__.py").write_text("from package_that_waits.part import value\n")
    (place / "part.py").write_text("value = 42\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield place
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


@pytest.fixture(params=["alone", "first"])
def imported(request: pytest.FixtureRequest, package: Path) -> Iterator[ModuleType]:
    """The package, waiting."""
    waiting = {"alone": ([PACKAGE], []), "first": ([], [PACKAGE])}[request.param]
    finder = later.Finder(*waiting)
    sys.meta_path.insert(0, finder)
    assert package.is_dir()
    yield importlib.import_module(PACKAGE)
    sys.meta_path.remove(finder)


def ran(package: ModuleType) -> bool:
    return "value" in vars(package)


def test_it_is_run_once_something_is_asked_of_it(imported: ModuleType) -> None:
    assert not ran(imported)
    assert imported.value == 42
    assert type(imported) is ModuleType


def test_who_asks_for_nothing_runs_nothing(imported: ModuleType) -> None:
    again = importlib.import_module(PACKAGE)
    assert again is imported
    assert again.__name__ == PACKAGE
    assert again.__spec__ is not None
    assert not ran(again)


@pytest.mark.parametrize("imported", ["alone"], indirect=True)
def test_a_part_may_work_alone(imported: ModuleType) -> None:
    assert importlib.import_module(f"{PACKAGE}.part").value == 42
    assert not ran(imported)


@pytest.mark.parametrize("imported", ["first"], indirect=True)
def test_a_part_may_need_it_first(imported: ModuleType) -> None:
    assert importlib.import_module(f"{PACKAGE}.part").value == 42
    assert ran(imported)


def test_what_is_not_there_is_not_there(imported: ModuleType) -> None:
    with pytest.raises(AttributeError, match="nobody"):
        _ = imported.nobody
    assert ran(imported)


def test_one_that_fails_waits_again(imported: ModuleType, package: Path) -> None:
    whole = (package / "__init__.py").read_text()
    (package / "__init__.py").write_text("raise ImportError('not yet')\n")
    with pytest.raises(ImportError, match="not yet"):
        _ = imported.value
    importlib.invalidate_caches()
    (package / "__init__.py").write_text(whole)
    assert imported.value == 42


def test_its_files_are_found(imported: ModuleType, package: Path) -> None:
    (package / "data.txt").write_text("some")
    assert imported.value == 42
    assert pkgutil.get_data(PACKAGE, "data.txt") == b"some"


def test_others_are_not_made_to_wait(package: Path) -> None:
    finder = later.Finder(["another"], [])
    assert finder.find_spec(PACKAGE, None) is None
    assert finder.find_spec("another", None) is None, "it is nowhere"
    assert package.is_dir()
