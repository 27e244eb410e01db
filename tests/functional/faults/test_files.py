"""Files and metrics that are wrong: said before anything is asked, with the way out."""

from __future__ import annotations

import json
import os
import pickle
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from functional.fault_server import Asked, FaultServer, Reply, faulty
from functional.fault_table import case
from functional.found import runs, versions
from functional.runner import Runner
from functional.trees import tree
from hokusai_register.artifact import MAX_FILES
from hokusai_register.render import interrupted
from sandboxes import Sandbox

Inputs = Mapping[str, str]
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"
BOMB = "a: &a [x,x]\n" + "".join(
    f"{b}: &{b} [*{a},*{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
MANY = "".join(f"m{number}: 1\n" for number in range(10_000))
NEVER = 5.0  # seconds that no refusal takes


def there(name: str, content: bytes = b"x") -> Callable[[Path], Inputs]:
    """Make a file, and name it as the model."""

    def prepare(workspace: Path) -> Inputs:
        path = workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return {"model_path": name}

    return prepare


def link(target: str) -> Callable[[Path], Inputs]:
    def prepare(workspace: Path) -> Inputs:
        (workspace / "link.bin").symlink_to(target)
        return {"model_path": "link.bin"}

    return prepare


def given(**inputs: str) -> Callable[[Path], Inputs]:
    return lambda _: inputs


def pipe(workspace: Path) -> Inputs:
    os.mkfifo(workspace / "pipe.bin")
    return {"model_path": "pipe.bin"}


def empty(workspace: Path) -> Inputs:
    (workspace / "empty").mkdir()
    return {"model_path": "empty"}


def metrics(content: bytes) -> Callable[[Path], Inputs]:
    def prepare(workspace: Path) -> Inputs:
        (workspace / "metrics.yaml").write_bytes(content)
        return {"metrics": "", "metrics_file": "metrics.yaml"}

    return prepare


def sparse(workspace: Path) -> Inputs:
    with (workspace / "huge.bin").open("wb") as stream:
        stream.truncate(1 << 40)
    return {"model_path": "huge.bin"}


def crowd(workspace: Path) -> Inputs:
    (workspace / "crowd").mkdir()
    for number in range(MAX_FILES + 1):
        (workspace / "crowd" / f"{number}.bin").touch()
    return {"model_path": "crowd"}


# row, what it is, what is done, the reason, what is said
ROWS: list[tuple[str, str, Callable[[Path], Inputs], str, str]] = [
    ("F01", "model-path missing", given(model_path="modle.bin"), "file", "model.bin"),
    ("F01", "its directory missing", given(model_path="a/m.bin"), "file", "the workspace is"),
    ("F02", "a host's path", given(model_path="/opt/hostedtoolcache/m"), "file", "relative to"),
    ("F02", "a job container's path", given(model_path="/__w/a/a/no.bin"), "file", "not visible"),
    ("F02", "a list of paths", given(model_path="a.bin\nb.bin"), "file", "line break"),
    ("F05", "a link out", link("/etc/passwd"), "file", "outside the workspace"),
    ("F05", "a link up", link("../../x"), "file", "outside the workspace"),
    ("F06", "a path up", given(model_path="../../etc/passwd"), "file", "outside"),
    ("F06", "a path elsewhere", given(model_path="/etc/passwd"), "file", "outside"),
    ("F06", "the environment", given(model_path="/proc/self/environ"), "file", "outside"),
    ("F07", "a FIFO", pipe, "file", "not a regular file"),
    ("F13", "an empty directory", empty, "file", "empty"),
    ("F14", "an empty file", there("zero.bin", b""), "file", "empty"),
    ("F15", "an LFS pointer", there("lfs.bin", LFS), "file", "lfs: true"),
    ("F16", "a DVC pointer", there("model.bin.dvc"), "file", "dvc pull"),
    ("F16", "a git-annex pointer", there("a.bin", b"/annex/objects/MD5"), "file", "annex get"),
    ("F16", "half a download", there("model.bin.part"), "file", "did not finish"),
    ("F16", "half a download of Chrome's", there("a.crdownload"), "file", "did not finish"),
    ("F16", "a web page", there("page.onnx", b"<!DOCTYPE html>"), "file", "web page"),
    ("F17", "a sparse file of 1 TB", sparse, "file", "1,099,511,627,776 bytes"),
    ("F17", "too many files", crowd, "file", "more than 10,000 files"),
    ("F20", "a checkout's token", there(".git/config"), "file", "Git"),
    ("F21", "no metrics", given(metrics=" \n"), "input", "none"),
    ("F21", "an empty mapping", given(metrics="{}"), "input", "no metrics"),
    ("F21", "an empty file of metrics", metrics(b""), "input", "no metrics"),
    ("F22", "a NaN", given(metrics="auc: .nan"), "input", "auc"),
    ("F22", "an infinity", given(metrics='{"auc": Infinity}'), "input", "auc"),
    ("F22", "a number too large", given(metrics='{"auc": 1e999}'), "input", "auc"),
    ("F23", "a name twice in JSON", given(metrics='{"a": 1, "a": 2}'), "input", "twice"),
    ("F23", "a name twice in YAML", given(metrics="a: 1\na: 2"), "input", "twice"),
    ("F24", "aliases of aliases", metrics(BOMB.encode()), "input", "alias"),
    ("F26", "100 MB of metrics", metrics(b"a: 1\n" * 20_000_000), "file", "1,048,576"),
    ("F28", "UTF-16", metrics("a: 1".encode("utf-16")), "file", "line 1, byte 1"),
    ("F28", "Latin-1", metrics(b"b: 2\n\xe4: 1"), "file", "line 2, byte 6"),
    ("F28", "a NUL", metrics(b"a: 1\n\0"), "input", "line 2"),
    ("F28", "two documents", metrics(b"a: 1\n---\nb: 2\n"), "input", "line 2: a second document"),
    ("F28", "a tab", metrics(b"a:\n\tb: 1\n"), "input", "line 2 is indented with a tab"),
    ("F30", "a metric that climbs", given(metrics='{"../x": 1}'), "input", "../x"),
    ("F30", "a metric that is a command", given(metrics='{"a::b": 1}'), "input", "one colon"),
    ("F30", "a metric that is too long", given(metrics=json.dumps({"x" * 300: 1})), "input", "250"),
    ("F30", "a metric of two lines", given(metrics='{"a\\nb": 1}'), "input", "'\\n'"),
    ("F31", "more than can be read back", metrics(MANY.encode()), "input", "can be read back"),
    ("F30", "a name twice but for case", given(metrics="a: 1\nA: 2"), "input", "but for its case"),
]


@pytest.mark.parametrize(
    ("prepare", "reason", "says"),
    [
        case((row, what, f"failed/{reason} 2"), prepare, reason, says, name=f"{row}-{what}")
        for row, what, prepare, reason, says in ROWS
    ],
)
def test_it_is_refused_before_anything_is_asked(
    runner: Runner, prepare: Callable[[Path], Inputs], reason: str, says: str
) -> None:
    inputs = prepare(runner.workspace)
    with faulty(lambda _: Reply(status=500)) as server:
        began = time.monotonic()
        result = runner.here(tracking_uri=f"{server.url}/api/mlflow", fallback="mock", **inputs)
        assert time.monotonic() - began < NEVER
        assert server.asked == []
    assert result.said("failed", reason, "none")
    assert (result.exit_code, result.outputs["registered"]) == (2, "false")
    (error,) = result.errors
    assert says in error, error
    assert "What to do:" in error
    assert "Traceback" not in result.log
    assert not (runner.workspace / ".hokusai").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("closed", ["closed", "closed/model.bin"])
@pytest.mark.fault("F03", "not readable for this user", "failed/file 2")
def test_f03_what_is_not_readable(runner: Runner, closed: str) -> None:
    there("closed/model.bin")(runner.workspace)
    (runner.workspace / closed).chmod(0)
    result = runner.finish(runner.start(None, runner.stranger(), model_path=closed))
    assert result.said("failed", "file", "none")
    assert result.exit_code == 2
    assert "Permission denied" in result.errors[0]


@pytest.mark.fault("F04", "a link from inside to inside", "registered/ok 0 mlflow")
@pytest.mark.fault("F20", "a directory with what is private", "registered/ok 0 mlflow, listed")
def test_f04_f20_a_directory_as_it_is(runner: Runner, fetch: Callable[[str], Path]) -> None:
    model = runner.workspace / "real"
    for name in ("weights.bin", "sub/ä x.bin", ".git/config", ".env", "id_rsa"):
        there(f"real/{name}", name.encode())(runner.workspace)
    (model / "elsewhere").symlink_to("/etc")
    (runner.workspace / "link").symlink_to("real")
    result = runner.here(model_path="link")
    assert result.said("registered", "ok", "mlflow")
    for left_out in (".git", ".env", "id_rsa", "elsewhere"):
        assert left_out in result.summary
    fetched = tree(fetch(result.outputs["model-uri"]))
    assert sorted(fetched) == ["MLmodel", "sub/ä x.bin", "weights.bin"]


@pytest.mark.fault("F19", "a name that is no UTF-8", "failed/invalid 1, or registered/ok 0 api")
def test_f19_a_name_that_is_no_utf8(runner: Runner, sandbox: Sandbox) -> None:
    name = os.fsdecode(b"m\xff.bin")
    there(f"real/{name}")(runner.workspace)
    result = runner.action(model_path="real", fallback="mock")
    assert result.said("failed", "invalid", "none")
    assert "m\\udcff.bin" in result.errors[0]
    assert result.outputs.keys() == interrupted().keys()
    result = runner.action(model_path="real", api_key=sandbox.create_key("model:write"))
    assert result.said("registered", "ok", "api")


def grow(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write(b"more")


def shrink(path: Path) -> None:
    os.truncate(path, 10)


def swap(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.parent.parent / "secret.bin")


CHANGES = [
    case(("F10", "swapped for a link, after it was hashed", "failed/file 1"), swap, "link"),
    case(("F12", "a file that grows while it is sent", "failed/file 1"), grow, "changed"),
    case(("F12", "a file that shrinks while it is sent", "failed/file 1"), shrink, "changed"),
]


@pytest.mark.parametrize(("change", "says"), CHANGES)
def test_f10_f12_a_file_that_is_another_by_now(
    runner: Runner,
    proxy: FaultServer,
    client: MlflowClient,
    change: Callable[[Path], None],
    says: str,
) -> None:
    path = runner.workspace / "model.bin"
    (runner.home / "secret.bin").write_bytes(b"secret!" * 1000)  # of the same size
    left = [path]

    def script(asked: Asked) -> None:
        if "runs/create" in str(asked):
            change(left.pop())

    proxy.script = script
    result = runner.here(fallback="mock")
    assert result.said("failed", "file", "none")
    assert says in result.errors[0]
    assert not [asked for asked in proxy.asked if b"secret" in asked.body]
    assert runs(client, runner.inputs["model-name"]) == ["FAILED"]
    assert versions(client, runner.inputs["model-name"]) == []


@pytest.mark.fault("F17", "a large file", "registered/ok 0 mlflow, in 300 MB of memory")
def test_f17_a_large_file_is_streamed(runner: Runner) -> None:
    with (runner.workspace / "large.bin").open("wb") as stream:
        stream.truncate(400 << 20)
        stream.write(b"x")
    step = runner.start(None, ("prlimit", f"--data={300 << 20}"), model_path="large.bin")
    assert runner.finish(step).said("registered", "ok", "mlflow")


@dataclass
class Payload:
    """What touches a file when it is unpickled."""

    path: Path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.fault("F33", "a version that YAML has rounded", "registered/ok 0 mlflow, told")
@pytest.mark.fault("F34", "a pickle with a payload", "registered/ok 0 mlflow, unopened")
def test_f33_f34_a_payload_is_only_hashed(runner: Runner) -> None:
    trap = runner.home / "went-off"
    (runner.workspace / "model.pkl").write_bytes(pickle.dumps(Payload(trap)))
    result = runner.here(model_path="model.pkl", version="1.1")
    assert result.said("registered", "ok", "mlflow")
    assert "`1.1`" in result.summary
    assert not trap.exists()
    pickle.loads((runner.workspace / "model.pkl").read_bytes())  # noqa: S301  # our own
    assert trap.exists(), "it would have gone off"
