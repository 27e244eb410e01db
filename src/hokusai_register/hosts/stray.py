"""Stray words: what libraries print past every host is taken where it leaves the process.

A `print`, a write of C code, the traceback of a thread, a child process: all of them end at file
descriptor 1 or 2, and a runner would obey what stands there.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO, Self, TextIO, TypeVar

from hokusai_register.register import Watcher
from hokusai_register.text import lines

LIMIT = 1 << 20  # bytes that are told; a library that says more has lost its way
AnyWatcher = TypeVar("AnyWatcher", bound=Watcher)


class Stray:
    """Holds back what is printed in its `with` block, and tells it at the end, line by line.

    `out` and `err` lead where stdout and stderr did. It is held in a file, not in a pipe, which
    could be full while nobody may read it: C code that prints need not let other threads run.
    """

    def __init__(self) -> None:
        _open_closed()
        self.out, self.err = _copy(sys.stdout), _copy(sys.stderr)
        self._held = _memory()
        self._say: Callable[[str], None] = partial(print, file=self.err, flush=True)

    def heard_by(self, host: AnyWatcher) -> AnyWatcher:
        """Let `host` tell it, who knows the secrets; return the host."""
        self._say = host.step
        return host

    def __enter__(self) -> Self:
        _lead_to(self._held.fileno())
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, Exception):  # Python itself would tell it where nobody hears it
            traceback.print_exception(error)
        # What is said from now on, at the end of the process, nobody hears.
        with Path(os.devnull).open("wb") as nowhere:
            _lead_to(nowhere.fileno())
        with self._held as held:
            held.seek(0)
            said = held.read(LIMIT).decode(errors="backslashreplace")
            more = held.seek(0, os.SEEK_END) - LIMIT
        for row in lines(said):
            self._say(row)
        if more > 0:
            self._say(f"libraries said {more:,} bytes more")


def _open_closed() -> None:
    """Let a stream that the caller has closed (`>&-`) lead to where nobody reads it."""
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            # The lowest free number is the one that was closed, or it was given away meanwhile.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, descriptor)
            setattr(sys, name, os.fdopen(descriptor, "w", encoding="utf-8"))


def _copy(stream: TextIO) -> TextIO:
    # What cannot be printed here ends nothing.
    copy = os.dup(stream.fileno())
    return os.fdopen(copy, "w", encoding=stream.encoding, errors="backslashreplace")


def _memory() -> BinaryIO:
    # Not on a disk, where there is a choice: what libraries say may hold a secret.
    if sys.platform == "linux":
        return os.fdopen(os.memfd_create("stray"), "w+b")
    return tempfile.TemporaryFile()


def _lead_to(target: int) -> None:
    """Let stdout and stderr lead to `target`, once all is written that was said before."""
    for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
        stream.flush()
        os.dup2(target, descriptor)
