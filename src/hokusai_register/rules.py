"""Which files are never part of a model, and which only look like one: small tables."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from hokusai_register.errors import FileError

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

# Names, in lower case, that are never part of a model: (why, patterns).
_PRIVATE = (
    ("Git's own data", (".git",)),
    ("may hold credentials", (".env*", ".netrc", "_netrc", ".git-credentials", ".pypirc")),
    ("may hold credentials", (".aws", ".ssh", ".gnupg", ".kube", ".docker")),
    ("private key", ("*.pem", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519")),
    ("by-product", ("__pycache__", ".ds_store")),
)

# Files that are no model by their name: (patterns, why, fix).
_MISNAMED = (
    (
        ("MLmodel",),
        "it only describes a model; the model is the directory around it",
        "give the directory that holds it",
    ),
    (
        ("*.dvc",),
        "it is a pointer that DVC wrote, not the model",
        "run `dvc pull` before this step, and give the file without `.dvc`",
    ),
    (
        ("*.crdownload", "*.part", "*.partial", "*.tmp", "*.incomplete"),
        "by its name it is a download or a write that did not finish",
        "finish it, or rename it if it is complete",
    ),
)

# Small files that stand for a model which is not there: (how they begin, why, fix).
_POINTERS = (
    (
        b"version https://git-lfs.github.com/spec/",
        "it is a Git LFS pointer; the content was not fetched",
        "set `lfs: true` on the actions/checkout step",
    ),
    (
        b"/annex/objects/",
        "it is a git-annex pointer; the content was not fetched",
        "run `git annex get` before this step",
    ),
)
_POINTER_SIZE = 1024
_HTML = (b"<!doctype html", b"<html")
_BINARY = re.compile(
    r"(?i)\.(bin|gguf|h5|hdf5|joblib|keras|onnx|pb|pickle|pkl|pt|pth|safetensors|tflite|ubj)\Z"
)


def has_control(text: str) -> bool:
    """Say whether `text` holds a control character or a line break of any kind."""
    return _CONTROL.search(text) is not None


def why_private(name: str) -> str:
    """Say why a file or directory of this name is never taken; empty if it may be."""
    return next((why for why, patterns in _PRIVATE if _matches(name.lower(), patterns)), "")


def check_single(name: str) -> None:
    """Refuse a file that somebody named as the model and that by its name is none (FileError)."""
    for patterns, why, fix in _MISNAMED:
        if _matches(name, patterns):
            raise FileError(f"{name!r} is not a model", why=why, fix=fix)


def check_name(path: str) -> None:
    """Refuse a name that no registry can store (FileError)."""
    if has_control(path):
        raise FileError(
            f"the name {path!r} cannot be registered",
            why="it holds a control character or a line break, which no registry can store",
            fix="rename the file",
        )


def check_content(path: str, head: bytes, size: int) -> None:
    """Refuse a file that stands for a model which is not there (FileError).

    `head` are its first bytes, 1 KiB or all; `size` is the whole file's, in bytes.
    """
    for start, why, fix in _POINTERS:
        if head.startswith(start) and size <= _POINTER_SIZE:
            raise FileError(f"{path!r} is not the model", why=why, fix=fix)
    page = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:16].lower().startswith(_HTML)
    if page and _BINARY.search(path):
        raise FileError(
            f"{path!r} is not the model",
            why="it is a web page, such as a login or error page that a download saved",
            fix="download it again; `curl --fail --location` stops at error pages",
        )


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
