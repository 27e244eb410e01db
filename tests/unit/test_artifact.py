"""What belongs to a model, what its digest is, and which files are refused."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hokusai_register import artifact
from hokusai_register.artifact import Roots, open_file, read, read_text
from hokusai_register.errors import FileError
from hokusai_register.model import Artifact


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    return Roots(tmp_path)


def write(roots: Roots, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        target = roots.workspace / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def refusal(raw: str, roots: Roots) -> FileError:
    with pytest.raises(FileError) as caught:
        read(raw, roots)
    str(caught.value).encode()
    return caught.value


def paths(model: Artifact) -> list[str]:
    return [file.path for file in model.files]


def test_a_single_file_has_its_own_digest(roots: Roots) -> None:
    write(roots, {"output/model.bin": b"abc"})
    model = read("output/model.bin", roots)
    assert model.root == roots.workspace / "output"
    assert paths(model) == ["model.bin"]
    assert model.size == 3
    assert model.digest == model.files[0].sha256 == hashlib.sha256(b"abc").hexdigest()
    assert (model.is_directory, model.left_out) == (False, ())


def test_the_digest_of_a_directory_is_what_the_documented_pipeline_prints(roots: Roots) -> None:
    names = ["a", "a.b", "a-b", "a/z", "B", "ü", "with space", "-dash", "back\\slash", "deep/er/x"]
    names += [os.fsdecode(b"\xff.bin"), "empty"]
    names.remove("a")
    write(
        roots,
        {
            f"m/{name}": b"" if name == "empty" else name[-1:].encode("utf-8", "replace")
            for name in names
        },
    )
    pipeline = artifact.__doc__.splitlines()[6].strip() if artifact.__doc__ else ""
    assert pipeline.startswith("find .")
    printed = subprocess.run(
        ["/bin/sh", "-c", pipeline],
        cwd=roots.workspace / "m",
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    model = read("m", roots)
    assert printed.split() == [model.digest, "-"]
    assert sorted(paths(model)) == sorted(names)
    assert paths(model) == sorted(paths(model), key=os.fsencode)
    assert model.is_directory


def test_large_files_are_hashed_block_by_block(
    roots: Roots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifact, "_BLOCK", 1 << 20)
    content = bytes(range(256)) * 4096 * 2 + b"tail"
    write(roots, {"model.bin": content})
    heard: list[int] = []

    @contextmanager
    def reading(size: int) -> Iterator[Callable[[int], object]]:
        heard.append(-size)
        yield heard.append
        heard.append(0)

    digest = artifact.read("model.bin", roots, reading).digest
    assert digest == hashlib.sha256(content).hexdigest()
    assert heard == [-len(content), 1 << 20, 1 << 20, 4, 0]


def test_what_is_never_part_of_a_model_is_left_out_and_listed(roots: Roots) -> None:
    private = [".git/config", ".env", ".env.local", "key.pem", "KEY.PEM", ".ssh/id_rsa", "id_rsa"]
    private += [".netrc", ".aws/credentials", "sub/__pycache__/x.pyc", "sub/.DS_Store"]
    write(roots, dict.fromkeys(["m/sub/model.bin", *(f"m/{path}" for path in private)], b"x"))
    (roots.workspace / "m" / "link").symlink_to("sub")
    (roots.workspace / "m" / "broken\n").symlink_to("nowhere")
    os.mkfifo(roots.workspace / "m" / "pipe")
    model = read("m", roots)
    assert paths(model) == ["sub/model.bin"]
    assert model.left_out == (
        ".aws (may hold credentials)",
        ".env (may hold credentials)",
        ".env.local (may hold credentials)",
        ".git (Git's own data)",
        ".netrc (may hold credentials)",
        ".ssh (may hold credentials)",
        "KEY.PEM (private key)",
        "broken\\n (symbolic link)",
        "id_rsa (private key)",
        "key.pem (private key)",
        "link (symbolic link)",
        "pipe (not a regular file)",
        "sub/.DS_Store (by-product)",
        "sub/__pycache__ (by-product)",
    )


@pytest.mark.parametrize("raw", [".git/config", ".env", "m/.ssh/model.bin", "server.pem"])
def test_what_is_private_is_refused_by_name(roots: Roots, raw: str) -> None:
    write(roots, {raw: b"x"})
    assert "cannot be a model" in refusal(raw, roots).what


def test_names_that_only_look_private_are_taken(roots: Roots) -> None:
    names = [".gitattributes", "id_to_label.json", "model.pem.json", "git"]
    write(roots, {f"m/{name}": b"x" for name in names})
    assert paths(read("m", roots)) == sorted(names)


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("MLmodel", "directory that holds it"),
        ("model.pkl.dvc", "dvc pull"),
        ("model.bin.crdownload", "finish it"),
        ("model.part", "finish it"),
    ],
)
def test_what_by_its_name_is_no_model_is_refused(roots: Roots, name: str, fix: str) -> None:
    write(roots, {name: b"x"})
    assert fix in refusal(name, roots).fix


def test_a_core_ml_file_is_not_taken_for_an_mlmodel(roots: Roots) -> None:
    write(roots, {"net.mlmodel": b"x"})
    assert read("net.mlmodel", roots).kind == "custom"


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"


@pytest.mark.parametrize("name", ["model.bin", "m/deep/model.bin"])
@pytest.mark.parametrize(
    ("content", "fix"), [(LFS, "lfs: true"), (b"/annex/objects/SHA256E-s1--0", "git annex get")]
)
def test_a_pointer_is_refused_wherever_it_is(
    roots: Roots, name: str, content: bytes, fix: str
) -> None:
    write(roots, {name: content, "m/other": b"x"})
    error = refusal(name.split("/", maxsplit=1)[0], roots)
    assert "model.bin" in error.what
    assert fix in error.fix


def test_a_long_file_that_begins_like_a_pointer_is_taken(roots: Roots) -> None:
    write(roots, {"model.bin": LFS * 100})
    assert read("model.bin", roots).size == len(LFS) * 100


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><p>", b"\xef\xbb\xbf \n<HTML lang=en>"])
def test_a_web_page_saved_as_a_model_is_refused(roots: Roots, page: bytes) -> None:
    write(roots, {"model.onnx": page, "report.html": page})
    assert "web page" in refusal("model.onnx", roots).why
    assert read("report.html", roots).size == len(page)


def test_nothing_to_register_is_refused(roots: Roots) -> None:
    (roots.workspace / "none").mkdir()
    (roots.workspace / "links").mkdir()
    (roots.workspace / "links" / "model.bin").symlink_to("../elsewhere")
    write(roots, {"zero.bin": b"", "zeros/a": b"", "zeros/b": b""})
    for raw in ("none", "links", "zero.bin", "zeros"):
        assert "is empty" in refusal(raw, roots).what
    assert "model.bin (symbolic link)" in refusal("links", roots).why


@pytest.mark.parametrize("name", ["m/new\nline", "m/bell\x07/x", "m/es\x1bcape"])
def test_a_name_that_no_registry_can_hold_is_refused(roots: Roots, name: str) -> None:
    write(roots, {name: b"x"})
    error = refusal("m", roots)
    assert "cannot be registered" in error.what
    assert not any(ord(char) < 32 for char in error.what)


def test_an_undecodable_name_is_listed_hashed_and_shown(roots: Roots) -> None:
    name = os.fsdecode(b"m\xff.bin")
    write(roots, {f"m/{name}": b"x"})
    assert paths(read("m", roots)) == [name]
    write(roots, {f"m/{name}": LFS})
    assert "m\\udcff.bin" in refusal("m", roots).what
    write(roots, {f"n/{name}.pem": b"x", "n/a": b"x"})
    assert read("n", roots).left_out == ("m\\udcff.bin.pem (private key)",)


@pytest.fixture
def stranger() -> Iterator[Roots]:
    """A workspace, seen by a user who is not root; pytest's own directories are closed to them."""
    with tempfile.TemporaryDirectory() as name:
        workspace = Path(os.path.realpath(name))
        workspace.chmod(0o755)
        roots = Roots(workspace)
        write(roots, {"m/model.bin": b"x", "open/model.bin": b"x"})
        mine = os.geteuid()
        os.seteuid(mine or 65534)
        yield roots
        os.seteuid(mine)


@contextmanager
def mode(path: Path, bits: int) -> Iterator[None]:
    mine = os.geteuid()
    os.seteuid(os.getuid())
    path.chmod(bits)
    os.seteuid(mine)
    yield
    os.seteuid(os.getuid())
    path.chmod(0o755)
    os.seteuid(mine)


@pytest.mark.parametrize(
    ("closed", "raw"),
    [("m/model.bin", "m"), ("m/model.bin", "m/model.bin"), ("m", "m"), ("m", "m/model.bin")],
)
def test_what_may_not_be_read_is_refused(stranger: Roots, closed: str, raw: str) -> None:
    with mode(stranger.workspace / closed, 0):
        error = refusal(raw, stranger)
    assert "cannot read" in error.what
    assert error.why == "Permission denied"


def test_a_directory_on_the_way_need_not_be_listed(stranger: Roots) -> None:
    with mode(stranger.workspace / "open", 0o711):
        assert read("open/model.bin", stranger).size == 1


def test_special_files_are_refused_at_once(roots: Roots, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(roots.workspace)  # the path of a socket may not be long
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        for raw in ("pipe", "socket"):
            assert "cannot read" in refusal(raw, roots).what


def test_limits_are_said_before_anything_is_read(
    roots: Roots, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (roots.workspace / "sparse.bin").open("wb") as stream:
        stream.truncate(1 << 40)
    assert "1,099,511,627,776 bytes" in refusal("sparse.bin", roots).what
    write(roots, {f"m/{number}": b"x" for number in range(4)})
    monkeypatch.setattr(artifact, "MAX_FILES", 4)
    assert len(read("m", roots).files) == 4
    monkeypatch.setattr(artifact, "MAX_FILES", 3)
    assert "more than 3 files" in refusal("m", roots).what


@pytest.mark.parametrize("change", [b"", b"longer than before"])
def test_a_file_that_changes_while_it_is_read_is_refused(
    roots: Roots, monkeypatch: pytest.MonkeyPatch, change: bytes
) -> None:
    write(roots, {"model.bin": b"as it was"})

    def meanwhile(path: str, _head: bytes, _size: int) -> None:
        (roots.workspace / path).write_bytes(change)

    monkeypatch.setattr(artifact, "check_content", meanwhile)
    error = refusal("model.bin", roots)
    assert "changed while it was read" in error.what


def test_a_link_put_in_place_of_a_file_or_directory_is_not_followed(roots: Roots) -> None:
    write(roots, {"m/sub/model.bin": b"x", "secret/model.bin": b"s"})
    root = roots.workspace / "m"
    with open_file(root, "sub/model.bin") as stream:
        assert stream.read() == b"x"
    (root / "sub").rename(root / "was")
    (root / "sub").symlink_to(roots.workspace / "secret")
    (root / "model.bin").symlink_to(roots.workspace / "secret" / "model.bin")
    for path in ("sub/model.bin", "model.bin"):
        with pytest.raises(FileError, match="symbolic link"):
            open_file(root, path)


@pytest.mark.parametrize("path", ["../secret", "sub/../../secret", "/etc/passwd", "gone", "sub"])
def test_only_files_inside_are_opened(roots: Roots, path: str) -> None:
    write(roots, {"m/sub/x": b"x", "secret": b"s"})
    with pytest.raises(FileError, match="cannot read"):
        open_file(roots.workspace / "m", path)


def test_where_directories_cannot_be_opened_links_are_refused_too(
    roots: Roots, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(roots, {"m/sub/model.bin": b"x"})
    (roots.workspace / "m" / "link").symlink_to("sub")
    monkeypatch.setattr(os, "supports_dir_fd", frozenset())
    with open_file(roots.workspace / "m", "sub/model.bin") as stream:
        assert stream.read() == b"x"
    with pytest.raises(FileError, match="symbolic link"):
        open_file(roots.workspace / "m", "link/model.bin")


def test_opening_leaves_no_descriptor_behind(roots: Roots) -> None:
    write(roots, {"m/a/b": b"x"})
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in ("a", "gone/x", "a/gone"):
        with pytest.raises(FileError):
            open_file(roots.workspace / "m", path)
    open_file(roots.workspace / "m", "a/b").close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_text_file_is_read_without_its_bom(roots: Roots) -> None:
    write(roots, {"metrics.json": b"\xef\xbb\xbf{}\n"})
    assert read_text("metrics.json", roots, what="metrics-file") == "{}\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a: 1\nb: caf\xe9\n", "line 2, byte 12"),
        ("a: 1".encode("utf-16"), "line 1, byte 1 "),
        (b"x" * 33, "more than 32 bytes"),
    ],
)
def test_what_is_no_small_text_is_refused(roots: Roots, content: bytes, says: str) -> None:
    write(roots, {"metrics.json": content})
    with pytest.raises(FileError) as caught:
        read_text("metrics.json", roots, what="metrics-file", limit=32)
    assert says in caught.value.why
    assert caught.value.what.startswith("metrics-file 'metrics.json'")


def test_an_error_of_the_disk_is_a_refusal_too() -> None:
    kernel = Roots(Path("/proc/self"))  # its `mem` opens as a regular file, and fails when read
    assert refusal("mem", kernel).why == "Input/output error"
    with pytest.raises(FileError, match="cannot read metrics-file 'mem'"):
        read_text("mem", kernel, what="metrics-file")


def test_a_file_that_hides_its_size_is_refused() -> None:
    assert "changed while it was read" in refusal("status", Roots(Path("/proc/self"))).what
