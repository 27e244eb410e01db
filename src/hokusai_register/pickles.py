"""Which library's objects a pickle holds, read from its opcodes; nothing is ever unpickled."""

from __future__ import annotations

import bz2
import lzma
import pickletools
import warnings
import zlib
from collections.abc import Callable, Iterator
from itertools import islice

_LIBRARIES = {
    "sklearn": "sklearn",
    "xgboost": "xgboost",
    "lightgbm": "lightgbm",
    "torch": "pytorch",
    "keras": "keras",
    "tensorflow": "tensorflow",
    "transformers": "transformers",
}

_LIMIT = 1 << 20
_MOST_OPCODES = 100_000

# What joblib compresses with, by the first bytes, and how to undo at most `max_length` bytes of it.
_Decompress = Callable[[bytes, int], bytes]
_COMPRESSIONS: tuple[tuple[bytes, Callable[[], _Decompress]], ...] = (
    (b"\x78", lambda: zlib.decompressobj().decompress),
    (b"\x1f\x8b", lambda: zlib.decompressobj(wbits=31).decompress),
    (b"BZh", lambda: bz2.BZ2Decompressor().decompress),
    (b"\x5d\x00", lambda: lzma.LZMADecompressor(memlimit=64 << 20).decompress),
    (b"\xfd7zXZ", lambda: lzma.LZMADecompressor(memlimit=64 << 20).decompress),
)


def library(head: bytes) -> str:
    """Return the kind of model that a pickle begins to make, compressed or not; empty if unknown.

    The outermost object is named first, so the first known library decides.
    """
    with warnings.catch_warnings(action="ignore"):  # pickletools warns about odd escapes
        tops = (module.partition(".")[0] for module in _modules(_decompressed(head)))
        return next((_LIBRARIES[top] for top in tops if top in _LIBRARIES), "")


def _decompressed(head: bytes) -> bytes:
    for magic, start in _COMPRESSIONS:
        if head.startswith(magic):
            try:
                return start()(head, _LIMIT)
            except (zlib.error, lzma.LZMAError, OSError, EOFError):
                return b""
    return head


def _modules(data: bytes) -> Iterator[str]:
    """Give the modules that a pickle names, in its order, up to where it makes no sense."""
    memo: dict[object, str] = {}
    before, last = "", ""  # the strings pushed last: STACK_GLOBAL takes module and name from there
    try:
        for opcode, argument, _ in islice(pickletools.genops(data), _MOST_OPCODES):
            if opcode.name in {"GLOBAL", "INST"}:
                yield str(argument).partition(" ")[0]
            elif opcode.name == "STACK_GLOBAL":
                yield before
            elif opcode.name == "MEMOIZE":
                memo[len(memo)] = last
            elif opcode.name in {"PUT", "BINPUT", "LONG_BINPUT"}:
                memo[argument] = last
            elif opcode.name in {"GET", "BINGET", "LONG_BINGET"}:
                before, last = last, memo.get(argument, "")
            elif isinstance(argument, str):
                before, last = last, argument
    except ValueError:
        return
