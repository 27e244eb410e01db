"""What is kept comes back as it was, or is refused: by its form, its paths, its digests."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import TOKEN, model
from hokusai_register import artifact, bundle
from hokusai_register.errors import FileError, LocalStoreError, UnreachableError
from hokusai_register.model import Artifact, Attempt, Backend, Model, Provenance
from hokusai_register.paths import Roots
from hokusai_register.tokenized import Token

TRIED = (Attempt(Backend.MLFLOW, 1.0, UnreachableError("gone", why="old", fix="wait")),)
CAME_FROM = Provenance(commit="f" * 40, repository_id="7", run_id="9", job="train")


@pytest.fixture
def files(tmp_path: Path) -> Artifact:
    directory = tmp_path / "model"
    (directory / "sub").mkdir(parents=True)
    (directory / "a.bin").write_bytes(b"a" * 1000)
    (directory / "sub" / "b\\c.bin").write_bytes(b"b")
    return artifact.read("model", Roots(tmp_path))


def kept(files: Artifact, where: Path, **given: Any) -> tuple[Model, Path]:
    given = {"provenance": CAME_FROM, "origin": "https://registry.hokus.ai", **given}
    asked = model(source=files, **given)
    return asked, bundle.keep(asked, files, TRIED, where / "bundles")


@pytest.mark.parametrize("token", [None, TOKEN, replace(TOKEN, details={"eval_spec": "e/1"})])
def test_it_comes_back_as_it_was(files: Artifact, tmp_path: Path, token: Token | None) -> None:
    given = {"params": {"depth": "3"}, "metadata": {"a": [1, None]}, "token": token}
    asked, path = kept(files, tmp_path, **given)
    opened = bundle.open_bundle(path)
    assert isinstance(opened.source, Artifact)
    assert opened.source.digest == files.digest
    for name in ("name", "metrics", "params", "metadata", "provenance", "origin", "kind", "token"):
        assert getattr(opened, name) == getattr(asked, name)
    assert opened.key(files.digest) == asked.key(files.digest) == path.name
    assert json.loads((path / "bundle.json").read_text())["fell_back"][0]["reason"] == "unreachable"


def test_one_that_was_kept_before_there_were_tokens(files: Artifact, tmp_path: Path) -> None:
    _, path = kept(files, tmp_path)
    told = json.loads((path / "bundle.json").read_text())
    del told["request"]["token"]
    (path / "bundle.json").write_text(json.dumps(told))
    assert bundle.open_bundle(path).token is None


@pytest.mark.parametrize(
    "wrong",
    [
        *({"id": "A_B"}, {"metric": "f1_score"}, {"baseline": 2}, {"baseline": True}),
        *({"details": 5}, {"details": {"x": "y"}}, {"details": {"eval_spec": ""}}),
    ],
)
def test_a_token_that_no_input_could_be_is_refused(
    files: Artifact, tmp_path: Path, wrong: dict[str, object]
) -> None:
    _, path = kept(files, tmp_path, token=TOKEN)
    told = json.loads((path / "bundle.json").read_text())
    told["request"]["token"] |= wrong
    (path / "bundle.json").write_text(json.dumps(told))
    with pytest.raises(FileError, match="cannot be used"):
        bundle.open_bundle(path)


def test_what_is_whole_is_not_written_again(files: Artifact, tmp_path: Path) -> None:
    _, path = kept(files, tmp_path)
    before = (path / "bundle.json").stat().st_ino
    assert kept(files, tmp_path)[1] == path
    assert (path / "bundle.json").stat().st_ino == before
    (path / "files" / "a.bin").unlink()
    kept(files, tmp_path)
    bundle.open_bundle(path)


def test_another_bundle_of_that_name_is_replaced(files: Artifact, tmp_path: Path) -> None:
    _, path = kept(files, tmp_path)
    _, other = kept(files, tmp_path, name="other")
    shutil.rmtree(path)
    other.rename(path)
    assert kept(files, tmp_path)[1] == path
    assert bundle.open_bundle(path).name == "churn"


def test_a_file_that_changed_is_not_kept(files: Artifact, tmp_path: Path) -> None:
    (files.root / "a.bin").write_bytes(b"a" * 999 + b"!")
    with pytest.raises(FileError):
        kept(files, tmp_path)
    assert list((tmp_path / "bundles").iterdir()) == []


def test_a_disk_that_refuses_leaves_nothing(files: Artifact, tmp_path: Path) -> None:
    (tmp_path / "bundles").write_text("in the way")
    with pytest.raises(LocalStoreError, match="cannot be kept"):
        kept(files, tmp_path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can become another")
def test_a_closed_directory_is_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(0)
    os.seteuid(65534)
    try:
        assert not bundle.is_bundle(tmp_path / "closed")
    finally:
        os.seteuid(0)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)


@given(data=st.data())
def test_whatever_is_changed_it_is_the_same_model_or_refused(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    workspace = tmp_path_factory.mktemp("bundle")
    (workspace / "model.bin").write_bytes(b"weights")
    asked, path = kept(artifact.read("model.bin", Roots(workspace)), workspace)
    told = json.loads((path / "bundle.json").read_text())
    spot = data.draw(st.sampled_from([told, told["request"], told["files"][0], told["provenance"]]))
    spot[data.draw(st.sampled_from(sorted(spot)))] = data.draw(JSON)
    (path / "bundle.json").write_text(json.dumps(told))
    with contextlib.suppress(FileError):
        opened = bundle.open_bundle(path)
        assert isinstance(opened.source, Artifact)
        assert isinstance(asked.source, Artifact)
        assert opened.key(opened.source.digest) == asked.key(asked.source.digest)
        assert opened.source.digest == asked.source.digest


def test_a_bundle_is_named_from_a_workspace_behind_a_link(tmp_path: Path) -> None:
    """As on macOS, where /tmp is one."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    kept = (tmp_path / "real").resolve() / ".hokusai" / "bundles" / "hk1-0"
    assert bundle.relative(kept, tmp_path / "link") == ".hokusai/bundles/hk1-0"
