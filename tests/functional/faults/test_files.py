"""Files and metrics that are wrong: said before anything is asked, with the way out."""

from __future__ import annotations

import json
import os
import pickle
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from functional.fault_server import Reply, faulty
from functional.runner import Runner
from functional.trees import tree
from sandboxes import Sandbox

Inputs = Mapping[str, str]
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"
BOMB = "a: &a [x,x]\n" + "".join(
    f"{b}: &{b} [*{a},*{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
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


# row, what it is, what is done, the reason, what is said
ROWS: list[tuple[str, str, Callable[[Path], Inputs], str, str]] = [
    ("F01", "model-path missing", given(model_path="modle.bin"), "file", "model.bin"),
    ("F02", "a host's path", given(model_path="/opt/hostedtoolcache/m"), "file", "relative to"),
    ("F02", "a list of paths", given(model_path="a.bin\nb.bin"), "file", "line break"),
    ("F05", "a link out", link("/etc/passwd"), "file", "outside the workspace"),
    ("F05", "a link up", link("../../x"), "file", "outside the workspace"),
    ("F06", "a path up", given(model_path="../../etc/passwd"), "file", "outside"),
    ("F06", "the environment", given(model_path="/proc/self/environ"), "file", "outside"),
    ("F07", "a FIFO", pipe, "file", "not a regular file"),
    ("F13", "an empty directory", empty, "file", "empty"),
    ("F14", "an empty file", there("zero.bin", b""), "file", "empty"),
    ("F15", "an LFS pointer", there("lfs.bin", LFS), "file", "lfs: true"),
    ("F16", "a DVC pointer", there("model.bin.dvc"), "file", "dvc pull"),
    ("F16", "half a download", there("model.bin.part"), "file", "did not finish"),
    ("F16", "a web page", there("page.onnx", b"<!DOCTYPE html>"), "file", "web page"),
    ("F17", "a sparse file of 1 TB", sparse, "file", "bytes"),
    ("F20", "a checkout's token", there(".git/config"), "file", "Git"),
    ("F21", "no metrics", given(metrics=" \n"), "input", "none"),
    ("F21", "an empty mapping", given(metrics="{}"), "input", "no metrics"),
    ("F22", "a NaN", given(metrics="auc: .nan"), "input", "auc"),
    ("F22", "an infinity", given(metrics='{"auc": Infinity}'), "input", "auc"),
    ("F22", "a number too large", given(metrics='{"auc": 1e999}'), "input", "auc"),
    ("F23", "a name twice in JSON", given(metrics='{"a": 1, "a": 2}'), "input", "twice"),
    ("F23", "a name twice in YAML", given(metrics="a: 1\na: 2"), "input", "twice"),
    ("F24", "aliases of aliases", metrics(BOMB.encode()), "input", "alias"),
    ("F26", "100 MB of metrics", metrics(b"a: 1\n" * 20_000_000), "file", "1,048,576"),
    ("F28", "UTF-16", metrics("a: 1".encode("utf-16")), "file", "UTF-8"),
    ("F28", "Latin-1", metrics(b"\xe4: 1"), "file", "UTF-8"),
    ("F28", "a NUL", metrics(b"a: 1\n\0"), "input", "metrics"),
    ("F28", "two documents", metrics(b"a: 1\n---\nb: 2\n"), "input", "document"),
    ("F30", "a metric that climbs", given(metrics='{"../x": 1}'), "input", "../x"),
    ("F30", "a metric that is too long", given(metrics=json.dumps({"x" * 300: 1})), "input", "250"),
    ("F30", "a metric of two lines", given(metrics='{"a\\nb": 1}'), "input", "a"),
]


@pytest.mark.parametrize(
    ("prepare", "reason", "says"),
    [
        pytest.param(*row[2:], id=f"{row[0]}-{row[1]}", marks=pytest.mark.fault(*row[:2]))
        for row in ROWS
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
@pytest.mark.fault("F03", "not readable for this user")
def test_f03_what_is_not_readable(runner: Runner, closed: str) -> None:
    for path in (runner.home, *runner.home.parents[:3]):
        path.chmod(0o755)
    there("closed/model.bin")(runner.workspace)
    (runner.workspace / closed).chmod(0)
    runner.temp.chmod(0o777)
    process, output, _ = runner.start(
        before=["setpriv", "--reuid", "1001", "--clear-groups"], model_path=closed
    )
    log, _ = process.communicate(timeout=60)
    assert process.returncode == 2, log
    assert "bug of its own" not in log
    assert "ermission" in log
    assert output.exists()


@pytest.mark.fault("F04", "a link from inside to inside")
@pytest.mark.fault("F19", "a name that is no UTF-8")
@pytest.mark.fault("F20", "a directory with what is private")
def test_f04_f19_f20_a_directory_as_it_is(runner: Runner, fetch: Callable[[str], Path]) -> None:
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


@pytest.mark.fault("F12", "a file that grows while it is sent")
def test_f12_a_file_that_grows(runner: Runner, sandbox: Sandbox, client: MlflowClient) -> None:
    path = runner.workspace / "model.bin"

    def grow(asked: Any) -> None:
        if "runs/create" in str(asked):
            with path.open("ab") as stream:
                stream.write(b"more")

    with faulty(grow, sandbox.url) as proxy:
        result = runner.here(tracking_uri=f"{proxy.url}/api/mlflow", fallback="mock")
    assert result.said("failed", "file", "none")
    assert "changed" in result.errors[0]
    experiment = client.get_experiment_by_name(runner.inputs["model-name"])
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FAILED"
    assert client.search_model_versions(f"name = '{runner.inputs['model-name']}'") == []


@pytest.mark.fault("F31", "more metrics than one batch takes")
def test_f31_many_metrics(runner: Runner, client: MlflowClient) -> None:
    values = {f"m{number}": float(number) for number in range(1001)}
    result = runner.here(metrics=json.dumps(values))
    if result.exit_code == 2:
        assert "1,000" in result.errors[0]
        return
    assert result.said("registered", "ok", "mlflow")
    assert client.get_run(result.outputs["run-id"]).data.metrics == values


class Payload:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("/tmp/fault-f34-went-off"),)  # noqa: S108  # must never be there


@pytest.mark.fault("F33", "a version that YAML has rounded")
@pytest.mark.fault("F34", "a pickle with a payload")
def test_f33_f34_a_payload_is_only_hashed(runner: Runner) -> None:
    (runner.workspace / "model.pkl").write_bytes(pickle.dumps(Payload()))
    result = runner.here(model_path="model.pkl", version="1.1")
    assert result.said("registered", "ok", "mlflow")
    assert "`1.1`" in result.summary
    assert not Path("/tmp/fault-f34-went-off").exists()  # noqa: S108  # see above
