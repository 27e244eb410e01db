"""Writes things that must be whole or not be there at all: aside first, then renamed into place."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator
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
def aside(target: Path) -> Iterator[Path]:
    """Give a new directory beside `target` that takes its name once all is in it and on disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    sweep(target.parent, ".*.????????")
    scratch = target.parent / f".{target.name}.{secrets.token_hex(4)}"
    scratch.mkdir()
    try:
        yield scratch
        for path in (scratch, *scratch.rglob("*")):
            sync(path)
        try:
            scratch.rename(target)
        except OSError:
            if not target.exists():  # else another process has put the same thing there
                raise
        sync(target.parent)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def sweep(directory: Path, scratch: str) -> None:
    """Remove what killed processes left under such names; a running one keeps its own."""
    for left in directory.glob(scratch):
        with suppress(OSError):
            if left.lstat().st_mtime < time.time() - STALE:
                shutil.rmtree(left) if left.is_dir() else left.unlink()


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
        for path in (top, *top.rglob("*")):
            with suppress(OSError):  # it was another process's scratch, or the disk is read-only
                os.chown(path, who.st_uid, who.st_gid, follow_symlinks=False)
