"""How a file is opened so that neither a link nor a pipe can surprise us."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from hokusai_register.errors import FileError
from hokusai_register.model import File

CHUNK = 1 << 18  # bytes

# What is done while a number of bytes is read; it gives whom to tell of each piece.
Reading = Callable[[int], AbstractContextManager[Callable[[int], object]]]


@contextmanager
def unheard(_: int) -> Iterator[Callable[[int], object]]:
    """Read without telling anybody."""
    yield lambda _: None


def _flags(*names: str) -> int:
    return reduce(or_, (getattr(os, name, 0) for name in names))  # Windows lacks most of them


# O_NONBLOCK: opening a FIFO without it waits for ever. O_PATH: a directory that may be passed
# through but not listed is enough.
_FILE = _flags("O_RDONLY", "O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY")
_DIRECTORY = _flags("O_RDONLY", "O_NOFOLLOW", "O_DIRECTORY", "O_PATH", "O_CLOEXEC")

_REFUSALS = {
    errno.ELOOP: "it is, or lies behind, a symbolic link",
    errno.ENOTDIR: "it lies behind a symbolic link or a file",
    errno.ENXIO: "it is a socket or a pipe",
}


def unreadable(name: str, error: OSError) -> FileError:
    """Return the error for `name`, which the system did not let us read."""
    return FileError(
        f"cannot read {name}",
        why=_REFUSALS.get(error.errno or 0, error.strerror or str(error)),
        fix="give a regular file that this user may read",
    )


def inside(path: str) -> bool:
    """Whether a path stays below what it is joined to, by the rules of this system."""
    native = Path(path)
    return bool(native.parts) and not native.anchor and ".." not in native.parts


def open_file(root: Path, path: str) -> BinaryIO:
    """Open one file of an artifact for reading without following links (FileError if it cannot).

    `root` is a real path, as `locate` returns; a link put anywhere on the way since is refused.
    """
    if not inside(path):
        raise FileError(f"cannot read {path!r}", why="it leads out", fix="give a path inside")
    opener = _open_beneath if os.open in os.supports_dir_fd else _open_checked
    try:
        descriptor = opener(root / path)
    except OSError as error:
        raise unreadable(repr(path), error) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileError(
            f"cannot read {path!r}",
            why="it is not a regular file",
            fix="give a regular file that this user may read",
        )
    return os.fdopen(descriptor, "rb")


def _open_beneath(path: Path) -> int:
    """Step down from the root directory one name at a time, so that no link is ever followed."""
    here = os.open(path.anchor, _DIRECTORY)
    try:
        for name in path.parts[1:-1]:
            above, here = here, os.open(name, _DIRECTORY, dir_fd=here)
            os.close(above)
        return os.open(path.name, _FILE, dir_fd=here)
    finally:
        os.close(here)


def _open_checked(path: Path) -> int:
    """Do the same where directories cannot be opened (Windows): look, then open."""
    if os.path.realpath(path) != str(path):
        raise OSError(errno.ELOOP, "symbolic link")
    return os.open(path, _FILE)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A file on its way: to which path, what was hashed, and how it is opened."""

    path: str
    file: File
    open: Callable[[], BinaryIO]

    def pieces(self, size: int = CHUNK) -> Generator[bytes, None, None]:
        """Yield the bytes, `size` at a time; raise FileError if they are not what was hashed.

        A piece larger than usual is good until the thread that got it asks for the next one.
        """
        with self.open() as stream:
            source = stream if size <= CHUNK else _Reused(stream, size)
            yield from checked(source, self.file, size)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Reused(threading.local):
    """Reads into one buffer for each thread; what `malloc` gives for large ones, it keeps."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream, self._buffer = stream, memoryview(bytearray(size))

    def read(self, _: int) -> bytes:
        length = self._stream.readinto(self._buffer)  # type: ignore[attr-defined]  # files have it
        return cast("bytes", self._buffer[:length])


def checked(stream: _Readable, file: File, chunk: int = CHUNK) -> Iterator[bytes]:
    """Yield the bytes of `file`, the last of them only when all of them are what was hashed."""
    digest, size = hashlib.sha256(), 0
    while piece := stream.read(chunk):
        digest.update(piece)
        size += len(piece)
        if size >= file.size and digest.hexdigest() != file.sha256:
            break
        yield piece
    if (size, digest.hexdigest()) != (file.size, file.sha256):
        raise FileError(
            f"{file.path!a} changed while it was in use",
            why="its bytes are not those that were hashed when the step began",
            fix="let the step that writes the model finish first, then run the job again",
        )
