"""Writes things that must be whole or not be there at all: aside first, then renamed into place."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hokusai_register.errors import LocalStoreError

STALE = 86_400  # seconds: no step lasts longer, so what is older was left by one that was killed


@contextmanager
def disk(path: Path) -> Iterator[None]:
    """Turn what the disk refuses into a LocalStoreError that names `path`."""
    try:
        yield
    except OSError as error:
        raise LocalStoreError(
            f"{path.name!a} cannot be kept on this machine",
            why=error.strerror or str(error),
            fix="make room in the workspace, or make it writable; nothing half-written was left",
        ) from error


@contextmanager
def aside(target: Path, whole: Callable[[Path], bool]) -> Iterator[Path]:
    """Give a new directory beside `target` that takes its name once all is in it and on disk.

    What has the name by then stays, if it is `whole`: another process has put the same there.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    sweep(target.parent, ".*.????????")
    scratch, damaged = beside(target), beside(target)
    scratch.mkdir()
    try:
        yield scratch
        for path in (scratch, *scratch.rglob("*")):
            sync(path)
        while not _named(scratch, target) and not whole(target):
            # Not removed in its place: it may be what another process has just put there.
            with suppress(FileNotFoundError):
                target.rename(damaged)
                _remove(damaged)
        sync(target.parent)
    finally:
        _remove(scratch)


def beside(target: Path) -> Path:
    """Return a name that no other process uses, for what is to become `target`."""
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}")


def _named(scratch: Path, target: Path) -> bool:
    """Give a directory the name `target`; return False if something has it."""
    try:
        scratch.rename(target)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            return False
        raise
    return True


def appear(scratch: Path, target: Path) -> None:
    """Give a file the name `target`, unless another process has: the first one stays."""
    try:
        os.link(scratch, target)  # a renaming would replace what is there
    except FileExistsError:
        return
    except OSError:  # this file system has no links
        if not target.exists():
            scratch.rename(target)


def sweep(directory: Path, scratch: str) -> None:
    """Remove what killed processes left under such names; a running one keeps its own."""
    for left in directory.glob(scratch):
        with suppress(OSError):
            if left.lstat().st_mtime < time.time() - STALE:
                _remove(left)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until a file's bytes, or a directory's entries, are on the disk."""
    directory = path.is_dir()
    if directory and not hasattr(os, "O_DIRECTORY"):
        return  # Windows opens none, and writes the entries with the files
    # Only what was opened for writing can be waited for there.
    descriptor = os.open(path, os.O_RDONLY if directory else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def give_to(owner: Path, *paths: Path) -> None:
    """Hand everything below `paths` to whoever owns `owner`.

    A container runs as root, and what root leaves in a workspace breaks the next checkout.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return
    who = owner.stat()
    for top in paths:
        # Unlike rglob, os.walk passes over what another process removes meanwhile.
        below = (Path(at, name) for at, dirs, files in os.walk(top) for name in (*dirs, *files))
        for path in (top, *below):
            with suppress(OSError):  # it was another process's, or the disk is read-only
                os.chown(path, who.st_uid, who.st_gid, follow_symlinks=False)
