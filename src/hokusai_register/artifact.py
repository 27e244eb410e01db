r"""What is at model-path: which files belong to the model, and what their bytes hash to.

Nothing is unpickled, imported or run. The digest of a single file is its SHA-256; that of a
directory is the SHA-256 of what `sha256sum` prints for its files, sorted by the bytes of their
paths, so that this gives the same (for a directory of which nothing was left out):

    find . -type f -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum -- | sha256sum
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from hokusai_register.errors import FileError
from hokusai_register.files import Reading, open_file, unheard, unreadable
from hokusai_register.formats import detect
from hokusai_register.model import Artifact, File
from hokusai_register.paths import Roots, locate, writable
from hokusai_register.rules import check_content, check_name, check_single, why_private

__all__ = [
    "MAX_BYTES",
    "MAX_FILES",
    "Roots",
    "locate",
    "open_file",
    "read",
    "read_text",
    "tree_digest",
    "writable",
]

MAX_FILES = 10_000
MAX_BYTES = 100 << 30
# Bytes: with less, hashing waits more for its turn beside the import of MLflow than it hashes.
_BLOCK = 1 << 24


def read_text(raw: str, roots: Roots, *, what: str, limit: int = 1 << 20) -> str:
    """Return a text file's content; `limit` is in bytes. UTF-8, a BOM is accepted and dropped."""
    path = locate(raw, roots, what=what)
    try:
        with open_file(path.parent, path.name) as stream:
            content = stream.read(limit + 1)
    except OSError as error:
        raise unreadable(f"{what} {raw.strip()!r}", error) from None
    if len(content) > limit:
        raise FileError(
            f"{what} {raw.strip()!r} is too large",
            why=f"more than {limit:,} bytes are not read",
            fix="give a file with just the values that are asked for",
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FileError(
            f"{what} {raw.strip()!r} is not text",
            why=f"line {line}, byte {error.start + 1} of the file, is not UTF-8",
            fix="save the file as UTF-8",
        ) from None


def read(raw: str, roots: Roots, reading: Reading = unheard) -> Artifact:
    """List and hash the model at `raw`: one pass over the bytes, constant memory (FileError).

    `reading` hears how many bytes there are, before they are read.
    """
    path = locate(raw, roots)
    for part in (roots.below(path) or path).parts:
        if why := why_private(part):
            raise FileError(
                f"{roots.show(path)} cannot be a model",
                why=f"{part!r}: {why}",
                fix="give the model's own file or directory",
            )
    try:
        return _directory(path, reading) if path.is_dir() else _single(path, reading)
    except OSError as error:
        raise unreadable(repr(error.filename or str(path)), error) from None


def _single(path: Path, reading: Reading) -> Artifact:
    check_name(path.name)
    check_single(path.name)
    files = _hash_all(path.parent, [path.name], [], reading)
    return Artifact(
        root=path.parent,
        files=files,
        digest=files[0].sha256,
        kind=detect([path.name], partial(open_file, path.parent)),
        is_directory=False,
    )


def _directory(root: Path, reading: Reading) -> Artifact:
    names, left_out = _list(root)
    files = _hash_all(root, names, left_out, reading)
    return Artifact(
        root=root,
        files=files,
        digest=tree_digest(files),
        kind=detect(names, partial(open_file, root)),
        is_directory=True,
        left_out=tuple(left_out),
    )


def _list(root: Path) -> tuple[list[str], list[str]]:
    """Return the files below `root` sorted by the bytes of their paths, and what was left out."""
    names: list[str] = []
    left_out: list[str] = []
    for path, why in _walk(root):
        if why:
            left_out.append(f"{repr(path)[1:-1]} ({why})")
        else:
            check_name(path)
            names.append(path)
        if len(names) + len(left_out) > MAX_FILES:
            raise FileError(
                f"{str(root)!r} holds more than {MAX_FILES:,} files",
                why="that many cannot be uploaded and checked one by one",
                fix="give the model's own directory, or pack its files into an archive",
            )
    return sorted(names, key=os.fsencode), sorted(left_out)


def _walk(root: Path) -> Iterator[tuple[str, str]]:
    """Give each file below `root` with why it is left out; links are named, never followed."""
    pending = [""]
    while pending:
        folder = pending.pop()
        with os.scandir(root / folder) as entries:
            found = list(entries)
        for entry in found:
            path = folder + entry.name
            why = _left_out(entry)
            if not why and entry.is_dir(follow_symlinks=False):
                pending.append(path + "/")
            else:
                yield path, why


def _left_out(entry: os.DirEntry[str]) -> str:
    if why := why_private(entry.name):
        return why
    if entry.is_symlink() or getattr(entry, "is_junction", bool)():  # Windows has both
        return "symbolic link"
    plain = entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)
    return "" if plain else "not a regular file"


def _hash_all(
    root: Path, names: Sequence[str], left_out: Sequence[str], reading: Reading
) -> tuple[File, ...]:
    size = sum((root / name).lstat().st_size for name in names)
    if size > MAX_BYTES:  # found out before hours go into reading them
        raise FileError(
            f"the model has {size:,} bytes",
            why=f"at most {MAX_BYTES:,} bytes (100 GiB) are taken, also of a sparse file",
            fix="give the model's own files, without the checkpoints of its training",
        )
    with reading(size) as hear:
        files = tuple(_hash(root, name, hear) for name in names)
    if not any(file.size for file in files):
        skipped = f"; left out: {', '.join(left_out[:5])}" if left_out else ""
        raise FileError(
            f"the model in {str(root)!r} is empty",
            why=f"there is not one byte in it to register{skipped}",
            fix="check that the step that writes the model ran and succeeded",
        )
    return files


def _hash(root: Path, path: str, hear: Callable[[int], object]) -> File:
    """Hash one file; memory is one block, whatever its size."""
    digest = hashlib.sha256()
    done = 0
    with open_file(root, path) as stream:
        before = os.fstat(stream.fileno())
        while done <= before.st_size and (block := stream.read(_BLOCK)):
            if not done:
                check_content(path, block, before.st_size)
            digest.update(block)
            done += len(block)
            hear(len(block))
        after = os.fstat(stream.fileno())
    if not done == before.st_size == after.st_size or before.st_mtime_ns != after.st_mtime_ns:
        raise FileError(
            f"{path!r} changed while it was read",
            why="something still writes to it, so its digest would be of no use",
            fix="let the step that writes the model finish first",
        )
    return File(path, done, digest.hexdigest())


def tree_digest(files: Iterable[File]) -> str:
    """Hash the lines of sha256sum, which doubles backslashes and marks such a line with one."""
    digest = hashlib.sha256()
    for file in files:
        escaped = file.path.replace("\\", "\\\\")
        mark = "\\" if escaped != file.path else ""
        digest.update(os.fsencode(f"{mark}{file.sha256}  {escaped}\n"))
    return digest.hexdigest()
