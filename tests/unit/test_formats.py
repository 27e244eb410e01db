"""Which kind of model files are, and that nothing in them can harm who looks."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import pickle
import struct
import sys
import types
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hokusai_register.errors import FileError
from hokusai_register.formats import detect


def kind(files: Mapping[str, bytes]) -> str:
    return detect(sorted(files), lambda path: io.BytesIO(files[path]))


def archive(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name in names:
            target.writestr(name, b"x")
    return buffer.getvalue()


def pickled(module: str, protocol: int) -> bytes:
    """Pickle an object of a library that is not installed: a class of that name will do."""
    made = types.ModuleType(module)
    made.Model = type("Model", (), {"__module__": module})  # type: ignore[attr-defined]
    parts = module.split(".")
    with mock.patch.dict(sys.modules, {".".join(parts[: n + 1]): made for n in range(len(parts))}):
        return pickle.dumps(made.Model(), protocol)


HEADER = b'{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}} '
# What onnx 1.23 writes for one Relu.
ONNX = bytes.fromhex(
    "080e12026d653a330a0c0a01781201792204"
    "52656c75120167"
    "5a0f0a0178120a0a08080112040a020801"
    "620f0a0179120a0a08080112040a020801"
    "4202101c"
)
# What xgboost 2.1 and 3.2 write: UBJSON, and the binary form that 3.1 gave up.
XGBOOST_UBJ = b"{L\0\0\0\0\0\0\0\x07learner{L\0\0\0\0\0\0\0\nattributes{}"
XGBOOST_OLD = b"binf" + bytes(136) + struct.pack("<q", 15) + b"binary:logistic"
TORCH_MAGIC = pickle.dumps(0x1950A86A20F9469CFC6C, 2)

SINGLE = {
    "gguf": {"m.bin": b"GGUF\x03\0\0\0"},
    "safetensors": {"m.bin": struct.pack("<Q", len(HEADER)) + HEADER + bytes(12)},
    "tensorflow": {"m.bin": b"\x1c\0\0\0TFL3\x14\0"},
    "lightgbm": {"m.txt": b"tree\nversion=v4\nnum_class=1\n"},
    "onnx": {"m.bin": ONNX},
    "xgboost json": {"m.json": b'{"learner":{"attributes":{},"feature_names":[]}}'},
    "xgboost version": {"m.json": b'{\n "version": [2, 1, 4],\n "learner": {}}'},
    "xgboost ubj": {"m.bin": XGBOOST_UBJ},
    "xgboost binf": {"m.bin": XGBOOST_OLD},
    "xgboost old": {"m.bin": XGBOOST_OLD[4:]},
    "pytorch zip": {"m.bin": archive("archive/data.pkl", "archive/data/0", "archive/version")},
    "pytorch script": {"m.pt": archive("m/constants.pkl", "m/data.pkl", "m/version")},
    "pytorch legacy": {"m.bin": TORCH_MAGIC + b"\x80\x02M\xe9\x03."},
    "pytorch legacy 4": {"m.bin": pickle.dumps(0x1950A86A20F9469CFC6C, 4)},
    "keras zip": {"m.bin": archive("metadata.json", "config.json", "model.weights.h5")},
    "keras h5": {"m.h5": b"\x89HDF\r\n\x1a\n\0\0"},
    "keras HDF5": {"M.HDF5": b"\x89HDF\r\n\x1a\n\0\0"},
}


@pytest.mark.parametrize("name", SINGLE)
def test_a_file_is_known_by_its_bytes(name: str) -> None:
    assert kind(SINGLE[name]) == name.split(maxsplit=1)[0]


@pytest.mark.parametrize(
    "files",
    [
        {"m.onnx": b""},
        {"m.onnx": b"\x08\x07"},
        {"m.onnx": b"\x08\x07:\x05"},
        {"m.onnx": b":\x00\x08\x07"},
        {"m.onnx": b"\x08\x07" * 100},
        {"m.safetensors": b"{}"},
        {"m.safetensors": struct.pack("<Q", 4) + HEADER},
        {"m.safetensors": b"\xff" * 8 + b"[]"},
        {"m.json": b'{"other": {"learner": {}}}'},
        {"m.nc": b"\x89HDF\r\n\x1a\n\0\0"},
        {"m.zip": archive("a.txt")},
        {"m.zip": archive("a/data.pkl", "b/version")},
        {"m.pkl": pickle.dumps({"library": "sklearn", "torch": b"sklearn"})},
        {"m.npy": b"\x93NUMPY\x01\0"},
        {"m.txt": b"import sklearn\nfrom torch import nn\n"},
        {"a.pkl": pickled("sklearn.x", 4), "b.bin": b"GGUF"},
        {"config.json": b'{"model_type": "bert"}'},
        {"config.json": b"{}", "weights.bin": b"x"},
        {f"{number:03}": b"GGUF" if number == 64 else b"x" for number in range(65)},
    ],
)
def test_what_is_not_known_is_custom(files: Mapping[str, bytes]) -> None:
    assert kind(files) == "custom"


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("sklearn.svm._classes", "sklearn"),
        ("xgboost.sklearn", "xgboost"),
        ("lightgbm.basic", "lightgbm"),
        ("torch._utils", "pytorch"),
        ("keras.src.models", "keras"),
        ("sklearnish", "custom"),
    ],
)
def test_a_pickle_is_known_by_the_modules_it_names(
    module: str, expected: str, protocol: int
) -> None:
    assert kind({"m": pickled(module, protocol)}) == expected
    assert kind({"m": pickled(module, protocol)[:60]}) == expected  # cut, as a head is


def test_a_module_name_that_was_said_before_is_remembered() -> None:
    first = pickled("sklearn.svm", 4)
    repeated = b"\x80\x04\x8c\x07sklearn\x94\x8c\x03Svm\x940h\x00h\x01\x93."
    long = b"\x80\x04\x8c\x07sklearnr\x05\0\0\0\x8c\x03Svmr\x06\0\0\0j\x05\0\0\0j\x06\0\0\0\x93."
    assert [kind({"m": data}) for data in (first, repeated, long)] == ["sklearn"] * 3


def test_a_pickle_is_never_run(tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "executed",))

    for protocol in range(6):
        data = pickle.dumps(Payload(), protocol)
        for packed in (data, zlib.compress(data), TORCH_MAGIC + data):
            kind({"m.pkl": packed})
    assert not list(tmp_path.iterdir())
    pickle.loads(data)  # noqa: S301 - shows that the payload would have worked
    assert list(tmp_path.iterdir())


def mlmodel(*flavours: str) -> bytes:
    return b"flavors:\n" + b"".join(f"  {name}: {{a: 1}}\n".encode() for name in flavours)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (mlmodel("python_function", "sklearn"), "sklearn"),
        (mlmodel("tensorflow", "python_function"), "tensorflow"),
        (mlmodel("python_function"), "pyfunc"),
        (mlmodel("python_function", "prophet"), "pyfunc"),
        (mlmodel("prophet"), "gguf"),
        (b"run_id: a\n", "gguf"),
        (b"flavors: none\n", "gguf"),
        (b"a: &x {b: 1}\nc: *x\nflavors: {onnx: *x}\n", "onnx"),
    ],
)
def test_an_mlmodel_says_it_itself(content: bytes, expected: str) -> None:
    assert kind({"MLmodel": content, "m.bin": b"GGUF"}) == expected


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"flavors: {a: 1\nb: [", "line 2, column "),
        (b"a: 1\n\tb: 2\n", "line 2, column 1"),
        (b"- a\n", "not a mapping"),
        (b"", "not a mapping"),
        (b"a: 1\n---\nb: 2\n", "line 2"),
        (b"a: \xff\n", "utf-8"),
        (b"a: \0\n", "#x0000"),
        (b'a: "\\UFFFFFFFF"\n', "too large"),
        (b"[" * 1000, "recursion"),
        (b"a: 1\n" * 500_000, "more than 2,097,152 bytes"),
    ],
)
def test_a_broken_mlmodel_is_refused_and_says_where(content: bytes, says: str) -> None:
    with pytest.raises(FileError) as caught:
        kind({"MLmodel": content})
    assert says in caught.value.why


DIRECTORIES = {
    "transformers": {"config.json": b'{"model_type": "bert"}', "model.safetensors": b"x"},
    "transformers shards": {
        "config.json": b'{"architectures": ["A"]}',
        "pytorch_model-00001-of-00002.bin": b"x",
    },
    "tensorflow": {"saved_model.pb": b"x", "variables/variables.index": b"x"},
    "sklearn": {"deep/model.pkl": pickled("sklearn.svm", 4), "metrics.json": b"{}"},
    "gguf": {"a.gguf": b"GGUF", "b.gguf": b"GGUF"},
    "keras": {"config.json": b'{"module": "keras"}', "model.weights.h5": b"\x89HDF\r\n\x1a\n"},
    "safetensors": {"config.json": b"[" * 100_000, "m.safetensors": SINGLE["safetensors"]["m.bin"]},
}


@pytest.mark.parametrize("name", DIRECTORIES)
def test_a_directory_is_known_by_its_files(name: str) -> None:
    assert kind(DIRECTORIES[name]) == name.split(maxsplit=1)[0]


def test_an_archive_with_a_huge_directory_is_not_read() -> None:
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 9, 9, 5 << 20, 4, 0)
    assert kind({"m.pt": b"PK\x03\x04" + bytes(5 << 20) + end}) == "custom"


SEEDS = [data for files in (SINGLE | DIRECTORIES).values() for data in files.values()]
SEEDS += [pickled("sklearn.svm", protocol) for protocol in range(6)]
SEEDS += [zlib.compress(SEEDS[-1]), gzip.compress(SEEDS[-1]), lzma.compress(SEEDS[-1])]
SEEDS += [mlmodel("sklearn"), json.dumps({"model_type": "a"}).encode()]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from([seed for seed in SEEDS if len(seed) < 5000])))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 8))] = draw(st.binary(max_size=8))
    return bytes(data)


@given(st.binary(max_size=200) | mutated())
def test_no_bytes_make_it_fail(data: bytes) -> None:
    assert kind({"m.h5": data}) != ""
    assert kind({"config.json": data, "model.safetensors": data}) != ""


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode) | mutated())
def test_no_bytes_make_an_mlmodel_fail_but_with_a_message(data: bytes) -> None:
    try:
        said = kind({"MLmodel": data})
    except FileError as error:
        said = error.why
    assert said
    assert said.isprintable()


@given(st.data())
def test_no_archive_makes_it_fail(data: st.DataObject) -> None:
    broken = bytearray(archive("m/data.pkl", "m/version"))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(4, len(broken) - 1))
        broken[at] = data.draw(st.integers(0, 255))
    assert kind({"m.pt": bytes(broken)}) in {"pytorch", "custom"}
