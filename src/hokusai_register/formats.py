"""Which kind of model some files are, told from their bytes; nothing of them is run.

The layouts are those of the formats' own writers: ONNX's onnx.proto, safetensors' README, GGUF's
specification, MLflow's MLmodel, and what the libraries of the tests write.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Collection, Sequence
from struct import error as StructError  # noqa: N812 - it is a class, whatever its name
from typing import BinaryIO

import yaml

from hokusai_register.errors import FileError
from hokusai_register.pickles import library

Opener = Callable[[str], BinaryIO]

_CUSTOM = "custom"
_HEAD = 1 << 20
_MLMODEL_LIMIT = 2 << 20
_DIRECTORY_LIMIT = 4 << 20  # of a zip archive: some 40,000 tensors
_MOST_FILES = 64  # that are looked into, of a directory

# MLflow writes `python_function` beside every flavour of its own: it counts where it is alone.
_KINDS = ("sklearn", "xgboost", "lightgbm", "pytorch", "onnx", "transformers", "keras")
_FLAVOURS = {kind: kind for kind in (*_KINDS, "tensorflow")} | {"python_function": "pyfunc"}

_BEGINNINGS = (
    ("gguf", re.compile(rb"GGUF")),
    ("tensorflow", re.compile(rb"(?s).{4}TFL3")),
    ("lightgbm", re.compile(rb"tree\r?\nversion=")),
    ("xgboost", re.compile(rb'\s*\{\s*("version"\s*:\s*\[[\d,\s]*\]\s*,\s*)?"learner"\s*:\s*\{')),
    ("xgboost", re.compile(rb"(?s)\{[iUIlL].{1,8}learner\{")),
    (
        "xgboost",
        re.compile(rb"(?s)(binf)?.{136}[\x01-\x40]\x00{7}(binary|count|multi|rank|reg|survival):"),
    ),
    # torch.save before 1.6: a pickle of the number 0x1950a86a20f9469cfc6c comes first.
    ("pytorch", re.compile(rb"(?s)\x80.(\x95.{8})?\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19\.")),
)
_WEIGHTS = re.compile(r"[^/]+\.safetensors|pytorch_model[^/]*\.bin|tf_model\.h5")
_HDF5 = b"\x89HDF\r\n\x1a\n"

# Fields of ONNX's ModelProto: number to wire type (0 a number, 2 with a length).
_ONNX = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2}


def detect(files: Sequence[str], opener: Opener) -> str:
    """Return the type of the model in `files`, which `opener` opens; `custom` if unknown.

    FileError if an MLmodel file among them is broken.
    """
    if "MLmodel" in files and (kind := _flavour(opener)):
        return kind
    if "saved_model.pb" in files:
        return "tensorflow"
    if _is_transformers(files, opener):
        return "transformers"
    near = sorted(files, key=lambda path: path.count("/"))[:_MOST_FILES]
    kinds = {_kind(path, opener) for path in near} - {_CUSTOM}
    return kinds.pop() if len(kinds) == 1 else _CUSTOM


def _flavour(opener: Opener) -> str:
    """Return what the MLmodel file says; empty if it names no flavour."""
    names = _flavours(_start("MLmodel", opener, _MLMODEL_LIMIT + 1))
    return next((kind for name, kind in _FLAVOURS.items() if name in names), "")


def _flavours(content: bytes) -> list[str]:
    if len(content) > _MLMODEL_LIMIT:
        raise _broken(f"it has more than {_MLMODEL_LIMIT:,} bytes")
    try:
        # Nodes only: values are never made, so an alias is one more look at the same node.
        root = yaml.compose(content.decode(), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise _broken(f"{where}{error.problem}") from None
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise _broken(repr(str(error))) from None
    if not isinstance(root, yaml.MappingNode):
        raise _broken("line 1: it is not a mapping")
    found = [value for key, value in root.value if key.value == "flavors"]
    nodes = [node for node in found if isinstance(node, yaml.MappingNode)]
    return [str(name.value) for node in nodes for name, _ in node.value]


def _broken(why: str) -> FileError:
    return FileError(
        "the file MLmodel cannot be read",
        why=why,
        fix="save the model again with MLflow, or leave the file out",
    )


def _is_transformers(files: Collection[str], opener: Opener) -> bool:
    if "config.json" not in files or not any(map(_WEIGHTS.fullmatch, files)):
        return False
    try:
        config = json.loads(_start("config.json", opener))
    except (ValueError, RecursionError):
        return False
    return isinstance(config, dict) and ("model_type" in config or "architectures" in config)


def _start(path: str, opener: Opener, limit: int = _HEAD) -> bytes:
    with opener(path) as stream:
        return stream.read(limit)


def _kind(path: str, opener: Opener) -> str:
    with opener(path) as stream:
        head = stream.read(_HEAD)
        if head.startswith(b"PK\x03\x04"):
            return _archive(stream)
    for kind, beginning in _BEGINNINGS:
        if beginning.match(head):
            return kind
    if head.startswith(_HDF5):
        return "keras" if path.lower().endswith((".h5", ".hdf5", ".keras")) else _CUSTOM
    if _is_safetensors(head):
        return "safetensors"
    return "onnx" if _is_onnx(head) else library(head) or _CUSTOM


def _is_safetensors(head: bytes) -> bool:
    header = head[8 : 8 + int.from_bytes(head[:8], "little")]
    return header.startswith(b"{") and b'"data_offsets"' in header


def _is_onnx(head: bytes) -> bool:
    """Walk the first fields of a ModelProto: known ones only, an IR version and then a graph."""
    at, seen = 0, set()
    for _ in range(64):
        key, at = _varint(head, at)
        field, wire = key >> 3, key & 7
        if _ONNX.get(field) != wire:
            return False
        value, at = _varint(head, at)
        at += value if wire else 0
        seen.add(field)
        if field == 7:  # noqa: PLR2004 - the graph
            return 1 in seen and (at <= len(head) or len(head) == _HEAD)
    return False


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number at `at` and where it ends; 0 and a place outside if there is none."""
    value = 0
    for index, byte in enumerate(data[at : at + 10]):
        value |= (byte & 127) << 7 * index
        if byte < 128:  # noqa: PLR2004 - the top bit says that more follows
            return value, at + index + 1
    return 0, _HEAD + 1


class _Bounded:
    """A file that refuses long reads, so that a hostile archive cannot fill the memory."""

    def __init__(self, stream: BinaryIO) -> None:
        self.seek, self.tell, self._read = stream.seek, stream.tell, stream.read

    def read(self, size: int = -1) -> bytes:
        if size > _DIRECTORY_LIMIT:
            raise zipfile.BadZipFile
        return self._read(size if size >= 0 else _DIRECTORY_LIMIT)


def _archive(stream: BinaryIO) -> str:
    """Tell a zip archive by the names in it; nothing is unpacked."""
    try:
        with zipfile.ZipFile(_Bounded(stream)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, StructError, ValueError, OSError, NotImplementedError):
        return _CUSTOM
    if {"config.json", "metadata.json"} <= names:
        return "keras"
    roots = {name.removesuffix("data.pkl") for name in names if name.endswith("/data.pkl")}
    return "pytorch" if any(f"{root}version" in names for root in roots) else _CUSTOM
