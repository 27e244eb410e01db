"""Files made to exhaust who reads them: the kernel ends a step that takes more than a little."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import subprocess
import sys
import zlib
from pathlib import Path

import joblib  # type: ignore[import-untyped]  # it comes without types
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from functional.runner import Runner
from hokusai_register.formats import detect
from hokusai_register.mappings import LARGEST

LIMITS = ("prlimit", "--cpu=5", f"--data={1 << 28}")  # seconds of CPU, bytes of memory
ZEROS = bytes(1 << 26)
ALIASES = "\n".join(
    [
        "a0: &a0 [x]",
        *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)),
        "flavors: {onnx: *a11}",
    ]
)
MODELS = {
    "MLmodel": ALIASES.encode(),
    "zlib.pkl": zlib.compress(ZEROS, 1),
    "gzip.pkl": gzip.compress(ZEROS, 1),
    "bz2.pkl": bz2.compress(ZEROS, 1),
    "xz.pkl": lzma.compress(ZEROS, preset=0),
    "lzma.pkl": lzma.compress(
        b"x", lzma.FORMAT_ALONE, filters=[{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 30}]
    ),
    "opcodes.pkl": b"\x80\x02" + b"N0" * (1 << 19),
}
TEXTS = {
    "many": "{" + ", ".join(f'"m{index}": 0.{index}' for index in range(40_000)) + "}",
    "deep": "a: " + "[" * (LARGEST - 3),
    "digits": "a: 1" + "1" * (LARGEST - 5) + "x",
    "list": '{"' + "a" * (LARGEST // 2) + '": [' + "1," * (LARGEST // 4 - 9) + "1]}",
    "signs": "=" * LARGEST,
    "dots": "x." * (LARGEST // 2 - 2) + "json",
    "anchors": "&a " * (LARGEST // 3),
}


@pytest.fixture
def limited(tmp_path: Path) -> Runner:
    """A step that may use little, and calls nobody."""
    inputs = {"model-name": "m", "metrics": "a=1", "model-path": "metrics.txt"}
    runner = Runner(home=tmp_path / "job", inputs=inputs, prefix=LIMITS)
    runner.environ["HOKUSAI_MOCK_MODE"] = "true"
    return runner


@pytest.mark.parametrize("name", MODELS)
def test_a_model_does_not_go_off(limited: Runner, name: str) -> None:
    (limited.workspace / "m").mkdir()
    (limited.workspace / "m" / name).write_bytes(MODELS[name])
    assert limited.action(model_path="m").said("simulated", "ok", "mock")


@pytest.mark.parametrize("name", TEXTS)
def test_metrics_are_read_or_refused(limited: Runner, name: str) -> None:
    (limited.workspace / "metrics.txt").write_text(TEXTS[name], encoding="utf-8")
    result = limited.action(metrics="", metrics_file="metrics.txt")
    assert result.ended in ("simulated/ok 0 mock", "failed/input 2", "failed/file 2")


@pytest.mark.parametrize("spent", ["while True: pass", "x = bytearray(1 << 29)"])
def test_the_kernel_does_end_it(spent: str) -> None:
    assert subprocess.run([*LIMITS, sys.executable, "-c", spent], check=False).returncode != 0


@pytest.mark.parametrize(
    "compress", [0, 3, ("gzip", 3), ("bz2", 3), ("lzma", 3), ("xz", 3)], ids=str
)
def test_what_joblib_writes_is_known(tmp_path: Path, compress: object) -> None:
    model = make_pipeline(LogisticRegression().fit([[0.0], [1.0]], [0, 1]))
    joblib.dump(model, tmp_path / "m.joblib", compress=compress)
    content = (tmp_path / "m.joblib").read_bytes()
    assert detect(["m.joblib"], lambda _: io.BytesIO(content)) == "sklearn"
