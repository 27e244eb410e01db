"""The result file belongs to the workspace's owner, also when root writes it in a container."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hokusai_register.artifact import Roots
from hokusai_register.hosts import Request
from hokusai_register.hosts.result import write_result
from hokusai_register.model import Report


def _write(workspace: Path) -> bool:
    request = Request({"result-file": "result.json"}, {}, Roots(workspace))
    return write_result(Report(), request, pytest.fail)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_new_file_gets_the_owner_of_its_directory(tmp_path: Path) -> None:
    os.chown(tmp_path, 1001, 1002)
    assert _write(tmp_path)
    target = tmp_path / "result.json"
    assert (target.stat().st_uid, target.stat().st_gid) == (1001, 1002)
    assert json.loads(target.read_text(encoding="utf-8"))["status"] == "failed"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_that_is_there_keeps_its_owner(tmp_path: Path) -> None:
    (tmp_path / "result.json").touch()
    os.chown(tmp_path, 1001, 1002)
    assert _write(tmp_path)
    assert (tmp_path / "result.json").stat().st_uid == 0


def test_nobody_else_gives_anything_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "chown", pytest.fail)
    assert _write(tmp_path)
