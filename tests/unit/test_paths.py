"""Which paths are used, and which are refused with what words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hokusai_register.errors import FileError, Reason
from hokusai_register.paths import Roots, locate, writable


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    workspace, temp = tmp_path / "ws", tmp_path / "temp"
    (workspace / "output").mkdir(parents=True)
    (workspace / "output" / "model.pkl").write_bytes(b"m")
    (temp / "_runner_file_commands").mkdir(parents=True)
    (temp / "_runner_file_commands" / "set_env").write_bytes(b"x")
    (temp / "model.pkl").write_bytes(b"t")
    (tmp_path / "secret").write_bytes(b"s")
    return Roots(workspace, temp)


def refusal(raw: str, roots: Roots) -> FileError:
    with pytest.raises(FileError) as caught:
        locate(raw, roots)
    str(caught.value).encode()  # whatever the name: it can be printed
    assert caught.value.reason is Reason.FILE
    assert caught.value.exit_code == 2
    return caught.value


@pytest.mark.parametrize(
    "raw",
    [
        "output/model.pkl",
        "  ./output/../output/model.pkl\n",
        "$GITHUB_WORKSPACE/output/model.pkl",
        "${GITHUB_WORKSPACE}/output/model.pkl",
        "/__w/repo/repo/output/model.pkl",
    ],
)
def test_a_file_of_the_workspace_is_found(roots: Roots, raw: str) -> None:
    assert locate(raw, roots) == roots.workspace / "output" / "model.pkl"


@pytest.mark.parametrize("raw", ["$RUNNER_TEMP/model.pkl", "${RUNNER_TEMP}/model.pkl"])
def test_a_file_of_the_runners_temp_is_found(roots: Roots, raw: str) -> None:
    assert locate(raw, roots) == Path(f"{roots.temp}/model.pkl")


def test_an_absolute_path_inside_is_found(roots: Roots) -> None:
    path = roots.workspace / "output"
    assert locate(str(path), roots) == path


def test_a_link_from_inside_to_inside_is_followed(roots: Roots) -> None:
    (roots.workspace / "latest").symlink_to("output/model.pkl")
    assert locate("latest", roots) == roots.workspace / "output" / "model.pkl"


@pytest.mark.parametrize(
    "raw",
    [
        "../secret",
        "output/../../secret",
        "/etc/passwd",
        "/proc/self/environ",
        "/dev/null",
        "/",
        "out-link",
        "dir-link/secret",
        "$RUNNER_TEMP/_runner_file_commands/set_env",
        "$HOME/model.pkl/../../../secret",
    ],
)
def test_what_leads_outside_is_refused(roots: Roots, raw: str) -> None:
    (roots.workspace / "out-link").symlink_to("../secret")
    (roots.workspace / "dir-link").symlink_to("..")
    error = refusal(raw, roots)
    assert "outside the workspace" in error.what
    assert str(roots.workspace) in error.why
    assert "relative to the workspace" in error.fix


@pytest.mark.parametrize(
    "raw", ["/__w/repo/repo/nothing", "/__w/repo/repo", "/opt/hostedtoolcache"]
)
def test_a_path_of_another_container_is_explained(roots: Roots, raw: str) -> None:
    error = refusal(raw + "/model.bin", roots)
    assert "not visible inside the action's container" in error.why
    assert str(roots.workspace) in error.why


@pytest.mark.parametrize("forbidden", ["/proc/self/environ", "/sys/kernel", "/dev/null"])
def test_the_kernels_files_are_refused_even_in_a_workspace_of_everything(forbidden: str) -> None:
    assert "outside" in refusal(forbidden, Roots(Path("/"))).what


@pytest.mark.parametrize("raw", [".", "output/..", "$GITHUB_WORKSPACE", "$RUNNER_TEMP/"])
def test_a_whole_root_is_refused(roots: Roots, raw: str) -> None:
    error = refusal(raw, roots)
    assert "the whole of" in error.what
    assert "own file or directory" in error.fix


def test_a_temp_inside_the_workspace_is_still_a_root(roots: Roots) -> None:
    nested = Roots(roots.workspace, roots.workspace / "output")
    assert "the whole of" in refusal("output", nested).what


@pytest.mark.parametrize("raw", ["", "  \n", "a\0b", "a\nb", "a\x1b[31mb", "a\u2028b", "\ud800"])
def test_what_is_no_path_is_refused(roots: Roots, raw: str) -> None:
    error = refusal(raw, roots)
    assert "\x1b" not in str(error)
    assert "\0" not in str(error)


@pytest.mark.parametrize(
    ("raw", "offer"),
    [
        ("output/modle.pkl", "'output/model.pkl'"),
        ("outptu/model.pkl", "'output/model.pkl'"),
        ("outptu/other.bin", "'output'"),
        ("zzz", "'output'"),
        ("output/model.pkl/x", "nothing"),
        ("$RUNNER_TEMP/modl.pkl", "temp/model.pkl'"),
    ],
)
def test_a_missing_path_names_what_is_near(roots: Roots, raw: str, offer: str) -> None:
    error = refusal(raw, roots)
    assert "does not exist" in error.what
    assert offer in error.why
    assert str(roots.workspace) in error.why


def test_a_missing_workspace_is_said(tmp_path: Path) -> None:
    assert "does not exist" in refusal("model.pkl", Roots(tmp_path / "gone" / "ws")).what


def test_a_link_to_nothing_names_its_target(roots: Roots) -> None:
    (roots.workspace / "annexed").symlink_to("output/KEY-s1")
    error = refusal("annexed", roots)
    assert "'output/KEY-s1'" in error.why
    assert "git annex get" in error.fix


def test_a_loop_of_links_is_refused(roots: Roots) -> None:
    (roots.workspace / "a").symlink_to("b")
    (roots.workspace / "b").symlink_to("a")
    refusal("a", roots)


def test_a_name_that_is_too_long_is_refused(roots: Roots) -> None:
    assert "cannot read" in refusal("x" * 5000, roots).what


def test_an_undecodable_name_is_found_and_shown(roots: Roots) -> None:
    path = roots.workspace / os.fsdecode(b"m\xff.bin")
    path.write_bytes(b"m")
    assert locate(path.name, roots) == path
    assert "m\\udcff.bin" in refusal(os.fsdecode(b"m\xff.bim"), roots).why


@pytest.mark.parametrize("raw", ["/result.json", "\\result.json", "/"])
def test_a_root_is_not_the_workspace(tmp_path: Path, raw: str) -> None:
    with pytest.raises(FileError, match="outside"):
        writable(raw, Roots(tmp_path), what="result-file")
    assert writable("result.json", Roots(tmp_path), what="") == tmp_path.resolve() / "result.json"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can become another")
def test_a_closed_workspace_is_a_refusal_and_no_bug(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed").chmod(0)
    roots = Roots(tmp_path / "closed")
    os.seteuid(65534)
    try:
        with pytest.raises(FileError):
            writable(".hokusai", roots, what="local-store")
    finally:
        os.seteuid(0)
